"""Mutating policies on one object, as MutatingAdmissionPolicy in the API server changes it: an object in, one out.

Followed: the dispatcher and the patchers of Kubernetes 1.36. Defaults are not filled in between two mutations, because
files have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from transom.kube.kinds import Kind
from transom.lang.cel.errors import CannotKnow, EvaluationError
from transom.lang.cel.values import Message, Unknown
from transom.lang.jsonpatch import JsonPatchError, patched
from transom.rules.evaluate import Subject, activation, conditions_verdict, scope_of
from transom.rules.fixes import APPLY, Fix, Mutation
from transom.rules.match import matches
from transom.rules.merging import MergeError, merged
from transom.rules.params import NoParams, chosen_params

if TYPE_CHECKING:
    from transom.rules.policy import Binding

OBJECT = "Object"
_UNBOUND: Sequence[Binding | None] = (None,)


class MutationError(Exception):
    """Why a mutating policy cannot change an object, in a person's words."""


def mutate(fix: Fix, subject: Subject) -> dict[str, Any]:
    """Return the subject's object as a mutating policy leaves it; the very object where the policy is not about it.

    Raises MutationError where an expression fails, or hangs on what is not known.
    """
    value: dict[str, Any] = subject.object
    policy = fix.policy
    try:
        if not matches(policy.match, subject.request):
            return value
        bindings = [each for each in policy.bindings if each.match is None or matches(each.match, subject.request)]
        if policy.bindings and not bindings:
            return value
        for binding in bindings or _UNBOUND:
            for params in chosen_params(policy, binding, subject.request):
                value = _invoked(fix, replace(subject, object=value), params)
    except CannotKnow as error:
        raise MutationError(f"it hangs on {error.what}, which is not known here") from error
    return value if value is subject.object else _whole(value, subject)


def _whole(value: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """Return a changed object with what follows from its change: of a Dockerfile all that instructions tell."""
    if subject.request.kind.kind != "Dockerfile":
        return value
    from transom.lang.dockerfile import DockerfileError
    from transom.lang.dockerfile.reshape import reshaped

    try:
        made = reshaped(value)
    except DockerfileError as error:
        raise MutationError(f"what it makes is no Dockerfile: {error}") from error
    before = _object(subject)
    return before if made == before else made


def mutate_all(fixes: Sequence[Fix], subject: Subject) -> dict[str, Any]:
    """Return the subject's object as several policies leave it, one after the other.

    Those with reinvocationPolicy IfNeeded are called once more where the object has changed since.
    """
    value: dict[str, Any] = subject.object
    after: list[tuple[Fix, dict[str, Any]]] = []
    for fix in fixes:
        value = mutate(fix, replace(subject, object=value))
        after.append((fix, value))
    for fix, then in after:
        if fix.reinvoke and then != value:
            value = mutate(fix, replace(subject, object=value))
    return value


def is_safe(fix: Fix, subject: Subject) -> bool:
    """Tell whether a fix cannot break what the subject makes; where that cannot be known it is not."""
    if fix.safe_when is None or fix.kind == "safe":
        return fix.kind == "safe"
    params = next(iter(fix.policy.params), None)
    try:
        return fix.safe_when(_scope(fix, subject, params)) is True
    except EvaluationError:
        return False


def _scope(fix: Fix, subject: Subject, params: Any) -> dict[str, Any]:
    programs = {each.name: each.program for each in fix.policy.variables}
    return scope_of(programs, activation(subject), params)


def _invoked(fix: Fix, subject: Subject, params: Any) -> dict[str, Any]:
    """Return the object after one invocation: match conditions are asked once, variables are new for each mutation."""
    if isinstance(params, NoParams):
        raise MutationError(params.reason)
    verdict = conditions_verdict(fix.policy, _scope(fix, subject, params))
    if verdict is not None:
        if verdict.applies:
            raise MutationError(verdict.unknown or verdict.failures[0].message)
        return _object(subject)
    value = _object(subject)
    for mutation in fix.mutations:
        current = replace(subject, object=value)
        value = _step(mutation, _scope(fix, current, params), value, subject.request.kind)
    return value


def _object(subject: Subject) -> dict[str, Any]:
    value: dict[str, Any] = subject.object
    return value


def _step(mutation: Mutation, scope: Mapping[str, Any], value: dict[str, Any], kind: Kind) -> dict[str, Any]:
    try:
        made = mutation.program(scope)
        if isinstance(made, Unknown):
            raise CannotKnow(made.what)
        if mutation.patch_type == APPLY:
            _check_names(made, OBJECT)
            result = merged(value, plain(made), kind.group, kind.kind)
        else:
            result = patched(value, [plain(each) for each in made])
    except CannotKnow:
        raise
    except (EvaluationError, MergeError, JsonPatchError) as error:
        raise MutationError(str(error)) from error
    if not isinstance(result, dict):
        raise MutationError("what it makes is no object")
    return value if result == value and _same_kinds(result, value) else result


def _same_kinds(left: Any, right: Any) -> bool:
    """Tell whether two equal values are of the same types throughout: to Python 1 is True."""
    if isinstance(left, dict):
        return all(_same_kinds(each, right[key]) for key, each in left.items())
    if isinstance(left, list):
        return all(map(_same_kinds, left, right))
    return type(left) is type(right)


def _check_names(made: Any, name: str) -> None:
    """Refuse an object literal whose type is not named after the field that it stands in, as the API server does."""
    if isinstance(made, list | tuple):
        for each in made:
            _check_names(each, name)
    elif isinstance(made, Message):
        if made.cel_type != name:
            raise MutationError(f"type mismatch: {made.cel_type} stands where {name} belongs")
        for field, each in made.items():
            _check_names(each, f"{name}.{field}")


def plain(value: Any) -> Any:
    """Return a value of CEL as JSON has it: no messages, tuples or unsigned integers; refuses what JSON does not have."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {_key(key): plain(each) for key, each in value.items()}
    if isinstance(value, Unknown):
        raise CannotKnow(value.what)
    raise MutationError(f"a {type(value).__name__} cannot stand in an object")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    raise MutationError("a key of a map is no text")
