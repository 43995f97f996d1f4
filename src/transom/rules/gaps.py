"""Checks that join objects, where a cluster did not tell all of the objects: what is missing may only not have been told.

That an Ingress leads to no Service is a fault only where the Services are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from transom.kube.kinds import template_path
from transom.model.findings import NotApplicable, Skipped
from transom.model.language import mark
from transom.model.refs import Ref
from transom.rules.check import PODS

if TYPE_CHECKING:
    from transom.inventory import Inventory
    from transom.model.clusters import ClusterFacts, Gap
    from transom.rules.check import Check

BEYOND = mark("checks that need what lies outside the namespace")


def gap_of(check: Check, facts: ClusterFacts) -> Gap | None:
    """Return the first kind that a check reads beside what it judges, and that a cluster did not tell whole."""
    return next((gap for gap in facts.gaps if _reads(check, gap)), None)


def _reads(check: Check, gap: Gap) -> bool:
    told = f"{gap.group}/{gap.kind}" if gap.group else gap.kind
    return told in check.reads or (PODS in check.reads and template_path(gap.group, gap.kind) is not None)


def withheld(inventory: Inventory, checks: Iterable[Check]) -> Iterator[Skipped | NotApplicable]:
    """Yield each check that is not asked of a cluster, because something that it reads was not told."""
    beyond = 0
    for target, facts in inventory.clusters.items():
        for check in checks:
            gap = gap_of(check, facts)
            if gap is not None and gap.refused:
                reason = mark("it also reads objects of kind {}, which could not all be listed").format(gap.kind)
                step = mark("see what was skipped about them")
                yield Skipped(Ref(kind="Cluster", name=target), reason, step, rule=check.id)
            beyond += gap is not None and not gap.refused
    if beyond:
        yield NotApplicable(BEYOND, beyond)
