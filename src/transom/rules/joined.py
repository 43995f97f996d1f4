"""Checks over an inventory: each is asked of every entry of the kinds that it judges."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from transom.kube.kinds import SERVED_GROUPS
from transom.kube.selectors import SelectorError
from transom.model.findings import Evidence, Finding, Skipped
from transom.model.refs import Ref
from transom.rules.check import NAMESPACES, OBJECTS, PODS, CannotJudge
from transom.rules.gaps import gap_of
from transom.rules.place import observed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from transom.inventory import Entry, Inventory
    from transom.model.places import Path
    from transom.rules.check import Check, Fault, Function

MALFORMED = (AttributeError, KeyError, TypeError, RecursionError)
"""What reading an object raises whose fields are of other types than the API server takes."""

MAX_FAULTS = 1_000  # of one check in one entry: no honest object has as many, a hostile one would fill the report


class Joined:
    """The checks of a window and their functions; judged, passed: how many entries by rule.

    functions: the window's table, `module:function` by rule id; only what is asked is imported.
    """

    def __init__(self, inventory: Inventory, checks: Sequence[Check], functions: Mapping[str, str]) -> None:
        self.inventory = inventory
        self.checks = checks
        self.judged = {check.id: 0 for check in checks}
        self.passed = dict(self.judged)
        self._functions = {check.id: functions[check.id] for check in checks}
        self._loaded: dict[str, Function] = {}
        self._of_kind: dict[str, list[Check]] = {}
        self._withheld = {
            target: {check.id for check in checks if gap_of(check, facts)}
            for target, facts in inventory.clusters.items()
        }
        for check in checks:
            for kind in check.judges:
                self._of_kind.setdefault(kind, []).append(check)

    def of(self, entry: Entry) -> list[Check]:
        """Return the checks that are to be asked of an entry."""
        ref, joins = entry.ref, self.inventory.joins
        found = list(self._of_kind.get(f"{ref.group}/{ref.kind}" if ref.group else ref.kind, ()))
        if PODS in self._of_kind and joins.makes_pods(entry):
            found += self._of_kind[PODS]
        if NAMESPACES in self._of_kind and joins.namespace_told_by(entry):
            found += self._of_kind[NAMESPACES]
        if OBJECTS in self._of_kind and ref.group in SERVED_GROUPS:
            found += self._of_kind[OBJECTS]
        withheld = self._withheld.get(entry.origin.target)
        return [check for check in found if check.id not in withheld] if withheld else found

    def results(self, entry: Entry, checks: Sequence[Check]) -> Iterator[Finding | Skipped]:
        """Yield what checks say of an entry, and count it."""
        for check in checks:
            try:
                answer = self._function(check.id)(entry, self.inventory, check)
                if answer is None:
                    continue
                faults = list(answer)
            except (CannotJudge, SelectorError, *MALFORMED) as error:
                yield self._skipped(entry, check, error)
                continue
            self.judged[check.id] += 1
            self.passed[check.id] += not faults
            yield from self._findings(entry, check, faults)

    def _function(self, rule: str) -> Function:
        if rule not in self._loaded:
            module, _, name = self._functions[rule].partition(":")
            self._loaded[rule] = getattr(import_module(module), name)
        return self._loaded[rule]

    def _findings(self, entry: Entry, check: Check, faults: Sequence[Fault]) -> Iterator[Finding | Skipped]:
        owner = self.inventory.owner(entry) if faults else None
        for fault in faults[:MAX_FAULTS]:
            ref = fault.ref or (self._namespace(entry) if NAMESPACES in check.judges else entry.ref)
            yield Finding(
                rule=check.id,
                ref=ref,
                severity=check.face.severity,
                message=fault.message,
                evidence=self._evidence(entry, check, fault),
                title=check.face.title,
                witness=fault.witness,
                container=fault.container,
                owner=owner if ref == entry.ref else ref,
                fix=check.face.fix,
            )
        if len(faults) > MAX_FAULTS:
            reason = f"only the first {MAX_FAULTS} faults of an object are told"
            yield Skipped(entry.ref, reason, "correct these first", check.id, self.inventory.locate(entry, ()))

    def _namespace(self, entry: Entry) -> Ref:
        return Ref(cluster=entry.ref.cluster, kind="Namespace", name=self.inventory.joins.namespace_told_by(entry))

    def _evidence(self, entry: Entry, check: Check, fault: Fault) -> tuple[Evidence, ...]:
        first = self._seen(entry, fault.path, fault.seen, fault.expected or check.expect)
        return (first, *(self._seen(other, path) for other, path in fault.beside))

    def _seen(self, entry: Entry, path: Path, seen: str = "", expected: str = "") -> Evidence:
        return Evidence(self.inventory.locate(entry, path), seen or observed(entry, path), expected)

    def _skipped(self, entry: Entry, check: Check, error: Exception) -> Skipped:
        place = self.inventory.locate(entry, ())
        if isinstance(error, CannotJudge):
            return Skipped(entry.ref, str(error), error.next_step, check.id, place)
        reason = "a field that the check reads is of another type than it should be"
        if isinstance(error, SelectorError):
            reason = f"a selector is none that the API server takes: {error}"
        return Skipped(entry.ref, reason, "correct the manifest", check.id, place)
