"""Rules over an inventory: findings with their places, what could not be judged, and how many things were.

What a policy can know. Files tell less than a live cluster, which tells every Namespace and all parameters. It is judged
as if the object were being created now, by somebody unknown:

- `object` is as the API server decodes it: null fields of its own kinds are not there; defaults are not filled in.
- `oldObject` is null, `request.operation` is CREATE; a policy about other operations or subresources only is not
  applicable.
- `request.kind`, `.resource` and `.name` are the object's; so is `.namespace`, but unknown where the object names none;
  `.userInfo`, `.options`, `.dryRun` and `authorizer` are unknown.
- `namespaceObject` is the Namespace of the same target; null for cluster-wide objects; else unknown. Selectors of
  namespaces know kubernetes.io/metadata.name from the name alone.
- An expression that needs what is unknown makes this policy Skipped on this object; `a || b` is true where a is.
- An expression that fails is a refusal under failurePolicy Fail: a finding that says so; under Ignore it is Skipped. So
  it is in our own policies, which fail on malformed objects only.
- Policies that expand are judged on the pods that templates make; an object whose controller is in the same target, and
  carries a template, is judged through that. A pod that runs otherwise than its template says is judged for what is
  found in it alone.
"""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from transom.kube.kinds import is_built_in, kind_of, template_path
from transom.lang.cel.values import Unknown
from transom.model.findings import Accepted, Finding, Judged, NotApplicable, Skipped
from transom.rules.evaluate import PASSED, Subject, activation, evaluate, evaluate_in, scope_of
from transom.rules.exceptions import applied
from transom.rules.expand import POD, View, pod_problem, pod_view, without_nulls
from transom.rules.fold import is_folded, of_pods, pods_of
from transom.rules.match import Request
from transom.rules.place import Locating, results_of
from transom.rules.plan import Plan, Steps, is_read, plan, pod_steps
from transom.rules.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from transom.inventory import Entry, Inventory
    from transom.rules.check import Check
    from transom.rules.evaluate import Verdict
    from transom.rules.exceptions import Allowances
    from transom.rules.joined import Joined

NO_RULE = "objects of kinds that no rule reads"


Plans = dict[tuple[str, str], Plan]
"""How objects of a kind are judged, by apiVersion and kind."""


class _Tally:
    """How many things each policy judged and passed."""

    __slots__ = ("judged", "passed")

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.judged = {policy.id: 0 for policy in policies}
        self.passed = dict(self.judged)


def judge(
    inventory: Inventory,
    rules: Sequence[Policy | Check],
    only: Sequence[Entry] | None = None,
    allowances: Allowances | None = None,
    functions: Mapping[str, str] = MappingProxyType({}),
    plans: Plans | None = None,
) -> Iterator[Finding | Accepted | Skipped | Judged]:
    """Yield what the rules say of the entries, then one Judged for each rule, also where it judged nothing.

    only: the entries to judge; the others are there for joins. allowances: what their own files accept of them.
    functions: where the functions of checks are, by rule id; plans: of the same policies, kept by who judges often.
    """
    policies = [rule for rule in rules if isinstance(rule, Policy)]
    joined = _joined(inventory, [rule for rule in rules if not isinstance(rule, Policy)], functions)
    ids = {rule.id for rule in rules}
    plans = {} if plans is None else plans
    tally = _Tally(policies)
    steps_of_pods = lru_cache(partial(pod_steps, policies))
    for entry in inventory.entries() if only is None else only:
        key = (entry.api_version, entry.ref.kind)
        planned = plans.get(key)
        if planned is None:
            planned = plans[key] = plan(*key, policies)
        results: Iterable[Finding | Skipped] = ()
        if not planned.is_empty or inventory.joins.children(entry):
            results = _entry_judged(inventory, entry, planned, tally, steps_of_pods)
        if joined is not None and (checks := joined.of(entry)):
            results = chain(results, joined.results(entry, checks))
        accepts = allowances.get(entry) if allowances else None
        yield from applied(inventory, entry, accepts, results, ids) if accepts else results
    for policy in policies:
        yield Judged(policy.id, tally.judged[policy.id], tally.passed[policy.id])
    if joined is not None:
        yield from (Judged(rule, joined.judged[rule], joined.passed[rule]) for rule in joined.judged)


def _joined(inventory: Inventory, checks: Sequence[Check], functions: Mapping[str, str]) -> Joined | None:
    if not checks:
        return None
    from transom.rules.joined import Joined

    return Joined(inventory, checks, functions)


def read_by_none(
    policies: Sequence[Policy], entries: Sequence[Entry], checks: Sequence[Check] = ()
) -> NotApplicable | None:
    """Return how many entries are of kinds that no rule reads; None where there are none."""
    counts: dict[tuple[str, str], int] = {}
    for entry in entries:
        key = (entry.api_version, entry.ref.kind)
        counts[key] = counts.get(key, 0) + 1
    unread = sum(count for key, count in counts.items() if not _is_read(*key, policies, checks))
    return NotApplicable(NO_RULE, unread) if unread else None


def _is_read(api_version: str, kind: str, policies: Sequence[Policy], checks: Sequence[Check]) -> bool:
    group = api_version.rpartition("/")[0]
    return is_read(api_version, kind, policies) or any(check.judges_kind(group, kind) for check in checks)


def _entry_judged(
    inventory: Inventory, entry: Entry, planned: Plan, tally: _Tally, steps_of_pods: Callable[..., Steps]
) -> Iterator[Finding | Skipped]:
    if is_folded(inventory, entry):
        return
    built_in = is_built_in(entry.ref.group, entry.ref.kind)
    value = without_nulls(entry.object) if built_in else entry.object
    owner = inventory.owner_entry(entry)
    controlled = owner is not None and template_path(owner.ref.group, owner.ref.kind) is not None
    found: list[Finding | Skipped] = []
    whole = planned.whole_controlled if controlled else planned.whole
    if whole.steps:
        found += _view_judged(inventory, entry, View(value, planned.kind), whole, tally)
    if planned.pod.steps and not controlled:
        view = pod_view(value, entry.ref.group, entry.ref.kind)
        if view is not None:
            found += _view_judged(inventory, entry, view, planned.pod, tally)
    yield from found
    if not controlled and inventory.joins.children(entry):
        yield from _pods_judged(inventory, entry, found, steps_of_pods)


def _pods_judged(
    inventory: Inventory, entry: Entry, found: Sequence[Finding | Skipped], steps_of_pods: Callable[..., Steps]
) -> Iterator[Finding]:
    """Yield what is wrong with pods of an entry beyond what is wrong with itself: one pod stands for all that run alike.

    Those that run as the template says are asked only of policies that do not expand, which have not seen it.
    """
    known = {(each.rule, each.witness) for each in found if isinstance(each, Finding)}
    live = entry.origin.target in inventory.clusters
    by_astray = {astray: steps_of_pods(expanding=astray, others=live) for astray in (False, True)}
    if not any(steps.steps for steps in by_astray.values()):
        return
    for group in pods_of(inventory, entry):
        steps = by_astray[group.astray]
        if not steps.steps:
            continue
        pod = group.pods[0]
        seen = _view_judged(inventory, pod, View(pod.object, POD), steps, _Tally([step.policy for step in steps.steps]))
        own = [each for each in seen if isinstance(each, Finding) and (each.rule, each.witness) not in known]
        for finding in own:
            yield from of_pods(finding, group, inventory.owner(entry))


def _view_judged(
    inventory: Inventory, entry: Entry, view: View, steps: Steps, tally: _Tally
) -> Iterator[Finding | Skipped]:
    problem = pod_problem(view.object) if view.kind == POD and steps.ours else ""
    if problem:  # told once, instead of by every rule about pods
        place = inventory.locate(entry, (*view.prefix, "spec"))
        reason = f"{problem}, so no rule about pods can judge it"
        yield Skipped(entry.ref, reason, "correct the manifest", locator=place)
    subject = subject_in(inventory, entry, view)
    names = activation(subject)
    scopes = [scope_of(each.variables, names, each.params) for each in steps.scopes]
    locating = Locating(inventory, entry, view)
    judged, passed = tally.judged, tally.passed
    for step in steps.steps:
        policy = step.policy
        if problem and policy.ours:
            continue
        verdict = evaluate(policy, subject, names) if step.scope is None else evaluate_in(policy, scopes[step.scope])
        if verdict is PASSED or (verdict.applies and not verdict.failures and not verdict.unknown):
            judged[step.id] += 1
            passed[step.id] += 1
        elif verdict.applies:
            found = list(_results(policy, verdict, locating))
            judged[step.id] += any(isinstance(each, Finding) for each in found)
            yield from found


def _results(policy: Policy, verdict: Verdict, locating: Locating) -> Iterator[Finding | Skipped]:
    if verdict.unknown:
        yield _unknown(policy, verdict.unknown, locating.inventory, locating.entry)
    yield from results_of(policy, verdict.failures, locating)


def _unknown(policy: Policy, what: str, inventory: Inventory, entry: Entry) -> Skipped:
    """Return what to tell of a policy that hangs on something that its source does not tell."""
    place = inventory.locate(entry, ())
    if entry.origin.target in inventory.clusters:
        reason = f"it hangs on {what}, which the cluster does not tell of what is there already"
        return Skipped(entry.ref, reason, "leave the rule out: only admission can judge it", policy.id, place)
    reason = f"it hangs on {what}, which files do not tell"
    return Skipped(entry.ref, reason, "judge it on a live cluster, or leave the rule out", policy.id, place)


def subject_of(inventory: Inventory, entry: Entry) -> Subject:
    """Return an entry as the subject of policies that are judged on it as it is."""
    built_in = is_built_in(entry.ref.group, entry.ref.kind)
    value = without_nulls(entry.object) if built_in else entry.object
    return subject_in(inventory, entry, View(value, kind_of(entry.api_version, entry.ref.kind)))


def subject_in(inventory: Inventory, entry: Entry, view: View) -> Subject:
    """Return a view of an entry as the subject of policies."""
    metadata = view.object.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    labels, name = metadata.get("labels"), metadata.get("name")
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        labels = {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
    namespace = inventory.namespace(entry)
    request = Request(
        kind=view.kind,
        name=name if isinstance(name, str) else "",
        namespace=entry.ref.name if view.kind == NAMESPACE else entry.ref.namespace,
        labels=(labels,),
        namespace_labels=namespace.labels if namespace else None,
    )
    return Subject(view.object, request, namespace_object=_namespace_object(view, namespace, entry.ref.namespace))


NAMESPACE = kind_of("v1", "Namespace")


def _namespace_object(view: View, namespace: Entry | None, name: str) -> Any:
    if not view.kind.namespaced:
        return None
    if namespace is not None:
        return without_nulls(namespace.object)
    return Unknown(f"the Namespace {name}" if name else "the Namespace it is put into")
