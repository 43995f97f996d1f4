"""Compliance: what the verdicts of a report mean for each control of a framework.

A control failed where anything that its rules judged did not pass, also where that is accepted or known. It is unknown
where no object decides it, where its rules were not asked for, or where something was skipped that they would have
judged; what nobody could read at all may be about any control. It is not applicable where there was nothing to judge, and
passed only where none of that holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from transom.model.findings import Judged
from transom.model.frameworks import Control, Framework
from transom.model.language import mark
from transom.report.summary import Report

PASSED, FAILED = mark("passed"), mark("failed")
UNKNOWN, NOT_APPLICABLE = mark("unknown"), mark("not applicable")
STATES = (FAILED, UNKNOWN, PASSED, NOT_APPLICABLE)
"""Every state of a control, the worst first."""

FORMULA = mark(
    "Of the controls that are applicable, those that passed: passed / (passed + failed + unknown), in percent, rounded "
    "down. What was not judged counts as not passed."
)
"""The percentage in words."""


class ControlResult(Struct, frozen=True):
    """What became of one control.

    judged, passed: verdicts of its rules; skipped: things that they could not judge; failing: rules with a verdict that
    did not pass; unasked: rules that were not asked for.
    """

    control: Control
    judged: int = 0
    passed: int = 0
    skipped: int = 0
    failing: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many verdicts did not pass."""
        return self.judged - self.passed

    @property
    def state(self) -> str:
        """One of STATES."""
        if self.failed:
            return FAILED
        if self.control.undecided or self.skipped or self.unasked:
            return UNKNOWN
        return PASSED if self.judged else NOT_APPLICABLE


class Compliance(Struct, frozen=True):
    """A framework, and what became of each of its controls, in its own order."""

    framework: Framework
    results: tuple[ControlResult, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many controls are in each state; every state is there."""
        states = [result.state for result in self.results]
        return {state: states.count(state) for state in STATES}

    @property
    def percent(self) -> int | None:
        """How many of a hundred applicable controls passed; None where none is applicable."""
        counts = self.counts
        applicable = counts[PASSED] + counts[FAILED] + counts[UNKNOWN]
        return 100 * counts[PASSED] // applicable if applicable else None


def compliance(report: Report) -> Compliance | None:
    """Return the compliance with the framework that a report was made for; None where it was made for none."""
    if report.framework is None:
        return None
    judged = {each.rule: each for each in report.judged}
    unread = sum(not skipped.rule for skipped in report.skipped)
    unjudged: dict[str, int] = {}
    for skipped in report.skipped:
        if skipped.rule:
            unjudged[skipped.rule] = unjudged.get(skipped.rule, 0) + 1
    results = (_result(control, judged, unjudged, unread) for control in report.framework.controls)
    return Compliance(report.framework, tuple(results))


def _result(control: Control, judged: Mapping[str, Judged], unjudged: Mapping[str, int], unread: int) -> ControlResult:
    asked = [judged[rule] for rule in control.rules if rule in judged]
    return ControlResult(
        control,
        judged=sum(each.judged for each in asked),
        passed=sum(each.passed for each in asked),
        skipped=unread + sum(unjudged.get(rule, 0) for rule in control.rules) if control.rules else 0,
        failing=tuple(each.rule for each in asked if each.passed < each.judged),
        unasked=tuple(rule for rule in control.rules if rule not in judged),
    )


REASONS = {
    "skipped": mark("not judged: {count:,}"),
    "unasked": mark("not asked for: {rules}"),
}


def reasons(result: ControlResult) -> Iterator[tuple[str, dict[str, int | str]]]:
    """Yield why a control is not known to pass, as words and what to fill in; the failing rules are told apart."""
    if result.control.undecided:
        yield result.control.undecided, {}
    if result.skipped:
        yield REASONS["skipped"], {"count": result.skipped}
    if result.unasked:
        yield REASONS["unasked"], {"rules": ", ".join(result.unasked)}
