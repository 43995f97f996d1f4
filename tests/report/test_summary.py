"""From results to a report: order, counts, exit codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transom.model.exits import Exit
from transom.model.findings import Finding, Judged, NotApplicable, Rule, Skipped
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.summary import Report

Build = Callable[..., Finding]
Gather = Callable[..., Report]


def test_findings_stand_worst_first_then_by_owner_then_by_place(gathered: Gather, finding: Build) -> None:
    expected = [finding("b"), finding("c"), finding("c", 9), finding("a", severity=Severity.LOW)]
    assert list(gathered(reversed(expected)).findings) == expected


def test_counts_name_every_severity(gathered: Gather, finding: Build) -> None:
    counts = gathered([finding(), finding(severity=Severity.LOW)]).by_severity
    assert list(counts.items()) == [
        (Severity.CRITICAL, 1),
        (Severity.HIGH, 0),
        (Severity.MEDIUM, 0),
        (Severity.LOW, 1),
        (Severity.INFO, 0),
    ]


def test_counts_of_one_rule_and_of_one_kind_of_thing_are_added(gathered: Gather) -> None:
    report = gathered([Judged("b", 1, 1), Judged("a", 2, 0), Judged("a", 3, 3), *[NotApplicable("x", 2)] * 2])
    assert report.judged == (Judged("a", 5, 3), Judged("b", 1, 1))
    assert report.not_applicable == {"x": 4}
    assert (report.verdicts, report.passed) == (6, 4)


def test_the_same_thing_skipped_twice_for_one_reason_counts_once(gathered: Gather) -> None:
    assert len(gathered([Skipped(file_ref("x"), "no"), Skipped(file_ref("x"), "no")]).skipped) == 1


def test_findings_below_the_threshold_end_well(gathered: Gather, finding: Build, rule: Rule) -> None:
    found = [finding(severity=Severity.MEDIUM), Judged(rule.id, 1, 0)]
    assert gathered(found).exit_code == Exit.CLEAN
    assert gathered(found, threshold=Severity.MEDIUM).exit_code == Exit.FINDINGS


def test_incomplete_outranks_findings_unless_it_was_allowed(gathered: Gather, finding: Build, rule: Rule) -> None:
    found: list[Any] = [finding(), Skipped(Ref(kind="Pod", name="x"), "no"), Judged(rule.id, 1, 0)]
    assert gathered(found).exit_code == Exit.INCOMPLETE
    allowed = gathered(found, allows=lambda _: True)
    assert (allowed.exit_code, allowed.complete, allowed.allowed_skips) == (Exit.FINDINGS, True, 1)


def test_nothing_judged_is_incomplete(gathered: Gather) -> None:
    assert gathered([]).exit_code == Exit.INCOMPLETE
    assert not gathered([]).complete


def test_known_findings_are_set_apart_and_fail_nothing(gathered: Gather, finding: Build, rule: Rule) -> None:
    known = frozenset({finding("old").fingerprint})
    report = gathered([finding("old"), Judged(rule.id, 1, 0)], known=known)
    assert (report.findings, report.suppressed, report.exit_code) == ((), 1, Exit.CLEAN)
    assert report.known == (finding("old"),)
