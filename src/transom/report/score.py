"""One number for a whole report: from 0, every window open, to 100, every window shut."""

from __future__ import annotations

from transom.model.language import mark
from transom.model.severity import Severity
from transom.report.summary import Report

WEIGHTS = {
    Severity.CRITICAL: 40,
    Severity.HIGH: 15,
    Severity.MEDIUM: 5,
    Severity.LOW: 2,
    Severity.INFO: 1,
}
"""What one verdict of a rule weighs: a critical one as much as eight of medium severity."""

CEILINGS = {
    Severity.CRITICAL: 50,
    Severity.HIGH: 75,
    Severity.MEDIUM: 90,
    Severity.LOW: 98,
    Severity.INFO: 99,
}
"""The best score beside an open finding, so that one open door is never lost among a thousand shut windows."""

BEST = 100
BEST_UNSEEN = 99  # where something was skipped: what nobody looked at is not shut
UNREAD = 0  # what could not be read may hold any number of critical faults

FORMULA = mark(
    "The share of verdicts that passed, each weighing as much as its rule (critical {critical}, high {high}, medium "
    "{medium}, low {low}, info {info}), times a ceiling set by the worst finding that is open, accepted ones aside "
    "(critical {critical_ceiling}, high {high_ceiling}, medium {medium_ceiling}, low {low_ceiling}, info "
    "{info_ceiling}, none 100), rounded down. What a rule could not judge counts as a finding of it; never 100 where "
    "something was skipped, and 0 where something could not be read at all, which may hold anything."
)
"""The score in one sentence, to be filled with figures()."""


def score(report: Report) -> int | None:
    """Return the score, from 0 to 100; None where nothing was judged.

    More verdicts that pass never lower it, more that fail never raise it; nor does anything that could not be read, or
    not judged: it counts as if it were as bad as it may be. What a baseline knows is open all the same.
    """
    reached = score_of_read(report)
    return UNREAD if reached is not None and has_unread(report) else reached


def score_of_read(report: Report) -> int | None:
    """Return what the score would be if there were no more than what was read; None where nothing was judged."""
    if not report.verdicts:
        return None
    passed, whole = weights(report)
    whole += unjudged_weight(report)
    return ceiling(report) * passed // whole


def has_unread(report: Report) -> bool:
    """Tell whether something was skipped by all rules, because it could not be read."""
    return any(not skipped.rule for skipped in report.skipped)


def weights(report: Report) -> tuple[int, int]:
    """Return the weight of the verdicts that passed, and that of all."""
    passed = whole = 0
    for each in report.judged:
        weight = WEIGHTS[_severity(report, each.rule)]
        passed += each.passed * weight
        whole += each.judged * weight
    return passed, whole


def unjudged_weight(report: Report) -> int:
    """Return what the verdicts weigh that single rules could not reach."""
    return sum(WEIGHTS[_severity(report, skipped.rule)] for skipped in report.skipped if skipped.rule)


def ceiling(report: Report) -> int:
    """Return the best score that the worst open finding and what was skipped allow."""
    found = [finding.severity for finding in (*report.findings, *report.known)]
    unjudged = [_severity(report, skipped.rule) for skipped in report.skipped if skipped.rule]
    worst = max((*found, *unjudged), default=None)
    best = BEST if worst is None else CEILINGS[worst]
    return min(best, BEST_UNSEEN) if report.skipped else best


def _severity(report: Report, name: str) -> Severity:
    rule = report.rules.get(name)
    return rule.severity if rule else Severity.MEDIUM


def figures() -> dict[str, int]:
    """Return the numbers that the formula names."""
    weighed = {severity.label: weight for severity, weight in WEIGHTS.items()}
    return weighed | {f"{severity.label}_ceiling": best for severity, best in CEILINGS.items()}
