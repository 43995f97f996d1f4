"""One policy on one object: what ValidatingAdmissionPolicy in the API server would say, and where that came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.selectors import SelectorError, compile_selector
from transom.lang.cel import LazyVariables, Program, Witness
from transom.lang.cel.errors import CannotKnow, CostExceeded, EvaluationError
from transom.lang.cel.values import Unknown
from transom.rules.match import Request, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from transom.rules.policy import Binding, Policy, Validation

MAX_MESSAGE_BYTES = 5 * 1024  # the API server's limit on what a messageExpression gives
USER = Unknown("the requesting user")
AUTHORIZER = Unknown("what the authorizer decides")


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
    options: Any = Unknown("the options of the request")
    dry_run: Any = Unknown("whether it is a dry run")


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
        "object": subject.object,
        "oldObject": subject.old_object,
        "request": _request(subject),
        "namespaceObject": subject.namespace_object,
        "params": params,
        "authorizer": subject.authorizer,
        "authorizer.requestResource": subject.authorizer,
    }


def _request(subject: Subject) -> dict[str, Any]:
    request = subject.request
    kind = {"group": request.kind.group, "version": request.kind.version, "kind": request.kind.kind}
    resource = {"group": request.kind.group, "version": request.kind.version, "resource": request.kind.plural}
    return {
        "kind": kind,
        "resource": resource,
        "subResource": request.subresource,
        "requestKind": kind,
        "requestResource": resource,
        "requestSubResource": request.subresource,
        "name": request.name,
        "namespace": request.namespace,
        "operation": request.operation,
        "userInfo": subject.user,
        "options": subject.options,
        "dryRun": subject.dry_run,
    }


def evaluate(policy: Policy, subject: Subject, names: dict[str, Any] | None = None) -> Verdict:
    """Return the verdict of a policy, all its bindings and parameters taken together.

    names: activation(subject), where the caller has it already.
    """
    try:
        if not matches(policy.match, subject.request):
            return NOT_ABOUT_IT
        bindings = [each for each in policy.bindings if each.match is None or matches(each.match, subject.request)]
    except CannotKnow as error:
        return Verdict(True, unknown=str(error))
    if policy.bindings and not bindings:
        return NOT_ABOUT_IT
    found = [
        _with_params(policy, subject, params, names if names is not None else activation(subject))
        for binding in (bindings or _UNBOUND)
        for params in _params(policy, binding, subject)
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


class _NoParams(Struct, frozen=True):
    """No parameter object was found; deny: what parameterNotFoundAction says."""

    deny: bool
    reason: str


def _params(policy: Policy, binding: Binding | None, subject: Subject) -> Iterator[Any]:
    """Yield the parameter objects that a binding chooses; None for a policy without, _NoParams where there is none."""
    if policy.param_kind is None:
        yield None
        return
    reference = binding.param_ref if binding else None
    if binding is not None and reference is None:
        yield None
        return
    chosen = [each for each in policy.params if _is_chosen(each, policy.param_kind, reference, subject)]
    if chosen:
        yield from chosen
    elif reference is None:
        yield Unknown(f"its parameters ({policy.param_kind[1]})")
    else:
        yield _NoParams(reference.get("parameterNotFoundAction") != "Allow", "no parameters were found for its binding")


def _is_chosen(value: Any, kind: tuple[str, str], reference: Any, subject: Subject) -> bool:
    if (value.get("apiVersion"), value.get("kind")) != kind:
        return False
    metadata = value.get("metadata") or {}
    if reference is None:
        return True
    namespace = reference.get("namespace")
    if namespace and metadata.get("namespace", namespace) != namespace:
        return False
    if not namespace and metadata.get("namespace") and metadata["namespace"] != subject.request.namespace:
        return False
    if reference.get("name"):
        return bool(metadata.get("name") == reference["name"])
    try:
        return compile_selector(reference.get("selector"))(metadata.get("labels") or {})
    except SelectorError:
        return False


def _with_params(policy: Policy, subject: Subject, params: Any, names: dict[str, Any]) -> Verdict:
    if isinstance(params, _NoParams):
        return Verdict(True, (Failure(0, params.reason, error=params.reason),)) if params.deny else NOT_ABOUT_IT
    scope = {**names, "params": params}
    try:
        if not all(condition.program(scope) for condition in policy.conditions):
            return NOT_ABOUT_IT
    except CannotKnow as error:
        return Verdict(True, unknown=str(error))
    except EvaluationError as error:
        return Verdict(True, (Failure(0, f"a match condition fails: {error}", error=str(error)),))
    scope["variables"] = LazyVariables({each.name: each.program for each in policy.variables}, scope)
    return _validated(policy, scope)


def _validated(policy: Policy, scope: dict[str, Any]) -> Verdict:
    failures: list[Failure] = []
    unknown = ""
    for index, validation in enumerate(policy.validations):
        try:
            if validation.program(scope):
                continue
            message = _message(validation, scope)
            error = ""
        except CannotKnow as cannot:
            unknown = unknown or str(cannot)
            continue
        except CostExceeded as exceeded:
            message = error = str(exceeded)
        except EvaluationError as failed:
            message = error = str(failed)
        failures.append(Failure(index, message, tuple(validation.program.witnesses(scope, False)), error))
    return Verdict(True, tuple(failures), unknown) if failures or unknown else PASSED


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
