"""One policy on one object: what ValidatingAdmissionPolicy in the API server would say, and where that came from."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.lang.cel import LazyVariables, Program, Witness
from transom.lang.cel.errors import CannotKnow, EvaluationError
from transom.lang.cel.values import Unknown
from transom.rules.match import Request, matches
from transom.rules.params import NoParams, chosen_params

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transom.kube.kinds import Kind
    from transom.rules.policy import Binding, Policy, Validation

MAX_MESSAGE_BYTES = 5 * 1024  # the API server's limit on what a messageExpression gives
USER = Unknown("the requesting user")
NAMESPACE = Unknown("the namespace it is put into")
AUTHORIZER = Unknown("what the authorizer decides")
ANSWERS: Mapping[str, Any] = MappingProxyType(
    {
        "resource": Unknown("objects of the cluster (resource.Get, resource.List)"),
        "http": Unknown("what a web service answers (http.Get)"),
        "image": Unknown("what an image's registry says of it (image.GetMetadata)"),
        "globalContext": Unknown("what the cluster keeps for all policies (globalContext.Get)"),
        "exceptions": {"allowedImages": (), "allowedValues": ()},
    }
)
"""What Kyverno's policies may ask the world outside: names that no other policy may name."""


class Subject(Struct, frozen=True):
    """What is judged: the object as the API server would decode it, and what is known of its request.

    Parts that are not known are values.Unknown; the defaults are what files cannot tell.
    """

    object: Any
    request: Request
    old_object: Any = None
    namespace_object: Any = None
    user: Any = USER
    authorizer: Any = AUTHORIZER
    request_resource: Any = AUTHORIZER
    options: Any = Unknown("the options of the request")
    dry_run: Any = Unknown("whether it is a dry run")
    answers: Mapping[str, Any] = ANSWERS


class Failure(Struct, frozen=True):
    """A validation that does not hold. error: why its expression has no value, "" where it is false."""

    index: int
    message: str
    witnesses: tuple[Witness, ...] = ()
    error: str = ""


class Verdict(Struct, frozen=True):
    """What a policy says of a subject. applies: False where it is not about it; unknown: what hinders a verdict."""

    applies: bool
    failures: tuple[Failure, ...] = ()
    unknown: str = ""


NOT_ABOUT_IT = Verdict(False)
PASSED = Verdict(True)
_UNBOUND: Sequence[Binding | None] = (None,)


def activation(subject: Subject, params: Any = None) -> dict[str, Any]:
    """Return what expressions may name, but for their policy's variables."""
    return {
        **subject.answers,
        "object": subject.object,
        "oldObject": subject.old_object,
        "request": _request(subject),
        "namespaceObject": subject.namespace_object,
        "params": params,
        "authorizer": subject.authorizer,
        "authorizer.requestResource": subject.request_resource,
    }


def _request(subject: Subject) -> dict[str, Any]:
    request = subject.request
    kind, resource = _kind_and_resource(request.kind)
    return {
        "kind": kind,
        "resource": resource,
        "subResource": request.subresource,
        "requestKind": kind,
        "requestResource": resource,
        "requestSubResource": request.subresource,
        "name": request.name,
        "namespace": request.namespace or (NAMESPACE if request.kind.namespaced else ""),
        "operation": request.operation,
        "userInfo": subject.user,
        "options": subject.options,
        "dryRun": subject.dry_run,
    }


@lru_cache(1024)
def _kind_and_resource(kind: Kind) -> tuple[dict[str, str], dict[str, str]]:
    """Return both as maps; they are made once for each kind, and expressions never change what they read."""
    version = {"group": kind.group, "version": kind.version}
    return {**version, "kind": kind.kind}, {**version, "resource": kind.plural}


def evaluate(policy: Policy, subject: Subject, names: dict[str, Any] | None = None) -> Verdict:
    """Return the verdict of a policy, all its bindings and parameters taken together.

    names: activation(subject), where the caller has it already.
    """
    try:
        if not matches(policy.match, subject.request):
            return NOT_ABOUT_IT
        bindings = [each for each in policy.bindings if each.match is None or matches(each.match, subject.request)]
    except CannotKnow as error:
        return Verdict(True, unknown=error.what)
    if policy.bindings and not bindings:
        return NOT_ABOUT_IT
    if names is None:
        names = activation(subject)
    found = [
        _with_params(policy, params, names)
        for binding in (bindings or _UNBOUND)
        for params in chosen_params(policy, binding, subject.request)
    ]
    return _joined(found)


def _joined(found: Sequence[Verdict]) -> Verdict:
    """Take verdicts together: all must hold."""
    if len(found) == 1:
        return found[0]
    applying = [verdict for verdict in found if verdict.applies]
    if not applying:
        return NOT_ABOUT_IT
    failures = tuple(failure for verdict in applying for failure in verdict.failures)
    unknown = next((verdict.unknown for verdict in applying if verdict.unknown), "")
    return Verdict(True, failures, unknown)


def _with_params(policy: Policy, params: Any, names: Mapping[str, Any]) -> Verdict:
    if isinstance(params, NoParams):
        return Verdict(True, (Failure(0, params.reason, error=params.reason),))
    return evaluate_in(policy, scope_of({each.name: each.program for each in policy.variables}, names, params))


def scope_of(variables: Mapping[str, Program], names: Mapping[str, Any], params: Any = None) -> dict[str, Any]:
    """Return all that expressions may name: an activation, parameters, and variables that are computed when read."""
    scope = {**names, "params": params}
    scope["variables"] = LazyVariables(variables, scope)
    return scope


def evaluate_in(policy: Policy, scope: dict[str, Any]) -> Verdict:
    """Return the verdict of a policy that matches, in a scope that has its variables and parameters."""
    if policy.conditions:
        verdict = conditions_verdict(policy, scope)
        if verdict is not None:
            return verdict
    failures: list[Failure] = []
    unknown = ""
    for index, validation in enumerate(policy.validations):
        program, value = validation.program, None
        try:
            value = program.run(scope)
            if value is True:
                continue
        except Exception:  # noqa: S110 - what generated code does not decide is asked again, and exactly
            pass
        try:
            if value is not False and _holds(program, scope):
                continue
            message = _message(validation, scope)
            error = ""
        except CannotKnow as cannot:
            unknown = unknown or cannot.what
            continue
        except EvaluationError as failed:
            message = error = str(failed)
        failures.append(Failure(index, message, tuple(program.witnesses(scope, False, value is False)), error))
    return Verdict(True, tuple(failures), unknown) if failures or unknown else PASSED


def _holds(program: Program, scope: dict[str, Any]) -> bool:
    value = program(scope)
    if value.__class__ is Unknown:
        raise CannotKnow(value.what)
    return value is True


def conditions_verdict(policy: Policy, scope: dict[str, Any]) -> Verdict | None:
    """Return None where every match condition is true; one that is false outweighs those that fail."""
    hindrance = None
    for condition in policy.conditions:
        try:
            if not _holds(condition.program, scope):
                return NOT_ABOUT_IT
        except CannotKnow as cannot:
            hindrance = hindrance or Verdict(True, unknown=cannot.what)
        except EvaluationError as error:
            message = f"match condition {condition.name}: {error}"
            hindrance = Verdict(True, (Failure(0, message, error=message),))
    return hindrance


def _message(validation: Validation, scope: Mapping[str, Any]) -> str:
    """Return what to tell: messageExpression's text where it gives a fitting one, as in the API server."""
    if validation.tell is not None:
        text = _told(validation.tell, scope)
        if text:
            return text
    return validation.message or f"failed expression: {validation.program.source.strip()}"


def _told(program: Program, scope: Mapping[str, Any]) -> str:
    try:
        text = program(scope)
    except EvaluationError:
        return ""
    if not isinstance(text, str) or len(text.encode("utf-8", "replace")) > MAX_MESSAGE_BYTES or "\n" in text:
        return ""
    return text.strip()
