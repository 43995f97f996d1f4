"""Whether a policy is about an object: matchConstraints as the API server reads them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.kinds import EQUIVALENT, Kind
from transom.kube.selectors import SelectorError, compile_selector, keys_of
from transom.lang.cel.errors import CannotKnow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transom.rules.policy import Match, ResourceRule

GROUP = "admissionregistration.k8s.io"
NAME_LABEL = "kubernetes.io/metadata.name"  # which every Namespace carries, whoever made it
MATCHES_KEPT = 4_096  # most rules of a pack ask for pods in the same words
NEVER_JUDGED = frozenset(
    (
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    )
)
"""Resources that no admission policy sees, or a policy could lock everyone out of mending it."""


class Request(Struct, frozen=True):
    """What is known of the request that brings an object.

    kind: of the object; labels: of the object, and of the one before it, where there was one; namespace_labels: None
    where no source tells them.
    """

    kind: Kind
    name: str = ""
    namespace: str = ""
    operation: str = "CREATE"
    subresource: str = ""
    labels: tuple[Mapping[str, str], ...] = ({},)
    namespace_labels: Mapping[str, str] | None = None


def matches(match: Match, request: Request) -> bool:
    """Tell whether a match holds; raises CannotKnow where it hangs on labels of a Namespace that nobody told."""
    if request.kind.plural in NEVER_JUDGED and request.kind.group == GROUP:
        return False
    if match.include and not any(_rule_holds(rule, request, match.equivalent) for rule in match.include):
        return False
    if any(_rule_holds(rule, request, match.equivalent) for rule in match.exclude):
        return False
    return _object_selected(match.object_selector, request) and _namespace_selected(match.namespace_selector, request)


def could_match(match: Match, kind: Kind, subresource: str = "", operation: str = "CREATE") -> bool:
    """Tell whether a match may hold for objects of a kind, whatever their names, labels and namespaces.

    operation: "" for any.
    """
    return _could_include(match.include, match.equivalent, kind, subresource, operation)


@lru_cache(MATCHES_KEPT)
def _could_include(
    rules: tuple[ResourceRule, ...], equivalent: bool, kind: Kind, subresource: str, operation: str
) -> bool:
    request = Request(kind, operation=operation, subresource=subresource)
    return any(_rule_holds(rule, request, equivalent, any_name=True) for rule in rules)


def always_matches(match: Match, kind: Kind, operation: str = "CREATE") -> bool:
    """Tell whether a match holds for every object of a kind, whatever its name, labels and namespace."""
    if match.namespace_selector or match.object_selector or (kind.group == GROUP and kind.plural in NEVER_JUDGED):
        return False
    request = Request(kind, operation=operation)
    if _could_include(match.exclude, match.equivalent, kind, "", operation):
        return False
    return any(not rule.names and _rule_holds(rule, request, match.equivalent) for rule in match.include)


def _rule_holds(rule: ResourceRule, request: Request, equivalent: bool, any_name: bool = False) -> bool:
    if not any_name and not _scope_holds(rule.scope, request):
        return False
    if rule.names and not any_name and request.name not in rule.names:
        return False
    if request.operation and "*" not in rule.operations and request.operation not in rule.operations:
        return False
    if not any(_resource_holds(pattern, request) for pattern in rule.resources):
        return False
    return _version_holds(rule, request.kind, equivalent)


def _version_holds(rule: ResourceRule, kind: Kind, equivalent: bool) -> bool:
    if "*" in rule.groups or kind.group in rule.groups:
        if "*" in rule.versions or kind.version in rule.versions:
            return True
        if equivalent and "*" not in rule.groups:
            return True  # another version of the same resource, which the API server converts
    if not equivalent:
        return False
    return any(
        group in rule.groups for group in EQUIVALENT.get(kind.plural, ()) if kind.group in EQUIVALENT[kind.plural]
    )


def _resource_holds(pattern: str, request: Request) -> bool:
    resource, _, subresource = pattern.partition("/")
    return resource in ("*", request.kind.plural) and subresource in ("*", request.subresource)


def _scope_holds(scope: str, request: Request) -> bool:
    return scope == "*" or (scope == "Namespaced") is request.kind.namespaced


def _object_selected(selector: Any, request: Request) -> bool:
    if not selector:
        return True
    try:
        holds = compile_selector(selector)
    except SelectorError:
        return False
    return any(holds(labels) for labels in request.labels)


def _namespace_selected(selector: Any, request: Request) -> bool:
    if not selector:
        return True
    is_namespace = request.kind.plural == "namespaces" and request.kind.group == ""
    if not request.kind.namespaced and not is_namespace:
        return True
    try:
        holds = compile_selector(selector)
    except SelectorError:
        return False
    if is_namespace:
        return holds({NAME_LABEL: request.name, **request.labels[0]})
    named = {NAME_LABEL: request.namespace} if request.namespace else {}
    if request.namespace_labels is not None:
        return holds({**named, **request.namespace_labels})
    if keys_of(selector) - set(named):
        raise CannotKnow(f"the labels of namespace {request.namespace or 'it is put into'}")
    return holds(named)
