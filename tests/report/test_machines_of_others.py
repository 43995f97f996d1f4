"""JUnit, Markdown, CSV, GitLab and GitHub: what each of them is read for is there, and nothing is left untold."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from transom.model.findings import Accepted, Finding, Judged, Result, Rule
from transom.model.severity import Severity
from transom.report.markdown import MAX_CHARS, code
from transom.report.spreadsheet import cell

Build = Callable[..., Finding]
Write = Callable[..., bytes]
Gather = Callable[..., Any]

EVERY_SEVERITY = ["critical", "high", "medium", "low", "info"]


@pytest.fixture
def everything(gathered: Gather, results: list[Result], finding: Build) -> Any:
    """Two findings, one known, one accepted, two skipped, one rule that passed."""
    known = finding("known")
    passed = [Judged("host-pid", 4, 4), known]
    return gathered([*results, *passed], known=frozenset({known.fingerprint}))


def test_junit_counts_what_it_holds(written: Write, everything: Any) -> None:
    root = ElementTree.fromstring(written("junit", everything))
    for each in (root, *root.iter("testsuite")):
        cases = list(each.iter("testcase"))
        assert int(each.get("tests", "")) == len(cases)
        assert int(each.get("failures", "")) == sum(case.find("failure") is not None for case in cases)
        assert int(each.get("skipped", "")) == sum(case.find("skipped") is not None for case in cases)
    assert (root.get("failures"), root.get("skipped"), root.get("tests")) == ("2", "4", "7")


def test_junit_tells_why_a_case_was_skipped(written: Write, everything: Any) -> None:
    root = ElementTree.fromstring(written("junit", everything))
    told = sorted(each.get("message", "") for each in root.iter("skipped"))
    assert told == [
        "accepted: it drives a device",
        "known from the baseline",
        "not judged: it hangs on the requesting user",
        "not judged: it is no YAML; correct it",
    ]


def test_junit_has_a_suite_for_each_window_and_a_case_for_a_rule_that_passed(written: Write, everything: Any) -> None:
    root = ElementTree.fromstring(written("junit", everything))
    assert [each.get("name") for each in root] == ["transom", "workloads"]
    assert root.find("testsuite/testcase[@classname='host-pid'][@name='passed: 4 of 4']") is not None


def test_markdown_of_many_findings_fits_a_comment_and_counts_the_rest(
    written: Write, gathered: Gather, finding: Build
) -> None:
    found = [finding(f"name-{number}" * 9, message="x" * 500) for number in range(3_000)]
    text = written("markdown", found).decode()
    assert len(text) <= MAX_CHARS
    listed = text.count("\n- **critical**")
    left = re.search(r"and ([\d,]+) more", text)
    assert left is not None
    assert listed + int(left[1].replace(",", "")) == len(found)
    assert text.count("<details>") == text.count("</details>")


def test_markdown_tells_of_everything(written: Write, everything: Any) -> None:
    text = written("markdown", everything).decode()
    assert "Score: " in text
    assert "Not judged: 2 · Accepted: 1 · Known from the baseline: 1 · Exit code 3" in text
    assert "`broken.yaml:3` `it is no YAML` → `correct it`" in text
    assert "`it drives a device`" in text


def test_markdown_of_nothing_says_whether_all_was_judged(written: Write) -> None:
    assert "Nothing was found.\n" in written("markdown", [Judged("r", 1, 1)]).decode()
    assert "the scan is incomplete" in written("markdown", []).decode()


@pytest.mark.parametrize(
    ("text", "span"), [("a", "`a`"), ("a`b``c", "```a`b``c```"), ("`a", "`` `a ``"), ("", "`-`"), (" ", "`   `")]
)
def test_a_code_span_is_fenced_by_more_backticks_than_it_holds(text: str, span: str) -> None:
    assert code(text) == span


def test_csv_has_a_row_for_everything(written: Write, everything: Any) -> None:
    raw = written("csv", everything)
    rows = list(csv.DictReader(io.StringIO(raw.decode(), newline="")))
    assert [row["status"] for row in rows] == ["open", "open", "known", "accepted", "skipped", "skipped"]
    assert rows[3]["reason"] == "it drives a device"
    assert raw.count(b"\r\n") == raw.count(b"\n") == len(rows) + 1


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert cell(text).startswith("'")


def test_gitlab_code_quality_has_what_gitlab_asks_for(written: Write, everything: Any) -> None:
    issues = json.loads(written("gitlab-codequality", everything))
    assert len(issues) == 4
    for issue in issues:
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["description"]
        assert issue["check_name"]
        assert issue["location"]["path"]
        assert issue["location"]["lines"]["begin"] >= 1


@pytest.mark.parametrize("name", ["gitlab-codequality", "gitlab-sast"])
def test_gitlab_is_told_of_one_thing_in_two_files_twice(name: str, written: Write, finding: Build) -> None:
    told = json.loads(written(name, [finding(), finding(file="other.yaml"), finding(line=9)]))
    ids = [
        each.get("fingerprint") or each["id"]
        for each in (told if name == "gitlab-codequality" else told["vulnerabilities"])
    ]
    assert len(set(ids)) == 3
    moved = json.loads(written(name, [finding(line=99)]))
    again = [
        each.get("fingerprint") or each["id"]
        for each in (moved if name == "gitlab-codequality" else moved["vulnerabilities"])
    ]
    assert set(again) < set(ids)


def test_gitlab_sast_has_what_its_schema_requires(written: Write, everything: Any) -> None:
    report = json.loads(written("gitlab-sast", everything, made_at="2026-01-31T12:00:00"))
    scan = report["scan"]
    assert report["version"].startswith("15.")
    assert (scan["type"], scan["status"]) == ("sast", "failure")
    assert scan["start_time"] == scan["end_time"] == "2026-01-31T12:00:00"
    assert all(scan[tool][key] for tool in ("analyzer", "scanner") for key in ("id", "name", "version", "vendor"))
    assert [message["level"] for message in scan["messages"]] == ["warn", "warn", "info", "info"]
    for each in report["vulnerabilities"]:
        assert each["severity"] in ("Info", "Unknown", "Low", "Medium", "High", "Critical")
        assert all(each["identifiers"][0][key] for key in ("type", "name", "value"))
        assert each["location"]["file"]


def test_gitlab_sast_without_a_time_is_the_same_each_time(written: Write, everything: Any) -> None:
    assert json.loads(written("gitlab-sast", everything))["scan"]["start_time"] == "1970-01-01T00:00:00"


def test_github_levels_follow_severity(written: Write, finding: Build) -> None:
    found = [finding(severity=severity) for severity in reversed(Severity)]
    levels = [line.split(" ")[0].strip(":") for line in written("github", found).decode().splitlines()]
    assert levels == ["error", "error", "warning", "notice", "notice"]


def test_github_is_told_of_everything(written: Write, everything: Any) -> None:
    lines = written("github", everything).decode().splitlines()
    assert lines[1].startswith(
        "::error file=deploy/web.yaml,line=7,col=3,title=Privileged container (privileged-container)::"
    )
    assert "::error file=broken.yaml,line=3,col=1,title=Not judged::broken.yaml: it is no YAML; correct it" in lines
    assert lines[-2:] == ["::notice title=Transom::Accepted: 1", "::notice title=Transom::Known from the baseline: 1"]


def test_github_escapes_as_its_runner_decodes(written: Write, finding: Build) -> None:
    line = written("github", [finding(file="a,b:c%.yaml", message="100%")]).decode()
    assert "file=a%2Cb%3Ac%25.yaml," in line
    assert "100%25" in line


@pytest.mark.parametrize("name", ["junit", "markdown", "csv", "gitlab-codequality", "gitlab-sast", "github", "html"])
def test_titles_follow_the_language(name: str, written: Write, gathered: Gather, finding: Build) -> None:
    rule = Rule("r", "Title", Severity.HIGH, "why", "fix", "workloads", {"zh-CN": {"title": "标题", "fix": "办法"}})
    report = gathered([finding(rule="r", title="Title"), Accepted(finding("b"), "x")], rules={"r": rule})
    text = written(name, report, language="zh-CN").decode()
    assert ("标题" if name != "junit" else "已接受") in text
