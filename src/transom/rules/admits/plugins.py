"""What the plug-ins of the API server say that an inventory can tell: namespaces, Pod Security, quotas, ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.kinds import TEMPLATE_PATHS
from transom.kube.podsecurity import Malformed, evaluate_object, parse_level
from transom.model.errors import UsageError
from transom.model.language import mark
from transom.rules.admits.say import Say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transom.inventory import Entry, Inventory

LABEL = "pod-security.kubernetes.io/"
MODES = ("enforce", "warn")
OF_PODS = ("pods", "cpu", "memory", "requests.", "limits.", "ephemeral-storage", "count/pods")
COUNTED = {
    "Pod": OF_PODS,
    "PersistentVolumeClaim": ("persistentvolumeclaims", "requests.storage", "count/persistentvolumeclaims"),
    "Service": ("services", "count/services"),
    "Secret": ("secrets", "count/secrets"),
    "ConfigMap": ("configmaps", "count/configmaps"),
    "ReplicationController": ("replicationcontrollers", "count/replicationcontrollers"),
    "ResourceQuota": ("resourcequotas", "count/resourcequotas"),
}
"""By kind of the core group, the beginnings of what a quota may count of it."""


class _Level(Struct, frozen=True):
    """A Pod Security level at a version, as labels write them."""

    level: str
    version: str

    def violation(self, entry: Entry) -> str:
        """Return what the pods of an object violate, "" for nothing; a malformed pod comes to no verdict."""
        level, number = parse_level(f"{self.level}@{self.version}")
        try:
            found = evaluate_object(entry.object, entry.ref.group, entry.ref.kind, level, number)
        except Malformed:
            return ""
        if not found:
            return ""
        reasons = ", ".join(each.reason for each in found)
        return f'PodSecurity "{self.level}:{self.version}": {reasons}'


def namespace_says(entry: Entry, namespace: Entry | None, name: str) -> Iterator[Say]:
    """Yield what NamespaceLifecycle says: nothing comes into a namespace that is going."""
    if namespace is not None and namespace.metadata.get("deletionTimestamp"):
        why = f"unable to create new content in namespace {name} because it is being terminated"
        yield Say("NamespaceLifecycle", "no", why)
    if (entry.ref.group, entry.ref.kind) == ("", "Namespace"):
        wrong = [each for each in _labels(entry.labels) if not each[2]]
        if wrong:
            told = ", ".join(f"{LABEL}{label}={text}" for label, text, _ in wrong)
            yield Say("Pod Security", "no", f"labels that say no level or version: {told}")


def pod_security_says(entry: Entry, namespace: Entry | None, name: str) -> tuple[list[Say], list[str]]:
    """Return what Pod Security says of an object, and what it warns of.

    Only pods are refused; of other kinds the pods that their templates make would be, which is a warning.
    """
    if (entry.ref.group, entry.ref.kind) not in TEMPLATE_PATHS:
        return [], []
    if namespace is None:
        why = f"the level of namespace {name} is not known: the inventory does not tell the namespace"
        return [Say("Pod Security", "unknown" if entry.ref.kind == "Pod" else "yes", why)], []
    enforced, warned = _levels(namespace.labels)
    violation = enforced.violation(entry)
    warnings = [mark(f"would violate {text}") for text in [warned.violation(entry)] if text]
    if violation and entry.ref.kind == "Pod":
        return [Say("Pod Security", "no", f"violates {violation}")], warnings
    if violation:
        return [Say("Pod Security", "yes", "only pods are refused")], [
            mark(f"its pods will be refused: violates {violation}"),
            *warnings,
        ]
    return [Say("Pod Security", "yes", f"level {enforced.level}:{enforced.version} allows it")], warnings


def _levels(labels: Mapping[str, str]) -> tuple[_Level, _Level]:
    """Return the enforced level and that of warnings, as PolicyToEvaluate reads labels: what says none is strict."""
    told = {label: (text, good) for label, text, good in _labels(labels)}

    def level(mode: str, otherwise: str) -> str:
        text, good = told.get(mode, ("privileged", True))
        return text if good else otherwise

    def version(mode: str) -> str:
        text, good = told.get(f"{mode}-version", ("latest", True))
        return text if good else "latest"

    enforced = _Level(level("enforce", "restricted"), version("enforce"))
    if "warn" not in told and told.get("enforce", ("", False))[1]:
        return enforced, _Level(enforced.level, version("warn") if "warn-version" in told else enforced.version)
    return enforced, _Level(level("warn", "privileged"), version("warn"))


def _labels(labels: Mapping[str, str]) -> Iterator[tuple[str, str, bool]]:
    """Yield each label of Pod Security: its name behind the prefix, its text, and whether that says anything."""
    for mode in ("enforce", "audit", "warn"):
        for suffix, prefix in (("", ""), ("-version", "privileged@")):
            text = labels.get(f"{LABEL}{mode}{suffix}")
            if text is not None:
                yield f"{mode}{suffix}", text, _is_level(prefix + text, bool(prefix))


def _is_level(text: str, is_version: bool) -> bool:
    level, _, version = text.partition("@")
    if is_version and version != "latest" and not version.startswith("v1."):
        return False
    try:
        parse_level(level if not is_version else text)
    except UsageError:
        return False
    return True


def quota_says(inventory: Inventory, entry: Entry, target: str, namespace: str) -> Iterator[Say]:
    """Yield what quotas and ranges of a namespace may say; how much is left, only the API server knows."""
    ref = entry.ref
    for quota in inventory.of_kind("", "ResourceQuota", target):
        counted = _hard(quota.object)
        if quota.ref.namespace == namespace and any(_counts(each, entry) for each in counted):
            yield Say(f"ResourceQuota {quota.ref.name}", "unknown", "it depends on how much of the quota is left")
    if ref.group == "" and ref.kind in ("Pod", "PersistentVolumeClaim"):
        for limits in inventory.of_kind("", "LimitRange", target):
            if limits.ref.namespace == namespace:
                why = "it sets requests and limits that are missing, and refuses those beyond its range"
                yield Say(f"LimitRange {limits.ref.name}", "unknown", why, changes=True)


def _hard(quota: dict[str, Any]) -> list[str]:
    spec = quota.get("spec")
    hard = spec.get("hard") if isinstance(spec, dict) else None
    return [str(each) for each in hard] if isinstance(hard, dict) else []


def _counts(counted: str, entry: Entry) -> bool:
    """Tell whether what a quota counts has to do with objects of an entry's kind."""
    from transom.kube.kinds import kind_of

    kind = kind_of(entry.api_version, entry.ref.kind)
    if counted == f"count/{kind.plural}.{kind.group}":
        return True
    return entry.ref.group == "" and counted.startswith(COUNTED.get(entry.ref.kind, (f"count/{kind.plural}",)))
