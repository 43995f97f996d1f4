"""The verdict of Pod Security admission on every workload: exactly what the API server would say of its pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from transom.inventory import Entry, Inventory
from transom.kube.kinds import template_path
from transom.kube.podsecurity import Malformed, Violation, evaluate_object, parse_level
from transom.kube.podsecurity.levels import active_checks
from transom.model.findings import Evidence, Finding, Judged, NotApplicable, Result, Rule, Skipped
from transom.model.language import mark
from transom.model.severity import Severity
from transom.rules.fold import is_folded, of_pods, pods_of

PREFIX = "pod-security/"
NO_PODS = "objects of kinds that make no pods"
FIX = "Remove or set the field, or run the pod in a namespace of a wider level."


class PodSecurity(Struct, frozen=True):
    """A Pod Security level at a version, as something to judge by."""

    level: str
    version: tuple[int, int]

    @classmethod
    def parse(cls, text: str) -> PodSecurity:
        """Read `LEVEL[@VERSION]`; raises UsageError."""
        return cls(*parse_level(text))

    def faces(self) -> dict[str, Rule]:
        """Return the faces of the level's checks."""
        version = f"{self.version[0]}.{self.version[1]}"
        return {
            PREFIX + check.id: Rule(
                id=PREFIX + check.id,
                title=mark(f"Pod Security {self.level} v{version}: {check.reason}"),
                severity=Severity.HIGH,  # the API server refuses the pod, whichever check it is
                why=f"Pod Security admission refuses this pod at level {self.level}.",
                fix=FIX,
                window="workloads",
            )
            for check, _ in active_checks(self.level, self.version)
        }

    def assess(self, inventory: Inventory, only: Sequence[Entry]) -> Iterator[Result]:
        """Yield one finding for each container and check that the level forbids."""
        faces = self.faces()
        failed = dict.fromkeys(faces, 0)
        judged = foreign = 0
        for entry in only:
            if is_folded(inventory, entry):
                continue
            try:
                found = evaluate_object(entry.object, entry.ref.group, entry.ref.kind, self.level, self.version)
            except Malformed as error:
                place = inventory.locate(entry, (*(template_path(entry.ref.group, entry.ref.kind) or ()), *error.path))
                yield Skipped(entry.ref, f"the API server would not decode it: {error}", "correct it", locator=place)
                continue
            if found is None:
                foreign += 1
                continue
            judged += 1
            told: list[Finding] = []
            for violation in found:
                failed[PREFIX + violation.check] += 1
                told += _findings(inventory, entry, violation, faces[PREFIX + violation.check])
            yield from told
            yield from self._of_pods(inventory, entry, {(each.rule, each.witness) for each in told}, faces)
        yield from (Judged(rule, judged, judged - count) for rule, count in failed.items())
        if self.level == "privileged":
            yield Judged(PREFIX + "privileged-level", judged, judged)  # it forbids nothing, and has looked all the same
        if foreign:
            yield NotApplicable(NO_PODS, foreign)

    def _of_pods(
        self, inventory: Inventory, entry: Entry, known: set[tuple[str, str]], faces: Mapping[str, Rule]
    ) -> Iterator[Finding]:
        """Yield what the level forbids in pods that run otherwise than their template says, and not in that."""
        for group in pods_of(inventory, entry):
            pod = group.pods[0]
            if not group.astray:
                continue
            for violation in evaluate_object(pod.object, "", "Pod", self.level, self.version) or ():
                for finding in _findings(inventory, pod, violation, faces[PREFIX + violation.check]):
                    if (finding.rule, finding.witness) not in known:
                        yield from of_pods(finding, group, inventory.owner(entry))


def _findings(inventory: Inventory, entry: Entry, violation: Violation, rule: Rule) -> Iterator[Finding]:
    prefix = template_path(entry.ref.group, entry.ref.kind) or ()
    by_container: dict[str, list[Evidence]] = {}
    for place in violation.places:
        locator = inventory.locate(entry, (*prefix, *place.path))
        by_container.setdefault(place.container, []).append(Evidence(locator, place.what))
    for container, evidence in by_container.items():
        yield Finding(
            rule=rule.id,
            ref=entry.ref,
            severity=rule.severity,
            message=f"{violation.reason}: {'; '.join(seen.observed for seen in evidence)}",
            evidence=tuple(evidence),
            title=rule.title,
            witness=container,
            container=container,
            owner=inventory.owner(entry),
            fix=rule.fix,
        )
