"""Roles and bindings, read from objects as the API server decodes and validates them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from transom.kube.authorizer.questions import account_name, is_subdomain
from transom.kube.authorizer.rules import PolicyRule
from transom.kube.selectors import SelectorError, compile_selector

GROUP = "rbac.authorization.k8s.io"
KINDS = ("ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding")
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")  # of one shape; v1alpha1 had another, and went with 1.22
DEFAULT_NAMESPACE = "default"  # where kubectl puts an object that names none

RoleKey = tuple[str, str]
"""Namespace ("" for a ClusterRole) and name."""


class RefusedError(ValueError):
    """An object that the API server does not take; the message says why."""


class Role(Struct, frozen=True):
    """A Role, or a ClusterRole (namespace ""). selectors: of an aggregated one, else None; its rules are as stored."""

    namespace: str
    name: str
    rules: tuple[PolicyRule, ...]
    labels: Mapping[str, str] = {}
    selectors: tuple[Mapping[str, Any], ...] | None = None

    @property
    def key(self) -> RoleKey:
        """What bindings know it by."""
        return self.namespace, self.name


class BoundSubject(Struct, frozen=True, order=True):
    """Whom a binding names. kind: User, Group or ServiceAccount; only the last has a namespace."""

    kind: str
    name: str
    namespace: str = ""

    @property
    def user(self) -> str:
        """The user name that it stands for; "" for a group."""
        if self.kind == "ServiceAccount":
            return account_name(self.namespace, self.name)
        return self.name if self.kind == "User" else ""

    def __str__(self) -> str:
        """Return it as people write it: `ServiceAccount shop/web`, `Group devs`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Binding(Struct, frozen=True):
    """A RoleBinding, or a ClusterRoleBinding (namespace ""). role_kind: Role or ClusterRole."""

    namespace: str
    name: str
    role_kind: str
    role_name: str
    subjects: tuple[BoundSubject, ...]

    @property
    def kind(self) -> str:
        """RoleBinding or ClusterRoleBinding."""
        return "RoleBinding" if self.namespace else "ClusterRoleBinding"

    @property
    def role_key(self) -> RoleKey:
        """The role that it hands out."""
        return (self.namespace if self.role_kind == "Role" else "", self.role_name)

    def __str__(self) -> str:
        """Return it as people write it: `RoleBinding shop/readers`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Policy(Struct, frozen=True):
    """All roles and bindings of one cluster; of those told twice under one name, the last."""

    roles: Mapping[RoleKey, Role] = {}
    bindings: Sequence[Binding] = ()

    def with_defaults(self, defaults: Policy) -> Policy:
        """Return the policy with what it lacks of the defaults; its own objects win over those of the same name."""
        own = {(each.namespace, each.name) for each in self.bindings}
        added = [each for each in defaults.bindings if (each.namespace, each.name) not in own]
        return Policy({**defaults.roles, **self.roles}, [*self.bindings, *added])

    def aggregated(self) -> Policy:
        """Return the policy with the rules of aggregated ClusterRoles as the controller makes them from labels."""
        from transom.kube.authorizer.aggregation import aggregated

        return Policy(aggregated(self.roles), self.bindings)


def read_policy(objects: Iterable[Mapping[str, Any]]) -> tuple[Policy, list[tuple[Mapping[str, Any], str]]]:
    """Return the policy that objects make, and those of them that the API server refuses, with its reason.

    Objects of other kinds are passed over.
    """
    roles: dict[RoleKey, Role] = {}
    bindings: dict[tuple[str, str], Binding] = {}
    refused = []
    for value in objects:
        try:
            made = read_object(value)
        except RefusedError as reason:
            refused.append((value, str(reason)))
            continue
        if isinstance(made, Role):
            roles[made.key] = made
        elif isinstance(made, Binding):
            bindings[made.namespace, made.name] = made
    return Policy(roles, list(bindings.values())), refused


def read_object(value: Mapping[str, Any]) -> Role | Binding | None:
    """Return the role or binding that an object is, None for another kind; raises RefusedError."""
    version, kind = value.get("apiVersion"), value.get("kind")
    if kind not in KINDS or not isinstance(version, str) or version.rpartition("/")[0] != GROUP:
        return None
    if version not in VERSIONS:
        raise RefusedError(f"{version} is not served since Kubernetes 1.22")
    try:
        if kind in ("Role", "ClusterRole"):
            return _role(msgspec.convert(value, _RawRole), kind == "Role")
        return _binding(msgspec.convert(value, _RawBinding), kind == "RoleBinding")
    except msgspec.ValidationError as error:
        raise RefusedError(str(error)) from error


# as objects are written; null is the same as nothing


class _RawMetadata(Struct):
    name: str | None = None
    namespace: str | None = None
    labels: dict[str, str | None] | None = None


class _RawRule(Struct, rename={"api_groups": "apiGroups", "names": "resourceNames", "urls": "nonResourceURLs"}):
    verbs: tuple[str, ...] | None = None
    api_groups: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    urls: tuple[str, ...] | None = None


class _RawAggregation(Struct, rename="camel"):
    cluster_role_selectors: list[dict[str, Any]] | None = None


class _RawRole(Struct, rename="camel"):
    metadata: _RawMetadata | None = None
    rules: list[_RawRule] | None = None
    aggregation_rule: _RawAggregation | None = None


class _RawReference(Struct, rename="camel"):
    api_group: str | None = None
    kind: str | None = None
    name: str | None = None
    namespace: str | None = None


class _RawBinding(Struct, rename="camel"):
    metadata: _RawMetadata | None = None
    role_ref: _RawReference | None = None
    subjects: list[_RawReference] | None = None


def _role(raw: _RawRole, namespaced: bool) -> Role:
    metadata = raw.metadata or _RawMetadata()
    return Role(
        namespace=(metadata.namespace or DEFAULT_NAMESPACE) if namespaced else "",
        name=_name(metadata.name),
        rules=tuple(_rule(rule, f"rules[{number}]", namespaced) for number, rule in enumerate(raw.rules or ())),
        labels={key: value or "" for key, value in (metadata.labels or {}).items()},
        selectors=None if namespaced or raw.aggregation_rule is None else _selectors(raw.aggregation_rule),
    )


def _name(name: str | None) -> str:
    if not name:
        raise RefusedError("metadata.name is missing")
    return _segment(name, "metadata.name")


def _segment(name: str, where: str) -> str:
    if name in (".", "..") or "/" in name or "%" in name:
        raise RefusedError(f"{where} {name!r} is no segment of a path")
    return name


def _rule(raw: _RawRule, where: str, namespaced: bool) -> PolicyRule:
    rule = PolicyRule(raw.verbs or (), raw.api_groups or (), raw.resources or (), raw.names or (), raw.urls or ())
    problem = next(_problems(rule, namespaced), None)
    if problem:
        raise RefusedError(f"{where} {problem}")
    return rule


def _problems(rule: PolicyRule, namespaced: bool) -> Iterator[str]:
    if not rule.verbs:
        yield "has no verbs"
    if rule.non_resource_urls:
        if namespaced:
            yield "has nonResourceURLs, which only a ClusterRole may have"
        if rule.api_groups or rule.resources or rule.resource_names:
            yield "has both resources and nonResourceURLs"
        return
    if not rule.api_groups:
        yield 'has no apiGroups; the core group is written ""'
    if not rule.resources:
        yield "has no resources"


def _selectors(raw: _RawAggregation) -> tuple[Mapping[str, Any], ...]:
    if not raw.cluster_role_selectors:
        raise RefusedError("aggregationRule has no clusterRoleSelectors")
    for selector in raw.cluster_role_selectors:
        try:
            compile_selector(selector)
        except SelectorError as error:
            raise RefusedError(f"aggregationRule: {error}") from error
    return tuple(raw.cluster_role_selectors)


def _binding(raw: _RawBinding, namespaced: bool) -> Binding:
    metadata, reference = raw.metadata or _RawMetadata(), raw.role_ref or _RawReference()
    namespace = (metadata.namespace or DEFAULT_NAMESPACE) if namespaced else ""
    if (reference.api_group or GROUP) != GROUP:
        raise RefusedError(f"roleRef.apiGroup is not {GROUP}")
    if reference.kind not in ("ClusterRole", "Role" if namespaced else "ClusterRole"):
        raise RefusedError(f"roleRef.kind {reference.kind or 'is missing'} cannot be bound here")
    if not reference.name:
        raise RefusedError("roleRef.name is missing")
    subjects = [_subject(each, f"subjects[{number}]", namespace) for number, each in enumerate(raw.subjects or ())]
    role_name = _segment(reference.name, "roleRef.name")
    return Binding(namespace, _name(metadata.name), str(reference.kind), role_name, tuple(subjects))


def _subject(raw: _RawReference, where: str, binding_namespace: str) -> BoundSubject:
    if not raw.name:
        raise RefusedError(f"{where} has no name")
    if raw.kind == "ServiceAccount":
        if raw.api_group:
            raise RefusedError(f"{where}: a ServiceAccount has no apiGroup")
        if not is_subdomain(raw.name):
            raise RefusedError(f"{where}: {raw.name!r} is no name of a service account")
        if not (raw.namespace or binding_namespace):
            raise RefusedError(f"{where}: a ServiceAccount in a ClusterRoleBinding needs a namespace")
        return BoundSubject(raw.kind, raw.name, raw.namespace or binding_namespace)
    if raw.kind not in ("User", "Group"):
        raise RefusedError(f"{where}: {raw.kind or 'no kind'} is no kind of subject")
    if (raw.api_group or GROUP) != GROUP:
        raise RefusedError(f"{where}: apiGroup is not {GROUP}")
    return BoundSubject(raw.kind, raw.name)


def with_rules(role: Role, rules: Sequence[PolicyRule]) -> Role:
    """Return a role with other rules."""
    return replace(role, rules=tuple(rules))
