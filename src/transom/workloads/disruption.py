"""What keeps pods running: disruption budgets and autoscalers beside the workloads that they speak of.

Followed: the disruption controller (percentages of both kinds round up) and the eviction of policy/v1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home
from transom.kube.reading import at, map_at, number_at, text_at
from transom.rules.check import Answer, Check, Fault

SCALED = frozenset(("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"))
"""Kinds that say how many pods they make."""

AUTOSCALERS = ("autoscaling", "HorizontalPodAutoscaler")
BUDGETS = ("policy", "PodDisruptionBudget")
_PERCENT = re.compile(r"([0-9]{1,3})%\Z")


def budget_missing(workload: Entry, inventory: Inventory, check: Check) -> Answer:
    """A workload of several pods that no PodDisruptionBudget selects."""
    if least_replicas(workload, inventory) < check.number("replicas"):
        return None
    if id(workload) in inventory.joins.covered(*home(workload), *BUDGETS, _selector):
        return ()
    return [Fault("no disruption budget selects its pods", ("spec", "replicas"))]


def budget_blocks(budget: Entry, inventory: Inventory, _: Check) -> Answer:
    """A PodDisruptionBudget that allows no eviction while all of its pods are well."""
    selected = inventory.joins.selected(*home(budget), _selector(budget))
    field = next(
        (field for field in ("maxUnavailable", "minAvailable") if at(budget.object, "spec", field) is not None), ""
    )
    if not field:
        return None
    told = at(budget.object, "spec", field)
    if _is_absolute(field, told):
        return [Fault("the budget allows no eviction, however many pods there are", ("spec", field))]
    if not selected or any(entry.ref.kind not in SCALED for entry in selected):
        return None
    replicas = sum(least_replicas(entry, inventory) for entry in selected)
    if not replicas or _allowed(field, told, replicas) > 0:
        return ()
    beside = tuple((entry, ("spec", "replicas")) for entry in selected[:3])
    return [Fault(f"of {replicas} pods the budget allows none to be evicted", ("spec", field), beside=beside)]


def budget_selects_nothing(budget: Entry, inventory: Inventory, _: Check) -> Answer:
    """A PodDisruptionBudget that selects none of the pods beside it."""
    if not inventory.joins.tells_pods(*home(budget)):
        return None
    if inventory.joins.selected(*home(budget), _selector(budget)):
        return ()
    return [Fault("the budget selects no pod of its namespace", ("spec", "selector"))]


def autoscaler_target_missing(autoscaler: Entry, inventory: Inventory, _: Check) -> Answer:
    """A HorizontalPodAutoscaler whose target is not there."""
    kind = text_at(autoscaler.object, "spec", "scaleTargetRef", "kind")
    if kind not in SCALED or not inventory.joins.tells_pods(*home(autoscaler)):
        return None
    if scaled(autoscaler, inventory) is not None:
        return ()
    name = text_at(autoscaler.object, "spec", "scaleTargetRef", "name")
    return [Fault(f"there is no {kind} {name}", ("spec", "scaleTargetRef", "name"))]


def autoscaler_bounds(autoscaler: Entry, _: Inventory, __: Check) -> Answer:
    """A HorizontalPodAutoscaler whose bounds leave it nothing to decide."""
    least, most = _least_of(autoscaler), number_at(autoscaler.object, "spec", "maxReplicas")
    if most is None:
        return None
    if least < most:
        return ()
    return [Fault(f"between {least} and {most} pods there is nothing to decide", ("spec", "maxReplicas"))]


def replicas_beside_autoscaler(workload: Entry, inventory: Inventory, _: Check) -> Answer:
    """A manifest that fixes the number of pods which an autoscaler decides."""
    autoscaler = _autoscaler(workload, inventory)
    if autoscaler is None or not workload.origin.file:
        return None  # in a live object the number is the autoscaler's own
    if number_at(workload.object, "spec", "replicas") is None:
        return ()
    beside = ((autoscaler, ("spec", "scaleTargetRef", "name")),)
    return [Fault("each apply sets back the number that the autoscaler chose", ("spec", "replicas"), beside=beside)]


def least_replicas(workload: Entry, inventory: Inventory) -> int:
    """Return how many pods a workload has at least: what its autoscaler keeps, else what it says itself."""
    autoscaler = _autoscaler(workload, inventory)
    if autoscaler is not None:
        return _least_of(autoscaler)
    told = number_at(workload.object, "spec", "replicas")
    return 1 if told is None else told


def scaled(autoscaler: Entry, inventory: Inventory) -> Entry | None:
    """Return the workload that an autoscaler scales, if it is there."""
    target = map_at(autoscaler.object, "spec", "scaleTargetRef")
    group = text_at(target, "apiVersion").rpartition("/")[0]
    return inventory.joins.named(autoscaler, group, text_at(target, "kind"), text_at(target, "name"))


def _autoscaler(workload: Entry, inventory: Inventory) -> Entry | None:
    table = inventory.joins.claimed(workload.origin.target, *AUTOSCALERS, _claims)
    found = table.get((home(workload), workload.ref.kind, workload.ref.name))
    return found[0] if found else None


def _claims(autoscaler: Entry) -> Iterable[tuple[Any, tuple[str, ...]]]:
    target = map_at(autoscaler.object, "spec", "scaleTargetRef")
    return [((home(autoscaler), text_at(target, "kind"), text_at(target, "name")), ("spec", "scaleTargetRef"))]


def _least_of(autoscaler: Entry) -> int:
    told = number_at(autoscaler.object, "spec", "minReplicas")
    return 1 if told is None else told


def _selector(budget: Entry) -> Any:
    return at(budget.object, "spec", "selector")


def _is_absolute(field: str, told: Any) -> bool:
    return (field, told) in (("maxUnavailable", 0), ("maxUnavailable", "0%"), ("minAvailable", "100%"))


def _allowed(field: str, told: Any, replicas: int) -> int:
    """Return how many of the pods may be evicted; what cannot be read allows all, because nobody enforces it."""
    percent = _PERCENT.match(told) if isinstance(told, str) else None
    if percent:
        count = -(-int(percent[1]) * replicas // 100)
    elif isinstance(told, int) and not isinstance(told, bool):
        count = told
    else:
        return replicas
    return count if field == "maxUnavailable" else replicas - count
