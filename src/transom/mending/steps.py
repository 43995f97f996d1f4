"""What the fixes of rules make of one object: step by step, each kept only if it mends and harms nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.kinds import is_built_in, kind_of
from transom.mending.differences import differences
from transom.model.findings import Accepted, Finding, Skipped
from transom.model.language import mark
from transom.model.patches import Change
from transom.rules.expand import POD, View, pod_view, without_nulls
from transom.rules.fixes import SAFE, Fix
from transom.rules.judge import judge, subject_in
from transom.rules.match import could_match
from transom.rules.mutate import MutationError, is_safe, mutate
from transom.rules.place import CONTAINER_LISTS

if TYPE_CHECKING:
    from transom.inventory import Entry, Inventory
    from transom.rules.judge import Plans
    from transom.rules.policy import Policy

NO_FIX = mark("no fix is known: it needs a person who knows the workload")
NOT_REACHED = mark("the fix does not reach it")
NOT_WANTED = mark("its fix may change how the program behaves: --write=all applies it")
STILL_FOUND = mark("it would still be found after its fix")
ACCEPTED = mark("an exception accepts other findings of the rule in this object")
NEW_FINDING = mark("its fix would give rise to {}")
FAILS = mark("its fix fails: {}")
MAX_ROUNDS = 4  # one fix may make way for another one, or make it safe, and that for a third; more has not been seen


class Left(Struct, frozen=True):
    """A finding that was not mended, and why."""

    finding: Finding
    reason: str


class Step(Struct, frozen=True):
    """What one fix changes in one object. safe: whether it cannot break a working pod; changes: of the object as it is
    read; mends: the findings that are gone, also those of other rules."""

    rule: str
    safe: bool
    changes: tuple[Change, ...]
    mends: tuple[Finding, ...]


class Proposal(Struct):
    """One object with its fixes: the entry, the steps in their order, and the object that they make."""

    entry: Entry
    steps: list[Step]
    value: Any


def propose(
    inventory: Inventory,
    entry: Entry,
    found: Sequence[Finding],
    accepted: Sequence[Accepted],
    fixes: Mapping[str, Fix],
    policies: Sequence[Policy],
    safe_only: bool,
    without: Collection[str] = (),
    plans: Plans | None = None,
) -> tuple[Proposal, list[Left]]:
    """Return what the fixes of an entry's findings make of it, and the findings that they leave.

    safe_only: behavioural fixes are left; without: rules whose fixes are not tried; plans: of these policies, kept from
    one object to the next.
    """
    making = Making(inventory, entry, policies, accepted, found, plans)
    left: dict[str, str] = {}
    waiting = _worst_first(found, fixes, without)
    if making.take_together([fixes[rule] for rule, _ in waiting], safe_only):
        waiting = [
            (rule, of_rule) for rule, of_rule in waiting if not all(e.fingerprint in making.done for e in of_rule)
        ]
    for _ in range(MAX_ROUNDS):
        before = len(making.steps)
        for rule, of_rule in waiting:
            left[rule] = (
                NOT_WANTED if safe_only and not making.is_safe(fixes[rule]) else making.take(fixes[rule], of_rule)
            )
        waiting = [(rule, of_rule) for rule, of_rule in waiting if left[rule]]
        if len(making.steps) == before:
            break
    mended = {each.fingerprint for step in making.steps for each in step.mends}
    rest = [each for each in found if each.fingerprint not in mended and each.rule not in without]
    told = [Left(each, left.get(each.rule) or (NOT_REACHED if each.rule in fixes else NO_FIX)) for each in rest]
    return Proposal(entry, making.steps, making.value), told


def _worst_first(
    found: Sequence[Finding], fixes: Mapping[str, Fix], without: Collection[str]
) -> list[tuple[str, list[Finding]]]:
    by_rule: dict[str, list[Finding]] = {}
    for each in found:
        if each.rule in fixes and each.rule not in without:
            by_rule.setdefault(each.rule, []).append(each)
    return sorted(by_rule.items(), key=lambda pair: (-pair[1][0].severity, pair[0]))


class Making:
    """One object on its way to be mended."""

    def __init__(
        self,
        inventory: Inventory,
        entry: Entry,
        policies: Sequence[Policy],
        accepted: Sequence[Accepted],
        wanted: Sequence[Finding],
        plans: Plans | None = None,
    ) -> None:
        self.inventory = inventory
        self.entry = entry
        self.policies = policies
        self.here = frozenset(policy.id for policy in policies)
        self.accepted = accepted
        self.wanted = wanted
        self.plans = plans if plans is not None else {}
        self.steps: list[Step] = []
        self.done: set[str] = set()
        built_in = is_built_in(entry.ref.group, entry.ref.kind)
        self.value: Any = without_nulls(entry.object) if built_in else entry.object
        self.known = set(self.judged(self.value))

    def is_safe(self, fix: Fix) -> bool:
        view = self.view(fix)
        return view is not None and is_safe(fix, subject_in(self.inventory, self.entry, view))

    def is_for_later(self, finding: Finding, fix: Fix) -> bool:
        """Tell whether a finding is of a check, which is asked when everything is judged again."""
        return finding.rule == fix.id and finding.rule not in self.here and finding.fingerprint not in self.done

    def take_together(self, fixes: Sequence[Fix], safe_only: bool) -> bool:
        """Take several fixes over and judge once, which is quicker; where that does not prove right, take none."""
        was = self.value
        taken: list[tuple[Fix, bool, tuple[Change, ...]]] = []
        for fix in fixes:
            safe = self.is_safe(fix)
            if safe_only and not safe:
                continue
            try:
                value = self.mutated(fix)
            except MutationError:
                continue
            changes = tuple(differences(self.value, value))
            if changes:
                taken.append((fix, safe, changes))
                self.value = value
        after = self.judged(self.value) if taken else {}
        gone = self.known - after.keys()
        mending = {fix.id for fix, _, _ in taken}
        if (
            not taken
            or after.keys() - self.known
            or any(e.rule in mending & self.here and e.fingerprint not in gone for e in self.wanted)
        ):
            self.value = was
            return False
        for fix, safe, changes in taken:
            last = fix is taken[-1][0]  # what others mended by the way is counted once, with the last
            of_fix = [e for e in self.wanted if e.rule == fix.id or (last and e.rule not in mending)]
            mends = tuple(e for e in of_fix if e.fingerprint in gone or self.is_for_later(e, fix))
            self.steps.append(Step(fix.id, safe, changes, mends))
        self.done.update(each.fingerprint for step in self.steps for each in step.mends)
        return True

    def take(self, fix: Fix, found: Sequence[Finding]) -> str:
        """Take a fix over, and return "", or why it is not taken."""
        try:
            value = self.mutated(fix)
        except MutationError as error:
            return FAILS.format(error)
        changes = tuple(differences(self.value, value))
        if not changes:
            return NOT_REACHED
        after = self.judged(value)
        fresh = sorted({rule for key, rule in after.items() if key not in self.known})
        if fresh:
            return NEW_FINDING.format(", ".join(fresh))
        if all(each.fingerprint in after for each in found):
            return STILL_FOUND
        gone = self.known - after.keys() - self.done
        mends = tuple(e for e in self.wanted if e.fingerprint in gone or self.is_for_later(e, fix))
        self.steps.append(Step(fix.id, fix.kind == SAFE or self.is_safe(fix), changes, mends))
        self.value = value
        self.done.update(each.fingerprint for each in mends)
        return "" if all(each.fingerprint in self.done for each in found) else STILL_FOUND

    def mutated(self, fix: Fix) -> Any:
        """Return the object as a fix makes it, but for containers whose findings are accepted."""
        view = self.view(fix)
        if view is None:
            return self.value
        made = mutate(fix, subject_in(self.inventory, self.entry, view))
        accepted = [each.finding for each in self.accepted if each.finding.rule == fix.id]
        if any(not each.container for each in accepted):
            raise MutationError(ACCEPTED)
        made = _with_containers_of(made, view.object, {each.container for each in accepted})
        return _put_back(self.value, view, made)

    def view(self, fix: Fix) -> View | None:
        """Return what the fix is asked to change: the object, or the pod that it makes."""
        kind = kind_of(self.entry.api_version, self.entry.ref.kind)
        if could_match(fix.policy.match, kind):
            return View(self.value, kind)
        if fix.policy.expands and could_match(fix.policy.match, POD):
            return pod_view(self.value, self.entry.ref.group, self.entry.ref.kind)
        return None

    def judged(self, value: Any) -> dict[str, str]:
        """Return what is found in the object as it would be, rules by fingerprints; what cannot be judged counts too."""
        changed = replace(self.entry, object=value, source=None)
        found: dict[str, str] = {}
        for each in judge(self.inventory, self.policies, [changed], plans=self.plans):
            if isinstance(each, Finding):
                found[each.fingerprint] = each.rule
            elif isinstance(each, Skipped):
                found[f"{each.rule} {each.reason}"] = each.rule
        return found


def _put_back(value: Any, view: View, made: Any) -> Any:
    """Return an object with what was made of its view."""
    if not view.prefix:
        return made
    return _with_template(value, view.prefix, made)


def _with_template(value: dict[str, Any], prefix: Sequence[str | int], pod: dict[str, Any]) -> dict[str, Any]:
    step, *rest = prefix
    inner = value.get(str(step))
    inner = inner if isinstance(inner, dict) else {}
    if rest:
        return {**value, str(step): _with_template(inner, rest, pod)}
    template = {**inner}
    for field in ("metadata", "spec"):
        if field in inner or pod.get(field):
            template[field] = pod[field]
    return {**value, str(step): template}


def _with_containers_of(made: Any, before: Any, names: Collection[str]) -> Any:
    """Return a pod whose containers of these names are as they were before."""
    if not names:
        return made
    spec = dict(made["spec"])
    for field in CONTAINER_LISTS & spec.keys():
        was = {name: each for name, each in _named(before["spec"].get(field, ())) if name in names}
        spec[field] = [was.get(each.get("name"), each) for each in spec[field]]
    return {**made, "spec": spec}


def _named(containers: Sequence[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in containers:
        yield str(each.get("name")), each
