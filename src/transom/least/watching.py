"""Since when there was something to watch of a subject, and which requests nothing explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home
from transom.kube.authorizer import BoundSubject, Policy
from transom.kube.authorizer.policy import GROUP
from transom.kube.authorizer.questions import NODE_PREFIX
from transom.kube.reading import map_at, text_at
from transom.model.findings import Skipped
from transom.model.permissions import Use
from transom.model.refs import Ref


def began(inventory: Inventory, policy: Policy) -> dict[BoundSubject, float]:
    """Return since when subjects hold anything, in seconds since 1970, where the source tells when things were made.

    A service account was not there before it was made, and nobody used a right before the first binding gave one.
    """
    accounts = {(home(each)[1], each.ref.name): _made_s(each) for each in inventory.of_kind("", "ServiceAccount")}
    bindings = {
        (kind, home(each)[1] if kind == "RoleBinding" else "", each.ref.name): _made_s(each)
        for kind in ("RoleBinding", "ClusterRoleBinding")
        for each in inventory.of_kind(GROUP, kind)
    }
    firsts: dict[BoundSubject, float] = {}
    for binding in policy.bindings:
        made_s = bindings.get((binding.kind, binding.namespace, binding.name), 0.0)
        for subject in binding.subjects:
            firsts[subject] = min(firsts.get(subject, made_s), made_s)
    return {
        subject: max(first_s, accounts.get((subject.namespace, subject.name), 0.0) if subject.namespace else 0.0)
        for subject, first_s in firsts.items()
    }


def _made_s(entry: Entry) -> float:
    text = text_at(map_at(entry.object, "metadata"), "creationTimestamp")
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except (ValueError, OverflowError):
        return 0.0


def unexplained(uses: Iterable[Use]) -> Iterator[Skipped]:
    """Yield a Skipped where requests were allowed by nothing that the source tells.

    Those of nodes are left out: what the Node authorizer allows one changes with every pod.
    """
    left = [use for use in uses if not use.subject.startswith(NODE_PREFIX)]
    if left:
        count, first = sum(use.count for use in left), left[0]
        reason = f"{count:,} recorded requests are allowed by nothing that the source tells, as {first.subject}: {first.permission}"
        step = "check that log and source are of the same cluster and time; another authorizer may have allowed them"
        yield Skipped(Ref(kind="Cluster"), reason, step, "unused-permission")
