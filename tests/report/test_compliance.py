"""Compliance: a control passes only where something was judged, nothing failed, and nothing was left unjudged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from transom.model.errors import UsageError
from transom.model.findings import Accepted, Finding, Judged, Result, Skipped
from transom.model.frameworks import Control, Framework
from transom.model.refs import Ref, file_ref
from transom.report.compliance import FAILED, NOT_APPLICABLE, PASSED, UNKNOWN, compliance
from transom.report.formats import write
from transom.report.options import ReportOptions
from transom.report.summary import Report

Build = Callable[..., Finding]
Gather = Callable[..., Report]
Write = Callable[..., bytes]
Validate = Callable[[Any], None]

HOUSE = Framework(
    "house",
    "House rules",
    "1",
    "https://example.com/",
    (
        Control("1.1", "Shut", ("a", "b")),
        Control("1.2", "Locked", ("c",)),
        Control("1.3", "Guarded", (), "Guards stand in no object."),
    ),
)
UNREAD = Skipped(file_ref("broken.yaml"), "it is no YAML", "correct it")
UNJUDGED = Skipped(Ref(kind="Pod", name="web"), "it hangs on the requesting user", "", "c")
ALL_GOOD: list[Result] = [Judged("a", 2, 2), Judged("b", 0, 0), Judged("c", 1, 1)]
TALLY = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (pair[0] + pair[1], pair[0]))


@pytest.fixture
def made(gathered: Gather) -> Callable[..., Report]:
    def make(results: list[Result], framework: Framework = HOUSE) -> Report:
        return replace(gathered(results), framework=framework)

    return make


def states(report: Report) -> list[str]:
    reached = compliance(report)
    assert reached is not None
    return [result.state for result in reached.results]


def percent(report: Report) -> int | None:
    reached = compliance(report)
    assert reached is not None
    return reached.percent


def test_a_report_for_no_framework_has_no_compliance(gathered: Gather) -> None:
    assert compliance(gathered(ALL_GOOD)) is None


def test_a_control_passes_where_all_was_judged_and_passed(made: Any) -> None:
    assert states(made(ALL_GOOD)) == [PASSED, PASSED, UNKNOWN]


def test_what_no_object_decides_keeps_the_percentage_below_100(made: Any) -> None:
    assert percent(made(ALL_GOOD)) == 66


def test_a_verdict_that_did_not_pass_fails_its_control(made: Any) -> None:
    assert states(made([*ALL_GOOD, Judged("b", 1, 0)]))[0] == FAILED


def test_what_is_accepted_fails_its_control_all_the_same(made: Any, finding: Build) -> None:
    assert states(made([*ALL_GOOD, Judged("b", 1, 0), Accepted(finding(rule="b"), "why")]))[0] == FAILED


def test_a_control_with_nothing_to_judge_is_not_applicable(made: Any) -> None:
    assert states(made([Judged("a", 0, 0), Judged("b", 0, 0), Judged("c", 1, 1)]))[0] == NOT_APPLICABLE


def test_a_rule_that_could_not_judge_something_makes_its_control_unknown(made: Any) -> None:
    assert states(made([*ALL_GOOD, UNJUDGED])) == [PASSED, UNKNOWN, UNKNOWN]


def test_what_could_not_be_read_makes_every_control_unknown_that_did_not_fail(made: Any) -> None:
    assert states(made([*ALL_GOOD, Judged("b", 1, 0), UNREAD])) == [FAILED, UNKNOWN, UNKNOWN]


def test_a_rule_that_was_not_asked_for_makes_its_control_unknown(made: Any) -> None:
    assert states(made([Judged("a", 2, 2), Judged("b", 0, 0)])) == [PASSED, UNKNOWN, UNKNOWN]


def test_nothing_applicable_has_no_percentage(made: Any) -> None:
    report = made([Judged("c", 0, 0)], replace(HOUSE, controls=HOUSE.controls[1:2]))
    assert percent(report) is None


@given(st.lists(TALLY, min_size=3, max_size=3), st.lists(TALLY, min_size=3, max_size=3))
def test_a_file_that_fails_to_parse_never_improves_the_percentage(
    gathered: Gather, whole: list[tuple[int, int]], lost: list[tuple[int, int]]
) -> None:
    """Whatever the file would have added to each rule's verdicts."""
    rest = [Judged(rule, *tally) for rule, tally in zip("abc", whole, strict=True)]
    with_it = [*rest, *(Judged(rule, *tally) for rule, tally in zip("abc", lost, strict=True))]
    read = percent(replace(gathered(with_it), framework=HOUSE))
    unread = percent(replace(gathered([*rest, UNREAD]), framework=HOUSE))
    assert read is not None
    assert unread is not None
    assert unread <= read


@pytest.mark.parametrize("skipped", [UNREAD, UNJUDGED], ids=["unread", "unjudged"])
def test_never_100_where_something_was_not_judged(made: Any, skipped: Skipped) -> None:
    decided = replace(HOUSE, controls=HOUSE.controls[:2])
    assert percent(made(ALL_GOOD, decided)) == 100
    assert percent(made([*ALL_GOOD, skipped], decided)) < 100


def test_json_and_jsonl_tell_the_controls(
    made: Any, written: Write, validate_document: Validate, validate_line: Validate
) -> None:
    report = made([*ALL_GOOD, Judged("b", 1, 0)])
    document = json.loads(written("json", report))
    validate_document(document)
    lines = [json.loads(line) for line in written("jsonl", report).splitlines()]
    for line in lines:
        validate_line(line)
    assert [line for line in lines if line["type"] == "control"] == document["controls"]
    assert document["compliance"]["controls"] == {"failed": 1, "unknown": 1, "passed": 1, "not_applicable": 0}
    assert document["controls"][0]["failing"] == ["b"]
    assert document["controls"][2]["undecided"] == "Guards stand in no object."


def test_the_table_shows_the_worst_controls_first_instead_of_findings(
    made: Any, written: Write, finding: Build
) -> None:
    shown = written("table", made([*ALL_GOOD, Judged("b", 1, 0), finding(rule="b")])).decode()
    assert shown.index("1.1") < shown.index("1.3") < shown.index("1.2")
    assert "33%" in shown
    assert "Guards stand in no object." in shown
    assert "deploy/web.yaml" not in shown


def test_csv_has_a_row_for_each_control(made: Any, written: Write) -> None:
    rows = list(csv.DictReader(io.StringIO(written("csv", made(ALL_GOOD)).decode())))
    assert [(row["control"], row["state"]) for row in rows] == [("1.1", PASSED), ("1.2", PASSED), ("1.3", UNKNOWN)]


def test_junit_has_a_case_for_each_control_and_skips_what_is_unknown(made: Any, written: Write) -> None:
    root = ElementTree.fromstring(written("junit", made([*ALL_GOOD, Judged("b", 1, 0)])))
    (suite,) = [each for each in root if each.get("name") == "House rules 1"]
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["skipped"]]


def test_markdown_and_html_tell_the_percentage_and_its_formula(made: Any, written: Write) -> None:
    for name in ("markdown", "html"):
        shown = written(name, made(ALL_GOOD)).decode()
        assert "66%" in shown
        assert "passed / (passed + failed + unknown)" in shown


def test_hostile_titles_stay_text_in_html(made: Any, written: Write) -> None:
    control = Control("1.1", "<script>alert(1)</script>", ("a",))
    assert "<script>alert" not in written("html", made(ALL_GOOD, replace(HOUSE, controls=(control,)))).decode()


def test_oscal_needs_a_framework(gathered: Gather) -> None:
    with pytest.raises(UsageError, match="framework"):
        write("oscal", gathered(ALL_GOOD), io.BytesIO(), ReportOptions())
