"""Risk: from 0 to 100; worse with every finding, worst where something could not be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from transom.model.findings import Accepted, Finding, Judged, Result, Rule, Skipped
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.risk import FORMULA, figures, risk

Build = Callable[..., Finding]
Gather = Callable[..., Any]

RULES = {severity.label: Rule(severity.label, severity.label, severity, window="workloads") for severity in Severity}
UNREAD = Skipped(file_ref("broken.yaml"), "it is no YAML")
UNJUDGED = Skipped(Ref(kind="Pod", name="web"), "it hangs on something", "", "high")
FAULTS = st.lists(st.tuples(st.sampled_from(list(Severity)), st.integers(0, 5)), max_size=8)


def _results(finding: Build, faults: list[tuple[Severity, int]]) -> list[Result]:
    """A finding and its verdict for each, of things named by their numbers; and a verdict that passed."""
    made: list[Result] = [Judged("medium", 1, 1)]
    for severity, number in dict.fromkeys(faults):
        made += [finding(f"web-{number}", severity=severity, rule=severity.label), Judged(severity.label, 1, 0)]
    return made


def test_nothing_judged_has_no_risk(gathered: Gather) -> None:
    assert risk(gathered([])) is None


def test_nothing_open_is_no_risk(gathered: Gather) -> None:
    assert risk(gathered([Judged("high", 3, 3)], rules=RULES)) == 0


def test_what_could_not_be_read_counts_as_the_worst(gathered: Gather) -> None:
    assert risk(gathered([Judged("high", 3, 3), UNREAD], rules=RULES)) == 100


@given(FAULTS, FAULTS)
def test_a_file_that_fails_to_parse_never_improves_it(
    gathered: Gather, finding: Build, rest: list[tuple[Severity, int]], lost: list[tuple[Severity, int]]
) -> None:
    read = risk(gathered(_results(finding, rest + lost), rules=RULES))
    unread = risk(gathered([*_results(finding, rest), UNREAD], rules=RULES))
    assert read is not None
    assert unread is not None
    assert unread >= read


@given(FAULTS, st.sampled_from(list(Severity)))
def test_one_more_finding_never_lowers_it(
    gathered: Gather, finding: Build, faults: list[tuple[Severity, int]], severity: Severity
) -> None:
    before = risk(gathered(_results(finding, faults), rules=RULES))
    after = risk(gathered(_results(finding, [*faults, (severity, 9)]), rules=RULES))
    assert before is not None
    assert after is not None
    assert 0 <= before <= after <= 100


def test_it_is_higher_where_the_workload_is_reached_from_outside(gathered: Gather, finding: Build) -> None:
    found = finding(severity=Severity.MEDIUM, rule="medium")
    report = gathered([found, Judged("medium", 9, 8)], rules=RULES)
    assert found.owner is not None
    assert risk(replace(report, exposed=frozenset({found.owner}))) > (risk(report) or 0)


def test_it_is_higher_where_the_workload_holds_privileges(gathered: Gather, finding: Build) -> None:
    verdicts = [Judged("medium", 9, 8), Judged("high", 9, 8)]
    powers = finding("web", severity=Severity.HIGH, rule="high")
    together = [*verdicts, finding("web", severity=Severity.MEDIUM, rule="medium"), powers]
    apart = [*verdicts, finding("api", severity=Severity.MEDIUM, rule="medium"), powers]
    assert risk(gathered(together, rules=RULES)) > risk(gathered(apart, rules=RULES))


def test_what_a_file_accepts_is_no_risk_and_what_a_baseline_knows_is(gathered: Gather, finding: Build) -> None:
    found = finding(severity=Severity.HIGH, rule="high")
    verdicts = [Judged("high", 9, 8)]
    assert risk(gathered([Accepted(found, "why"), *verdicts], rules=RULES)) == 0
    known = gathered([found, *verdicts], rules=RULES, known=frozenset({found.fingerprint}))
    assert risk(known) == risk(gathered([found, *verdicts], rules=RULES)) != 0


def test_a_rule_that_could_not_judge_one_thing_is_no_unread_thing(gathered: Gather) -> None:
    assert risk(gathered([Judged("high", 3, 3), UNJUDGED], rules=RULES)) == 0


@pytest.mark.parametrize("name", ["critical", "reached", "powerful"])
def test_the_formula_names_its_figures(name: str) -> None:
    assert f"{{{name}}}" in FORMULA
    assert FORMULA.format(**figures())
