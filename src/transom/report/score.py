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

FORMULA = mark(
    "The share of verdicts that passed, each weighing as much as its rule (critical {critical}, high {high}, medium "
    "{medium}, low {low}, info {info}), times a ceiling set by the worst finding that is open, accepted ones aside "
    "(critical {critical_ceiling}, high {high_ceiling}, medium {medium_ceiling}, low {low_ceiling}, info "
    "{info_ceiling}, none 100), rounded down; never 100 where something was skipped."
)
"""The score in one sentence, to be filled with figures()."""


def score(report: Report) -> int | None:
    """Return the score, from 0 to 100; None where nothing was judged.

    More verdicts that pass never lower it, more that fail never raise it. What a baseline knows is open all the same.
    """
    passed, whole = weights(report)
    return ceiling(report) * passed // whole if whole else None


def weights(report: Report) -> tuple[int, int]:
    """Return the weight of the verdicts that passed, and that of all."""
    passed = whole = 0
    for each in report.judged:
        rule = report.rules.get(each.rule)
        weight = WEIGHTS[rule.severity if rule else Severity.MEDIUM]
        passed += each.passed * weight
        whole += each.judged * weight
    return passed, whole


def ceiling(report: Report) -> int:
    """Return the best score that the worst open finding and what was skipped allow."""
    worst = max((finding.severity for finding in (*report.findings, *report.known)), default=None)
    best = BEST if worst is None else CEILINGS[worst]
    return min(best, BEST_UNSEEN) if report.skipped else best


def figures() -> dict[str, int]:
    """Return the numbers that the formula names."""
    weighed = {severity.label: weight for severity, weight in WEIGHTS.items()}
    return weighed | {f"{severity.label}_ceiling": best for severity, best in CEILINGS.items()}
