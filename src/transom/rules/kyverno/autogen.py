"""From a rule about pods to rules about what makes pods: the rewriting that Kyverno calls autogen.

Followed: Kyverno replaces `object.spec` and `object.metadata` in every text of a rule by where they stand in a kind with
a pod template. Rules of ClusterPolicies and ValidatingPolicies are expanded under different conditions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from transom.rules.fields import map_field, texts_field
from transom.rules.kyverno.faces import AUTOGEN
from transom.rules.kyverno.filters import kind_selector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

TEMPLATE = "spec.template"
JOB_TEMPLATE = "spec.jobTemplate.spec.template"
MAX_NAME_CHARS = 63  # what Kyverno cuts the names of generated rules to
CRON_JOB = "CronJob"
_KINDS = {
    "DaemonSet": "apps/v1/DaemonSet",
    "Deployment": "apps/v1/Deployment",
    "Job": "batch/v1/Job",
    "ReplicaSet": "apps/v1/ReplicaSet",
    "ReplicationController": "v1/ReplicationController",
    "StatefulSet": "apps/v1/StatefulSet",
    CRON_JOB: "batch/v1/CronJob",
}
_RESOURCES = {
    "daemonsets": "apps",
    "deployments": "apps",
    "replicasets": "apps",
    "statefulsets": "apps",
    "jobs": "batch",
    "cronjobs": "batch",
}
_KEPT = r"(?!\.(?:name|namespace)(?![A-Za-z0-9_]))"
"""In ValidatingPolicies the name and the namespace stay those of the workload, because templates have none."""


def _rewritten(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _rewritten(each, change) for key, each in value.items()}
    return [_rewritten(each, change) for each in value] if isinstance(value, list) else value


def _to_template(template: str, kept: str) -> Callable[[str], str]:
    """Return what replaces the fields of a pod by those of a template, spec first, as Kyverno does."""
    steps = [
        (re.compile(rf"{root}\.{field}{kept}"), f"{root}.{template}.{field}")
        for field in ("spec", "metadata")
        for root in ("object", "oldObject")
    ]

    def change(text: str) -> str:
        for pattern, replacement in steps:
            text = pattern.sub(replacement, text)
        return text

    return change


# rules of ClusterPolicies


def expanded_rules(rules: Sequence[Mapping[str, Any]], annotations: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rules that Kyverno generates from those of a policy; annotations: of the policy."""
    if not _is_expandable(rules):
        return
    wanted = annotations.get(AUTOGEN)
    controllers = [each.strip() for each in wanted.split(",")] if isinstance(wanted, str) else list(_KINDS)
    if controllers == ["all"]:
        controllers = list(_KINDS)
    kinds = sorted(_KINDS[each] for each in controllers if each in _KINDS and each != CRON_JOB)
    for rule in rules:
        if str(rule.get("name", "")).startswith("autogen-") or not _is_about_pods(rule):
            continue
        if kinds:
            yield _expanded(rule, "autogen", kinds, TEMPLATE, only="Pod")
        if CRON_JOB in controllers:
            yield _expanded(rule, "autogen-cronjob", [_KINDS[CRON_JOB]], JOB_TEMPLATE, only="")


def _expanded(rule: Mapping[str, Any], prefix: str, kinds: list[str], template: str, only: str) -> dict[str, Any]:
    changed: dict[str, Any] = _rewritten(rule, _to_template(template, kept=""))
    changed["name"] = f"{prefix}-{rule.get('name', '')}"[:MAX_NAME_CHARS]
    for field in ("match", "exclude"):
        if isinstance(rule.get(field), dict):
            changed[field] = _with_kinds(rule[field], kinds, only, always=field == "match")
    return changed


def _with_kinds(block: Mapping[str, Any], kinds: list[str], only: str, always: bool) -> dict[str, Any]:
    """Return a match or exclude with other kinds: in each of its filters, or in those alone that name one kind."""
    for word in ("any", "all"):
        if block.get(word):
            changed = [
                _about(each, kinds) if not only or only in map(_kind, _kinds_of(each)) else each for each in block[word]
            ]
            return {**block, word: changed}
    return _about(block, kinds) if always or _kinds_of(block) else dict(block)


def _about(entry: Mapping[str, Any], kinds: list[str]) -> dict[str, Any]:
    return {**entry, "resources": {**(entry.get("resources") or {}), "kinds": kinds}}


def _entries(rule: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    block = rule.get(field) or {}
    found = block.get("any") or block.get("all") or [block] if isinstance(block, dict) else []
    return [each for each in found if isinstance(each, dict)]


def _resources_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    found = entry.get("resources")
    return found if isinstance(found, dict) else {}


def _kinds_of(entry: Mapping[str, Any]) -> list[str]:
    kinds = _resources_of(entry).get("kinds")
    return [each for each in kinds if isinstance(each, str)] if isinstance(kinds, list) else []


def _kind(text: str) -> str:
    return kind_selector(text).kind


def _is_expandable(rules: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a policy can be expanded: no filter hangs on a name, a selector, or on pods beside other kinds."""
    needed = False
    for rule in rules:
        if rule.get("generate"):
            return False
        for entry in (*_entries(rule, "match"), *_entries(rule, "exclude")):
            resources, kinds = _resources_of(entry), _kinds_of(entry)
            if any(resources.get(field) for field in ("name", "names", "selector", "annotations")):
                return False
            if len(kinds) > 1 and "Pod" in map(_kind, kinds):
                return False
            needed = needed or not {"Pod", *_KINDS}.isdisjoint(kinds)
    return needed


def _is_about_pods(rule: Mapping[str, Any]) -> bool:
    wanted = [_kind(kind) for entry in _entries(rule, "match") for kind in _kinds_of(entry)]
    excluded = [_kind(kind) for entry in _entries(rule, "exclude") for kind in _kinds_of(entry)]
    return "Pod" in wanted and (not excluded or "Pod" in excluded)


# ValidatingPolicies


def expanded_specs(spec: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the specs that Kyverno generates from that of a ValidatingPolicy, each with what it calls it."""
    match = spec.get("matchConstraints")
    if not isinstance(match, dict) or not _is_about_pods_alone(match):
        return
    path = ("spec", "autogen")
    pods = map_field(map_field(spec, "autogen", path[:1]), "podControllers", path)
    wanted = texts_field(pods, "controllers", (*path, "podControllers"))
    controllers = [each for each in _RESOURCES if pods.get("controllers") is None or each in wanted]
    operations = match["resourceRules"][0].get("operations")
    for name, template, resources in (
        ("defaults", TEMPLATE, [each for each in controllers if each != "cronjobs"]),
        ("cronjobs", JOB_TEMPLATE, [each for each in controllers if each == "cronjobs"]),
    ):
        if resources:
            changed = _rewritten(spec, _to_template(template, _KEPT))
            yield name, {**changed, "matchConstraints": {"resourceRules": _resource_rules(resources, operations)}}


def _resource_rules(resources: Sequence[str], operations: Any) -> list[dict[str, Any]]:
    groups: dict[str, list[str]] = {}
    for each in resources:
        groups.setdefault(_RESOURCES[each], []).append(each)
    return [
        {"apiGroups": [group], "apiVersions": ["v1"], "operations": operations, "resources": names}
        for group, names in groups.items()
    ]


def _is_about_pods_alone(match: Mapping[str, Any]) -> bool:
    """Tell whether a ValidatingPolicy can be expanded: its one rule is about pods, and nothing narrows it."""
    rules = match.get("resourceRules")
    if match.get("namespaceSelector") or match.get("objectSelector") or match.get("excludeResourceRules"):
        return False
    if (
        not isinstance(rules, list)
        or len(rules) != 1
        or not isinstance(rules[0], dict)
        or rules[0].get("resourceNames")
    ):
        return False
    wanted = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    return all(rules[0].get(field) == value for field, value in wanted.items())
