"""From two reports to what came and what went: findings new, gone and no longer judged, and the exit code."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from transom.model.drift import ObjectDrift
from transom.model.exits import Exit
from transom.model.findings import Accepted, Finding
from transom.model.refs import Ref
from transom.report.summary import Report

SCHEMA = "transom.diff/1"

Key = tuple[str, Ref, str]
Verdict = Callable[[Ref, str], str]
"""Tells why a source has no verdict of a rule on a thing, "" where it has one."""


class NewFinding(Struct, frozen=True):
    """A finding that the first source has not; why: what kept the first from judging it, "" where it was judged there."""

    finding: Finding
    why: str = ""


class Unjudged(Struct, frozen=True):
    """A finding of the first source on which the second has no verdict, and why: it is not gone."""

    finding: Finding
    why: str


class DriftReport(Struct, frozen=True):
    """Everything that is told of two sources.

    still: findings that both have; accepted: findings of the first that the second's own files declare acceptable;
    rules_unjudged: rules that had verdicts in the first and have none in the second; fail_on_drift: whether a changed
    object is reason enough for exit code 1.
    """

    before: Report
    after: Report
    objects: ObjectDrift
    new: tuple[NewFinding, ...] = ()
    gone: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    still: int = 0
    rules_unjudged: tuple[str, ...] = ()
    fail_on_drift: bool = False

    @property
    def at_threshold(self) -> int:
        """How many new findings are as bad as the threshold, or worse."""
        return sum(each.finding.severity >= self.after.threshold for each in self.new)

    @property
    def changed(self) -> int:
        """How many objects were changed where that may matter to security."""
        return sum(each.matters for each in self.objects.changed)

    @property
    def drifted(self) -> bool:
        """Whether an object came, went, or was changed where that may matter to security."""
        return bool(self.objects.added or self.objects.removed or self.changed)

    @property
    def complete(self) -> bool:
        """Whether both sources were read and judged, but for what was allowed."""
        return self.before.complete and self.after.complete

    @property
    def exit_code(self) -> Exit:
        """What the command ends with; incomplete outranks findings."""
        if not self.complete:
            return Exit.INCOMPLETE
        return Exit.FINDINGS if self.at_threshold or (self.fail_on_drift and self.drifted) else Exit.CLEAN


def compare(
    before: Report,
    after: Report,
    objects: ObjectDrift,
    *,
    identity: Callable[[Ref], Ref],
    unjudged_before: Verdict,
    unjudged_after: Verdict,
    fail_on_drift: bool = False,
) -> DriftReport:
    """Return what differs between the reports of two sources.

    identity: a Ref as both sources may share it; unjudged_before and unjudged_after: what each could not judge.
    """

    def keyed(findings: tuple[Finding, ...]) -> dict[Key, Finding]:
        return {(each.rule, identity(each.ref), each.witness): each for each in reversed(findings)}

    old, new = keyed(before.findings), keyed(after.findings)
    accepted = {key: each for each in after.accepted for key in keyed((each.finding,)) if key in old}
    gone: list[Finding] = []
    unjudged: list[Unjudged] = []
    for finding in before.findings:
        key = (finding.rule, identity(finding.ref), finding.witness)
        if key in new or key in accepted or old[key] is not finding:
            continue
        why = unjudged_after(finding.ref, finding.rule)
        if why:
            unjudged.append(Unjudged(finding, why))
        else:
            gone.append(finding)
    came = [
        each
        for each in after.findings
        if (key := (each.rule, identity(each.ref), each.witness)) not in old and new[key] is each
    ]
    judged = {each.rule for each in after.judged if each.judged}
    return DriftReport(
        before=before,
        after=after,
        objects=objects,
        new=tuple(NewFinding(each, unjudged_before(each.ref, each.rule)) for each in came),
        gone=tuple(gone),
        unjudged=tuple(unjudged),
        accepted=tuple(each for key, each in accepted.items() if key not in new),
        still=len(old.keys() & new.keys()),
        rules_unjudged=tuple(each.rule for each in before.judged if each.judged and each.rule not in judged),
        fail_on_drift=fail_on_drift,
    )
