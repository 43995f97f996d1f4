"""Verdicts kept true: what a scan of an inventory would say, after each change of it, judging only what the change can touch.

A verdict on an object hangs on:

- the object itself;
- the Namespace object that it lives in, which policies read;
- the chain of its controllers: whether one is there decides who is judged, and who is named as the owner;
- the pods below it, where it has a template: those that run otherwise than it says are judged with it;
- objects of a policy's parameter kind, where a cluster tells its parameters: then everything is judged again;
- of Endpoints, the Service of their name: what a cluster makes by itself is not judged;
- for checks that join objects: objects of the kinds that the check judges or reads, wherever they are. A pod whose
  controller is there is no pod to them: they see its controller;
- for checks, too, which kinds of the cluster cannot be seen.

An object that declares exceptions is judged by all rules at once,
as an exception that none of them needs is a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, overload

from msgspec.structs import replace

from transom.inventory import Entry, Inventory
from transom.inventory.inventory import controller_of
from transom.inventory.joins import pod_path
from transom.inventory.live import Step
from transom.inventory.own import is_own
from transom.kube.kinds import TEMPLATE_PATHS, is_built_in, kind_of, template_path
from transom.kube.reading import map_at
from transom.model.findings import Accepted, Finding, Result, Skipped
from transom.model.refs import Ref
from transom.model.turns import Turn, Verdict
from transom.rules.check import NAMESPACES, OBJECTS, PODS, Check
from transom.rules.custom import is_known, template_in, unseen_pods
from transom.rules.exceptions import Allowances, declared
from transom.rules.fold import ENDED, core
from transom.rules.gaps import withheld
from transom.rules.params import with_told
from transom.rules.plan import pod_steps
from transom.rules.policy import Policy
from transom.scan import ScanOptions, assess

if TYPE_CHECKING:
    from transom.model.clusters import Gap

Identity = tuple[str, ...]
NAMESPACE, SERVICE = ("", "Namespace"), ("", "Service")
UNSEEN, WITHHELD = "unseen pods", "withheld checks"  # of the inventory as a whole; ids of rules have no spaces


class Verdicts:
    """What a scan with these options would say of an inventory at this moment."""

    def __init__(self, options: ScanOptions, inventory: Inventory) -> None:
        self._options = options
        self._inventory = inventory
        self._given: Sequence[Policy] = () if options.pod_security else options.policies
        self._policies = self._given  # with the parameters that the inventory tells
        self._asks_each_pod = bool(pod_steps(self._given, expanding=False, others=True).steps)
        checks: Sequence[Check] = () if options.pod_security else options.checks
        self._checks = [check for check in checks if OBJECTS not in check.judges]
        self._single = [check for check in checks if OBJECTS in check.judges]  # which join nothing
        self._known_rules = {*options.known_rules, *(rule.id for rule in options.rules)}
        self._of_entry: dict[int, Sequence[Verdict]] = {}
        self._of_check: dict[str, Sequence[Verdict]] = {}
        self._accepting: dict[int, Entry] = {}
        self._controlled: dict[tuple[str, Ref], dict[int, Entry]] = {}
        self._through: set[int] = set()
        self._templated: dict[int, Entry] = {}  # custom resources with a pod template
        self._gaps: frozenset[Gap] = frozenset()
        self._held: dict[Identity, list[Verdict]] = {}
        _Changes().hold(options.problems, self._held)

    def __iter__(self) -> Iterator[Verdict]:
        """Yield each verdict that holds, once."""
        return (held[0] for held in self._held.values())

    def digest(self, steps: Iterable[Step]) -> list[Turn]:
        """Take note of what became of objects in the inventory; return what that changed, what holds no more first."""
        taken = list(steps)  # all are applied before the first is looked at: a verdict is on what is there at the end
        changes = _Changes()
        for step in taken:
            self._enter(step, changes)
        dirty: dict[int, Entry] = {}
        gaps = set(self._changed_gaps())
        kinds = set(gaps)
        for step in taken:
            kinds.update(self._touched(step, dirty))
        if self._take_params(kinds):
            dirty = {id(entry): entry for entry in self._inventory.entries()}
        stale = [check for check in self._checks if any(_concerns(check, *kind) for kind in kinds)]
        if stale:
            dirty.update(self._accepting)
        self._judge(dirty.values(), changes)
        if stale:
            self._judge_by_checks(stale, changes)
        if gaps:
            self._say_of_all(WITHHELD, withheld(self._inventory, self._options.checks), changes)
        if any(_may_carry_pods(*kind[:2]) for kind in kinds):
            custom = list(self._templated.values())
            self._say_of_all(UNSEEN, unseen_pods(self._policies, self._inventory, custom), changes)
        return changes.turns(self._held)

    # what a change can touch

    def _enter(self, step: Step, changes: _Changes) -> None:
        """Forget what was said of an object, and note who controls it."""
        if step.before is not None:
            self._forget(step.before, changes)
        if step.after is not None and (above := controller_of(step.after)) is not None:
            key = (step.after.origin.target, above)
            self._controlled.setdefault(key, {})[id(step.after)] = step.after

    def _touched(self, step: Step, dirty: dict[int, Entry]) -> Iterator[tuple[str, str, bool]]:
        """Note which entries are to be judged again; yield the kinds that changed, and whether as what makes pods."""
        before, after = step.before, step.after
        told = after or before
        assert told is not None
        if before is not None:
            yield before.ref.group, before.ref.kind, id(before) not in self._through
            self._through.discard(id(before))
        touched = [after] if after is not None else []
        if before is None or after is None or controller_of(before) != controller_of(after):
            touched += self._below(told.origin.target, told.ref)
        if (told.ref.group, told.ref.kind) == NAMESPACE:
            dirty.update((id(each), each) for each in self._living_in(told))
        elif (told.ref.group, told.ref.kind) == SERVICE:  # which may have made them, so that they are nobody's fault
            made = self._inventory.with_ref(replace(told.ref, kind="Endpoints"))
            dirty.update((id(each), each) for each in made)
        if not self._is_churn(before, after):
            dirty.update((id(each), each) for one in (before, after) if one for each in self._above(one))
        for entry in touched:
            if entry in self._inventory:  # a later step may have replaced it
                dirty[id(entry)] = entry
                if entry is not after:
                    yield entry.ref.group, entry.ref.kind, id(entry) not in self._through
                yield entry.ref.group, entry.ref.kind, not self._is_judged_through_another(entry)

    def _is_judged_through_another(self, entry: Entry) -> bool:
        """Tell, and remember, whether a controller with a pod template is there in an entry's place."""
        owner = self._inventory.owner_entry(entry)
        through = owner is not None and template_path(owner.ref.group, owner.ref.kind) is not None
        (self._through.add if through else self._through.discard)(id(entry))
        return through

    def _living_in(self, namespace: Entry) -> Iterator[Entry]:
        target, name = namespace.origin.target, namespace.ref.name
        for entry in self._inventory.entries():
            if entry.ref.namespace == name and entry.origin.target == target:
                yield entry

    def _below(self, target: str, ref: Ref) -> Iterator[Entry]:
        """Yield the entries that a controller has, directly or through others."""
        waiting, seen = [ref], {ref}
        while waiting:
            for entry in list(self._controlled.get((target, waiting.pop()), {}).values()):
                yield entry
                if entry.ref not in seen:
                    seen.add(entry.ref)
                    waiting.append(entry.ref)

    def _above(self, entry: Entry) -> Iterator[Entry]:
        """Yield the controllers of an entry that are there, the nearest first."""
        seen = {entry.ref}
        step = self._inventory.owner_entry(entry)
        while step is not None and step.ref not in seen:
            seen.add(step.ref)
            yield step
            step = self._inventory.owner_entry(step)

    def _is_churn(self, before: Entry | None, after: Entry | None) -> bool:
        """Tell whether a pod runs on as its controllers' templates say: most changes of a cluster are of this kind."""
        if before is None or after is None or after.ref.kind != "Pod" or controller_of(before) != controller_of(after):
            return False
        if self._asks_each_pod:
            return False
        spec = map_at(after.object, "spec")
        if map_at(before.object, "spec") != spec or _has_ended(before) != _has_ended(after):
            return False
        own = core(spec)
        return all(
            own == core(map_at(each.object, *pod_path(each), "spec"))
            for each in self._above(after)
            if template_path(each.ref.group, each.ref.kind) is not None
        )

    def _take_params(self, kinds: set[tuple[str, str, bool]]) -> bool:
        """Take the parameters of policies from the inventory, where one of their kinds changed; tell whether it did."""
        param_kinds = {(kind_of(*each.param_kind).group, each.param_kind[1]) for each in self._given if each.param_kind}
        if not self._inventory.clusters or not any(kind[:2] in param_kinds for kind in kinds):
            return False
        before = [each.params for each in self._policies]
        policies = with_told(self._given, self._inventory)
        if [each.params for each in policies] == before:
            return False
        self._policies = policies
        return True

    def _changed_gaps(self) -> Iterator[tuple[str, str, bool]]:
        """Yield the kinds of clusters that can be seen now and could not before, or the other way round."""
        gaps = frozenset(gap for facts in self._inventory.clusters.values() for gap in facts.gaps)
        changed, self._gaps = gaps ^ self._gaps, gaps
        return ((gap.group, gap.kind, True) for gap in changed)

    def _forget(self, entry: Entry, changes: _Changes) -> None:
        changes.drop(self._of_entry.pop(id(entry), ()), self._held)
        self._accepting.pop(id(entry), None)
        self._templated.pop(id(entry), None)
        above = controller_of(entry)
        if above is not None:
            siblings = self._controlled[entry.origin.target, above]
            del siblings[id(entry)]
            if not siblings:
                del self._controlled[entry.origin.target, above]

    # judging

    def _judge(self, entries: Iterable[Entry], changes: _Changes) -> None:
        """Judge entries by what looks at one object; those that declare exceptions by all rules."""
        chosen: list[Entry] = []
        for entry in entries:
            changes.drop(self._of_entry.pop(id(entry), ()), self._held)
            self._accepting.pop(id(entry), None)
            if self._is_chosen(entry):
                chosen.append(entry)
                if not is_known(entry.ref) and template_in(entry.object) is not None:
                    self._templated[id(entry)] = entry
        said: dict[int, list[Verdict]] = {}
        for entry, verdict in self._said_of(chosen):
            said.setdefault(id(entry), []).append(verdict)
        for key, verdicts in said.items():
            self._of_entry[key] = verdicts
            changes.hold(verdicts, self._held)

    def _said_of(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, Verdict]]:
        options, inventory = self._options, self._inventory
        judged = _Judged(entries)
        if options.pod_security is not None:
            yield from judged.with_entries(options.pod_security.assess(inventory, judged))
            return
        plain = entries
        if options.exceptions:
            for entry in entries:
                allowances, malformed = declared(inventory, (entry,), self._known_rules)
                yield from ((entry, each) for each in malformed)
                if allowances:
                    self._accepting[id(entry)] = entry
                    rules: Sequence[Policy | Check] = (*self._policies, *self._single, *self._checks)
                    yield from ((entry, each) for each in self._assessed(rules, (entry,), allowances))
            plain = [entry for entry in entries if id(entry) not in self._accepting]
        judged = _Judged(plain)
        single: Sequence[Policy | Check] = (*self._policies, *self._single)
        yield from judged.with_entries(assess(inventory, single, judged, None, options.windows))

    def _is_chosen(self, entry: Entry) -> bool:
        if not self._options.selection.holds(entry):
            return False
        return entry.origin.target not in self._inventory.clusters or not is_own(self._inventory, entry)

    def _say_of_all(self, key: str, results: Iterable[Result], changes: _Changes) -> None:
        """Put what is said of the inventory as a whole in the place of what was said before."""
        changes.drop(self._of_check.pop(key, ()), self._held)
        found = tuple(_verdicts(results))
        if found:
            self._of_check[key] = found
            changes.hold(found, self._held)

    def _judge_by_checks(self, checks: Sequence[Check], changes: _Changes) -> None:
        """Judge all entries by some checks, but for those that declare exceptions, which were judged by all rules."""
        for check in checks:
            changes.drop(self._of_check.pop(check.id, ()), self._held)
        found: dict[str, list[Verdict]] = {}
        for verdict in self._assessed(checks, self._judged_by(checks), {}):
            found.setdefault(_rule(verdict), []).append(verdict)
        for rule, verdicts in found.items():
            self._of_check[rule] = verdicts
            changes.hold(verdicts, self._held)

    def _judged_by(self, checks: Sequence[Check]) -> list[Entry]:
        names = {name for check in checks for name in check.judges}
        kinds = {(group, kind) for group, _, kind in (name.rpartition("/") for name in names)}
        if not names.isdisjoint((PODS, NAMESPACES)):
            kinds |= {*TEMPLATE_PATHS, NAMESPACE}
        found = (entry for kind in sorted(kinds) for entry in self._inventory.of_kind(*kind))
        return [entry for entry in found if id(entry) not in self._accepting and self._is_chosen(entry)]

    def _assessed(
        self, rules: Sequence[Policy | Check], only: Sequence[Entry], allowances: Allowances
    ) -> Iterator[Verdict]:
        return _verdicts(assess(self._inventory, rules, only, allowances, self._options.windows))


class _Judged(Sequence[Entry]):
    """Entries that know which of them is being judged: a judge yields what it says of one before it takes the next."""

    def __init__(self, entries: Sequence[Entry], whole: _Judged | None = None) -> None:
        self._entries = entries
        self._whole = whole or self
        self._now: Entry | None = None

    def with_entries(self, results: Iterable[Result]) -> Iterator[tuple[Entry, Verdict]]:
        """Yield verdicts, each with the entry that it is on."""
        for verdict in _verdicts(results):
            assert self._now is not None
            yield self._now, verdict

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> _Judged: ...
    def __getitem__(self, index: int | slice) -> Entry | _Judged:
        found = self._entries[index]
        return found if isinstance(found, Entry) else _Judged(found, self._whole)

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self._whole._now = entry
            yield entry


class _Changes:
    """Which verdicts held before, of all that were touched."""

    def __init__(self) -> None:
        self._before: dict[Identity, Verdict | None] = {}

    def hold(self, verdicts: Iterable[Verdict], held: dict[Identity, list[Verdict]]) -> None:
        for verdict in verdicts:
            identity = _identity(verdict)
            holders = held.setdefault(identity, [])
            self._before.setdefault(identity, holders[0] if holders else None)
            holders.append(verdict)

    def drop(self, verdicts: Iterable[Verdict], held: dict[Identity, list[Verdict]]) -> None:
        for verdict in verdicts:
            identity = _identity(verdict)
            holders = held[identity]
            self._before.setdefault(identity, holders[0])
            holders.remove(verdict)
            if not holders:
                del held[identity]

    def turns(self, held: dict[Identity, list[Verdict]]) -> list[Turn]:
        gone = [was for identity, was in self._before.items() if was is not None and identity not in held]
        came = [held[identity][0] for identity, was in self._before.items() if was is None and identity in held]
        return [*(Turn(each, False) for each in gone), *(Turn(each, True) for each in came)]


def _verdicts(results: Iterable[Result]) -> Iterator[Verdict]:
    return (each for each in results if isinstance(each, Finding | Accepted | Skipped))


def _concerns(check: Check, group: str, kind: str, makes_pods: bool) -> bool:
    if makes_pods or template_path(group, kind) is None:
        return check.concerns(group, kind)
    return (f"{group}/{kind}" if group else kind) in (*check.judges, *check.reads)


def _may_carry_pods(group: str, kind: str) -> bool:
    return not is_built_in(group, kind) or template_path(group, kind) is not None


def _has_ended(pod: Entry) -> bool:
    return map_at(pod.object, "status").get("phase") in ENDED


def _identity(verdict: Verdict) -> Identity:
    if isinstance(verdict, Finding):
        return "finding", verdict.fingerprint
    if isinstance(verdict, Accepted):
        return "accepted", verdict.finding.fingerprint
    return "skipped", str(verdict.ref), verdict.rule, verdict.reason


def _rule(verdict: Verdict) -> str:
    return verdict.finding.rule if isinstance(verdict, Accepted) else verdict.rule
