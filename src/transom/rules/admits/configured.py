"""The admission that an inventory tells: policies with their bindings, and webhooks, each read as a Policy.

A webhook and a mutating policy become policies without validations: whether they apply is whether they have a say.
"""

from __future__ import annotations

from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.kinds import is_built_in
from transom.model.findings import Rule
from transom.model.severity import Severity
from transom.rules.expand import without_nulls
from transom.rules.fields import PolicyError, map_field, one_of, required_text
from transom.rules.parse import (
    GROUP,
    Scope,
    conditions_field,
    match_field,
    param_kind,
    param_ref,
    read_binding,
    read_policy,
    variables_field,
)
from transom.rules.policy import Binding, Policy
from transom.rules.sources import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transom.inventory import Entry, Inventory
    from transom.model.places import Path

_SPEC: Path = ("spec",)


class Voice(Struct, frozen=True):
    """One policy under one binding, or one webhook. by: how it is told; web: whether a web service decides."""

    by: str
    policy: Policy
    changes: bool = False
    web: bool = False


class Unread(Struct, frozen=True):
    """Something of the cluster's admission that could not be read here."""

    by: str
    why: str


def voices(inventory: Inventory, target: str, version: tuple[int, int]) -> Iterator[Voice | Unread]:
    """Yield everything that a target's own configuration lets have a say, those that change objects first."""
    for entry in inventory.of_kind(GROUP, "MutatingAdmissionPolicy", target):
        yield from _policy_voices(inventory, entry, "MutatingAdmissionPolicyBinding", version)
    for entry in inventory.of_kind(GROUP, "MutatingWebhookConfiguration", target):
        yield from _webhook_voices(entry, version, changes=True)
    for entry in inventory.of_kind(GROUP, "ValidatingAdmissionPolicy", target):
        yield from _policy_voices(inventory, entry, "ValidatingAdmissionPolicyBinding", version)
    for entry in inventory.of_kind(GROUP, "ValidatingWebhookConfiguration", target):
        yield from _webhook_voices(entry, version, changes=False)


def _source(entry: Entry) -> Source:
    value = without_nulls(entry.object) if is_built_in(entry.ref.group, entry.ref.kind) else entry.object
    return Source(File(entry.origin.file or entry.origin.target), None, (), value)


# policies


def _policy_voices(
    inventory: Inventory, entry: Entry, binding_kind: str, version: tuple[int, int]
) -> Iterator[Voice | Unread]:
    """Yield a policy once for each of its bindings; without one it is not in force."""
    mutating = entry.ref.kind.startswith("Mutating")
    policy: Policy | None = None
    for bound in inventory.of_kind(GROUP, binding_kind, entry.origin.target):
        spec = bound.object.get("spec")
        if not isinstance(spec, dict) or spec.get("policyName") != entry.ref.name:
            continue
        by = f"{entry.ref.kind} {entry.ref.name} with binding {bound.ref.name}"
        try:
            if policy is None:
                source = _source(entry)
                policy = _mutating(source, version) if mutating else read_policy(source, version, ours=False)
                policy = replace(policy, params=tuple(_params(inventory, entry.origin.target, policy)))
            binding = _mutating_binding(_source(bound)) if mutating else read_binding(_source(bound))
        except PolicyError as error:
            yield Unread(by, f"it cannot be read: {error}")
            continue
        yield Voice(by, replace(policy, bindings=(binding,)), changes=mutating)


def _params(inventory: Inventory, target: str, policy: Policy) -> Iterator[dict[str, Any]]:
    if policy.param_kind is None:
        return
    api_version, kind = policy.param_kind
    group = api_version.rpartition("/")[0]
    for entry in inventory.of_kind(group, kind, target):
        yield without_nulls(entry.object) if is_built_in(group, kind) else entry.object


def _mutating(source: Source, version: tuple[int, int]) -> Policy:
    """Return a MutatingAdmissionPolicy as a policy that judges nothing: whom it is about is all that is asked."""
    spec = map_field(source.value, "spec", ())
    kind = param_kind(spec, _SPEC)
    scope = Scope(version, kind is not None)
    variables, _ = variables_field(spec, _SPEC, scope)
    return Policy(
        face=_face(source.name),
        match=match_field(map_field(spec, "matchConstraints", _SPEC), (*_SPEC, "matchConstraints")),
        validations=(),
        conditions=conditions_field(spec, "matchConditions", _SPEC, scope),
        variables=variables,
        param_kind=kind,
        fail=one_of(spec, "failurePolicy", ("Fail", "Ignore"), _SPEC, "Fail") == "Fail",
    )


def _mutating_binding(source: Source) -> Binding:
    spec = map_field(source.value, "spec", ())
    resources = map_field(spec, "matchResources", _SPEC)
    return Binding(
        name=source.name,
        policy=required_text(spec, "policyName", _SPEC),
        actions=(),
        param_ref=param_ref(spec, _SPEC),
        match=match_field(resources, (*_SPEC, "matchResources")) if resources else None,
    )


# webhooks


def _webhook_voices(entry: Entry, version: tuple[int, int], changes: bool) -> Iterator[Voice | Unread]:
    hooks = entry.object.get("webhooks")
    for index, hook in enumerate(hooks if isinstance(hooks, list) else []):
        name = hook.get("name") if isinstance(hook, dict) else None
        by = f"webhook {name or index} of {entry.ref.kind} {entry.ref.name}"
        try:
            yield Voice(by, _webhook(hook, ("webhooks", index), version), changes, web=True)
        except PolicyError as error:
            yield Unread(by, f"it cannot be read: {error}")


def _webhook(hook: Any, path: Path, version: tuple[int, int]) -> Policy:
    """Return a webhook as a policy that judges nothing: whom it is asked about is all that is known of it."""
    if not isinstance(hook, dict):
        raise PolicyError("it is no map", path)
    constraints = {
        field: hook[field] for field in ("namespaceSelector", "objectSelector", "matchPolicy") if field in hook
    }
    return Policy(
        face=_face(str(hook.get("name"))),
        match=match_field({**constraints, "resourceRules": hook.get("rules") or []}, path),
        validations=(),
        conditions=conditions_field(hook, "matchConditions", path, Scope(version, params=False)),
        fail=one_of(hook, "failurePolicy", ("Fail", "Ignore"), path, "Fail") == "Fail",
    )


def _face(name: str) -> Rule:
    return Rule(id=name, title=name, severity=Severity.MEDIUM, why="", fix="", window="workloads")
