"""The score: from 0 to 100, better with every verdict that passes, never best where something is open or unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from transom.model.findings import Accepted, Finding, Judged, Result, Rule, Skipped
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.score import CEILINGS, score, score_of_read

Build = Callable[..., Finding]
Gather = Callable[..., Any]

RULES = {severity.label: Rule(severity.label, severity.label, severity) for severity in Severity}
UNJUDGED = Skipped(Ref(kind="Pod", name="web"), "it hangs on something", "", "high")
SKIPPED = Skipped(file_ref("x.yaml"), "it is no YAML")
TALLIES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=5, max_size=5)


def judged(tallies: list[tuple[int, int]]) -> list[Result]:
    """One rule of each severity, with how many passed and how many failed."""
    return [Judged(rule, passed + failed, passed) for rule, (passed, failed) in zip(RULES, tallies, strict=True)]


def test_nothing_judged_has_no_score(gathered: Gather) -> None:
    assert score(gathered([SKIPPED])) is None


def test_all_windows_shut_score_100(gathered: Gather) -> None:
    assert score(gathered([Judged("high", 3, 3)], rules=RULES)) == 100


def test_what_could_not_be_read_scores_0_even_where_that_is_allowed(gathered: Gather) -> None:
    report = gathered([Judged("high", 3, 3), SKIPPED], rules=RULES, allows=lambda _: True)
    assert score(report) == 0
    assert score_of_read(report) == 99


def test_what_one_rule_could_not_judge_counts_as_a_finding_of_it(gathered: Gather, finding: Build) -> None:
    unjudged = gathered([Judged("high", 9, 9), UNJUDGED], rules=RULES)
    found = gathered([Judged("high", 10, 9), finding(severity=Severity.HIGH)], rules=RULES)
    assert score(unjudged) == score(found) == CEILINGS[Severity.HIGH] * 9 // 10


@given(TALLIES, TALLIES, st.lists(st.sampled_from([None, *Severity]), min_size=2, max_size=2))
def test_a_file_that_fails_to_parse_never_improves_it(
    gathered: Gather,
    finding: Build,
    rest: list[tuple[int, int]],
    lost: list[tuple[int, int]],
    worst: list[Severity | None],
) -> None:
    found_in_rest, found_in_lost = ([] if each is None else [finding(severity=each)] for each in worst)
    whole = score(gathered([*found_in_rest, *found_in_lost, *judged(rest), *judged(lost)], rules=RULES))
    unread = score(gathered([*found_in_rest, *judged(rest), SKIPPED], rules=RULES))
    assert unread is None or whole is None or unread <= whole


@given(TALLIES, st.sampled_from(Severity), st.booleans())
def test_a_thing_that_one_rule_could_not_judge_never_improves_it(
    gathered: Gather, finding: Build, rest: list[tuple[int, int]], severity: Severity, passes: bool
) -> None:
    found = [] if passes else [finding(severity=severity)]
    seen = score(gathered([*found, *judged(rest), Judged(severity.label, 1, int(passes))], rules=RULES))
    unseen = Skipped(Ref(kind="Pod", name="web"), "it hangs on something", "", severity.label)
    unjudged = score(gathered([*judged(rest), unseen], rules=RULES))
    assert seen is not None
    assert unjudged is None or unjudged <= seen


def test_one_critical_finding_among_a_thousand_verdicts_halves_the_score(gathered: Gather, finding: Build) -> None:
    found = [finding(severity=Severity.CRITICAL), Judged("critical", 1, 0), Judged("low", 100_000, 100_000)]
    assert score(gathered(found, rules=RULES)) == CEILINGS[Severity.CRITICAL] - 1


def test_a_known_finding_is_open_and_an_accepted_one_sets_no_ceiling(gathered: Gather, finding: Build) -> None:
    found = finding(severity=Severity.HIGH)
    passed = Judged("high", 9, 9)
    known = gathered([found, passed], rules=RULES, known=frozenset({found.fingerprint}))
    assert score(known) == CEILINGS[Severity.HIGH]
    assert score(gathered([Accepted(found, "why"), passed], rules=RULES)) == 100


@given(TALLIES, st.sampled_from(range(5)), st.sampled_from([None, *Severity]), st.booleans())
def test_a_verdict_that_passes_never_lowers_it_and_one_that_fails_never_raises_it(
    gathered: Gather,
    finding: Build,
    tallies: list[tuple[int, int]],
    which: int,
    worst: Severity | None,
    skipped: bool,
) -> None:
    others: list[Result] = [SKIPPED] * skipped + ([] if worst is None else [finding(severity=worst)])

    def scored(passed: int, failed: int) -> int | None:
        changed = list(tallies)
        changed[which] = (changed[which][0] + passed, changed[which][1] + failed)
        return score(gathered([*others, *judged(changed)], rules=RULES))

    before, better, worse = scored(0, 0), scored(1, 0), scored(0, 1)
    assert better is not None
    assert worse is not None
    assert 0 <= worse <= 100
    assert before is None or worse <= before <= better <= 100


@given(TALLIES)
def test_a_worse_finding_never_raises_it(gathered: Gather, finding: Build, tallies: list[tuple[int, int]]) -> None:
    counted = judged([(passed + 1, failed) for passed, failed in tallies])
    without = score(gathered(counted, rules=RULES))
    assert without is not None
    scores = [without]
    for each in Severity:
        reached = score(gathered([finding(severity=each), *counted], rules=RULES))
        assert reached is not None
        scores.append(reached)
    assert scores == sorted(scores, reverse=True)
