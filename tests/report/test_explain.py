"""Pages of one rule and of one finding."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from wcwidth import wcswidth

from transom.model.findings import Finding, Rule
from transom.model.severity import Severity
from transom.report.explain import finding_page, rule_page
from transom.report.options import ReportOptions

CHINESE = {"zh-CN": {"title": "特权容器", "why": "特权容器拥有全部能力和节点上的所有设备；控制它就等于控制节点。"}}
WORDY = Rule(
    "privileged-container", "Privileged container", Severity.CRITICAL, "It has all. " * 20, "Remove it.", "w", CHINESE
)
SOURCE = [f"line {number}" for number in range(1, 21)]


def page(rule: Rule, **options: object) -> str:
    return "\n".join(rule_page(rule, ReportOptions(**options)))  # type: ignore[arg-type]


def test_a_rules_page_tells_what_why_and_how_to_mend_it() -> None:
    shown = page(WORDY)
    for text in ("Privileged container", "privileged-container: CRITICAL", "Why\n  It has all.", "Fix\n  Remove it."):
        assert text in shown


def test_a_rules_page_shows_controls_and_examples_where_there_are_any() -> None:
    options = ReportOptions()
    shown = "\n".join(
        rule_page(WORDY, options, [("m", "a &&\n\tb")], controls={"CIS": ["5.2.1", "5.2.2"]}, good="a: 1", bad="a: 2")
    )
    assert "Controls\n  CIS: 5.2.1, 5.2.2" in shown
    assert "What is judged (CEL)\n  m\n    a &&\n        b" in shown
    assert "Bad\n    a: 2\n\nGood\n    a: 1" in shown
    assert "Controls" not in page(WORDY)


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_no_line_is_wider_than_the_terminal(width: int, language: str, finding: Callable[..., Finding]) -> None:
    options = ReportOptions(width=max(width, 50), language=language)
    wide = "名" * 40
    shown = [
        *rule_page(WORDY, options, [("m", "x" * 200)]),
        *finding_page(finding(message=wide), WORDY, options, SOURCE),
    ]
    assert all(wcswidth(line) <= options.width for line in shown)


def test_a_findings_page_marks_its_line_in_the_source(finding: Callable[..., Finding]) -> None:
    shown = list(finding_page(finding(line=7), WORDY, ReportOptions(), SOURCE))
    assert [line for line in shown if " | line" in line] == [
        "   4 | line 4",
        "   5 | line 5",
        "   6 | line 6",
        ">  7 | line 7",
        "   8 | line 8",
        "   9 | line 9",
        "  10 | line 10",
    ]


@pytest.mark.parametrize("line", [0, 21])
def test_a_line_that_the_source_has_not_shows_no_excerpt(line: int, finding: Callable[..., Finding]) -> None:
    assert " | line" not in "\n".join(finding_page(finding(line=line), None, ReportOptions(), SOURCE))


def test_a_findings_page_tells_what_was_seen_and_expected(finding: Callable[..., Finding]) -> None:
    shown = "\n".join(finding_page(finding(), None, ReportOptions()))
    for text in ("shop/Deployment/web", "container app", "seen:     privileged: true", "expected: false"):
        assert text in shown
    assert finding().fingerprint in shown


def test_pages_obey_no_hostile_text(finding: Callable[..., Finding]) -> None:
    evil = "a\x1b[2J\u202eb"
    rule = Rule(evil, evil, Severity.LOW, evil, evil, evil)
    options = ReportOptions(colour=False, unicode=False)
    shown = [*rule_page(rule, options), *finding_page(finding(evil, 1, evil, evil, evil), rule, options, [evil])]
    assert all(line.isascii() and line.isprintable() for line in shown)
