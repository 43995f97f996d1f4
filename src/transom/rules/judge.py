"""Policies over an inventory: findings with their places, what could not be judged, and how many things were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.kinds import is_built_in, kind_of, template_path
from transom.lang.cel.values import Unknown
from transom.model.findings import Finding, Judged, NotApplicable, Skipped
from transom.rules.evaluate import Subject, activation, evaluate
from transom.rules.expand import POD, View, pod_problem, pod_view, without_nulls
from transom.rules.match import Request, could_match
from transom.rules.place import Locating, findings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transom.inventory import Entry, Inventory
    from transom.model.refs import Ref
    from transom.rules.policy import Policy

NO_RULE = "objects of kinds that no rule reads"


class _Plan(Struct, frozen=True):
    """Which policies read objects of one kind: as they are, and through the pod that they make."""

    direct: tuple[Policy, ...]
    expanded: tuple[Policy, ...]


class _Tally:
    """How many things each policy judged and passed."""

    __slots__ = ("judged", "passed")

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.judged = dict.fromkeys((policy.id for policy in policies), 0)
        self.passed = dict(self.judged)


def judge(
    inventory: Inventory, policies: Sequence[Policy], only: Sequence[Entry] | None = None
) -> Iterator[Finding | Skipped | Judged]:
    """Yield what the policies say of the entries, then one Judged for each policy.

    only: the entries to judge; the others are there for joins. An entry whose controller carries the same template, and
    is in the inventory, is judged through that.
    """
    plans: dict[tuple[str, str], _Plan] = {}
    tally = _Tally(policies)
    for entry in inventory.entries() if only is None else only:
        key = (entry.api_version, entry.ref.kind)
        plan = plans.get(key)
        if plan is None:
            plan = plans[key] = _plan(entry, policies)
        if plan.direct or plan.expanded:
            yield from _judged(inventory, entry, plan, tally)
    for policy in policies:
        yield Judged(policy.id, tally.judged[policy.id], tally.passed[policy.id])


def read_by_none(policies: Sequence[Policy], entries: Sequence[Entry]) -> NotApplicable | None:
    """Return how many entries are of kinds that no policy reads; None where there are none."""
    counts: dict[tuple[str, str], int] = {}
    some: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = (entry.api_version, entry.ref.kind)
        counts[key] = counts.get(key, 0) + 1
        some.setdefault(key, entry)
    unread = 0
    for key, entry in some.items():
        plan = _plan(entry, policies)
        if not plan.direct and not plan.expanded:
            unread += counts[key]
    return NotApplicable(NO_RULE, unread) if unread else None


def _plan(entry: Entry, policies: Sequence[Policy]) -> _Plan:
    kind = kind_of(entry.api_version, entry.ref.kind)
    expandable = bool(template_path(entry.ref.group, entry.ref.kind))
    direct = tuple(each for each in policies if could_match(each.match, kind))
    expanded = tuple(
        each for each in policies if expandable and each.expands and each not in direct and could_match(each.match, POD)
    )
    return _Plan(direct, expanded)


def _judged(inventory: Inventory, entry: Entry, plan: _Plan, tally: _Tally) -> Iterator[Finding | Skipped]:
    built_in = is_built_in(entry.ref.group, entry.ref.kind)
    value = without_nulls(entry.object) if built_in else entry.object
    if plan.direct:
        whole = View(value, kind_of(entry.api_version, entry.ref.kind))
        ours_reads_pods = whole.kind == POD and any(policy.ours for policy in plan.direct)
        policies = plan.direct
        if ours_reads_pods and _through_controller(inventory, entry):
            policies = tuple(policy for policy in policies if not policy.expands)
        yield from _view_judged(inventory, entry, whole, policies, tally)
    if plan.expanded and not _through_controller(inventory, entry):
        view = pod_view(value, entry.ref.group, entry.ref.kind)
        if view is not None:
            yield from _view_judged(inventory, entry, view, plan.expanded, tally)


def _through_controller(inventory: Inventory, entry: Entry) -> bool:
    owner = inventory.owner_entry(entry)
    return owner is not None and template_path(owner.ref.group, owner.ref.kind) is not None


def _view_judged(
    inventory: Inventory, entry: Entry, view: View, policies: Sequence[Policy], tally: _Tally
) -> Iterator[Finding | Skipped]:
    if view.kind == POD and any(policy.ours for policy in policies):
        problem = pod_problem(view.object)
        if problem:  # told once, instead of by every rule about pods
            place = inventory.locate(entry, (*view.prefix, "spec"))
            yield Skipped(
                entry.ref, f"{problem}, so no rule about pods can judge it", "correct the manifest", locator=place
            )
            policies = [policy for policy in policies if not policy.ours]
    subject = _subject(inventory, entry, view)
    names = activation(subject)
    locating = Locating(inventory, entry, view, names)
    for policy in policies:
        verdict = evaluate(policy, subject, names)
        if not verdict.applies:
            continue
        tally.judged[policy.id] += 1
        if not verdict.failures and not verdict.unknown:
            tally.passed[policy.id] += 1
            continue
        if verdict.unknown:
            reason, step = f"it hangs on {verdict.unknown}", "judge it on a live cluster, or leave the rule out"
            yield Skipped(entry.ref, reason, step, policy.id, inventory.locate(entry, ()))
            if not verdict.failures:
                tally.judged[policy.id] -= 1
        for outcome in findings_of(policy, verdict.failures, locating):
            if isinstance(outcome, Skipped):
                tally.judged[policy.id] -= 1
            yield outcome


def subject_of(inventory: Inventory, entry: Entry) -> Subject:
    """Return an entry as the subject of policies that are judged on it as it is."""
    built_in = is_built_in(entry.ref.group, entry.ref.kind)
    value = without_nulls(entry.object) if built_in else entry.object
    return _subject(inventory, entry, View(value, kind_of(entry.api_version, entry.ref.kind)))


def _subject(inventory: Inventory, entry: Entry, view: View) -> Subject:
    metadata = view.object.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    labels = {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
    namespace = inventory.namespace(entry)
    request = Request(
        kind=view.kind,
        name=entry.ref.name.rstrip("*") if view.prefix == () else "",
        namespace=entry.ref.namespace,
        labels=(labels,),
        namespace_labels=namespace.labels if namespace else None,
    )
    return Subject(view.object, request, namespace_object=_namespace_object(view, namespace, entry.ref))


def _namespace_object(view: View, namespace: Entry | None, ref: Ref) -> Any:
    if not view.kind.namespaced:
        return None
    if namespace is not None:
        return without_nulls(namespace.object)
    return Unknown(f"the Namespace {ref.namespace}" if ref.namespace else "the Namespace it is put into")
