"""Risk: from 0, nothing is open, to 100: how bad the worst open finding is, and how much of the rest is like it.

A finding weighs by its severity, more where its workload is reached from outside, and more where its workload holds
rights over the node or the cluster. What could not be read at all may hold the worst, so it counts as the worst: a file
that fails to parse never makes a report look better.
"""

from __future__ import annotations

from collections.abc import Iterator

from transom.model.findings import Finding
from transom.model.language import mark
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report.score import WEIGHTS, has_unread, weights
from transom.report.summary import Report, owner_of

WORST = 100
REACHED = 1.5
"""How much more a finding weighs in a workload that is reached from outside."""

POWERFUL = 1.5
"""How much more a finding weighs in a workload that has one of high severity or above about its privileges or rights."""

PRIVILEGE_WINDOWS = frozenset(("workloads", "identity"))

FORMULA = mark(
    "worst + (100 - worst) x share. A finding weighs as its severity does (critical {critical}, high {high}, medium "
    "{medium}, low {low}, info {info}), times {reached} where its workload is reached from outside, times {powerful} where "
    "its workload has a finding of high severity or above about privileges or rights. worst: the heaviest one, at most 100; "
    "share: the weight of what is open, of all that was judged. 100 where something could not be read at all."
)
"""The risk in words, to be filled with figures()."""


def risk(report: Report) -> int | None:
    """Return the risk, from 0 to 100, rounded up; None where nothing was judged and nothing was left unread.

    What a baseline knows is open all the same; what a file declares acceptable is not.
    """
    if has_unread(report):
        return WORST
    if not report.verdicts:
        return None
    heavy = list(_weighed(report))
    if not heavy:
        return 0
    worst = min(WORST, max(weight for weight, _ in heavy))
    passed, whole = weights(report)
    extra = sum(weight - plain for weight, plain in heavy)
    opened = min(sum(weight for weight, _ in heavy), whole - passed + extra)
    share = opened / (whole + extra) if whole else 1.0
    return min(WORST, -int(-(worst + (WORST - worst) * share) // 1))


def _weighed(report: Report) -> Iterator[tuple[float, int]]:
    """Yield for each rule and thing at fault what it weighs, and what it would weigh anywhere."""
    powerful = {owner_of(each) for each in (*report.findings, *report.known) if _tells_power(each, report)}
    seen: set[tuple[str, Ref]] = set()
    for finding in (*report.findings, *report.known):
        if (finding.rule, finding.ref) in seen:
            continue
        seen.add((finding.rule, finding.ref))
        owner = owner_of(finding)
        plain = WEIGHTS[finding.severity]
        yield plain * (REACHED if owner in report.exposed else 1) * (POWERFUL if owner in powerful else 1), plain


def _tells_power(finding: Finding, report: Report) -> bool:
    rule = report.rules.get(finding.rule)
    return finding.severity >= Severity.HIGH and rule is not None and rule.window in PRIVILEGE_WINDOWS


def figures() -> dict[str, float]:
    """Return the numbers that the formula names."""
    weighed: dict[str, float] = {severity.label: weight for severity, weight in WEIGHTS.items()}
    return weighed | {"reached": REACHED, "powerful": POWERFUL}
