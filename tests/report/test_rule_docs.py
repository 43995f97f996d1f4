"""Rules as pages of Markdown."""

from __future__ import annotations

from msgspec.structs import replace

from transom.model.findings import Rule
from transom.model.severity import Severity
from transom.report.rule_docs import RulePage, index_markdown, rule_markdown

RULE = Rule(
    id="host-pid",
    title="Process namespace of the node",
    severity=Severity.HIGH,
    why="The pod sees every process.",
    fix="Remove hostPID.",
    window="workloads",
    texts={"zh-CN": {"title": "共享", "why": "能看到。", "fix": "去掉。"}},
)


def test_a_page_begins_with_the_title_and_what_the_rule_is() -> None:
    lines = rule_markdown(RulePage(RULE)).splitlines()
    assert lines[2] == "# Process namespace of the node"
    assert lines[4] == "`host-pid` · high · workloads"


def test_what_there_is_nothing_to_tell_of_has_no_heading() -> None:
    page = rule_markdown(RulePage(RULE))
    assert "## Bad" not in page
    assert "## Parameters" not in page
    assert "## Controls" not in page


def test_parameters_are_shown_as_settings_that_can_be_copied() -> None:
    page = rule_markdown(RulePage(RULE, parameters=[("minimum", "10", "The least.")]))
    assert 'parameters:\n  host-pid:\n    # The least.\n    minimum: "10"\n' in page


def test_a_value_of_a_parameter_is_quoted_whole() -> None:
    page = rule_markdown(RulePage(RULE, parameters=[("text", 'a"b\\c\nd', "")]))
    assert r'text: "a\"b\\c\nd"' in page


def test_controls_are_a_table() -> None:
    page = rule_markdown(RulePage(RULE, controls=[("House rules 1", "A.1", "No host")]))
    assert "| House rules 1 | A.1 | No host |" in page


def test_a_fence_is_longer_than_the_backticks_in_the_code() -> None:
    page = rule_markdown(RulePage(RULE, bad="a: |\n  ````\n  # out\n"))
    assert "`````yaml\na: |\n  ````\n  # out\n`````" in page


def test_hostile_texts_change_nothing_but_their_own_place() -> None:
    hostile = replace(RULE, title="a | b\n# c <script>", why="[x](javascript:1) `y`")
    page = rule_markdown(RulePage(hostile))
    assert "# a \\| b # c \\<script\\>" in page
    assert "\\[x\\](javascript:1) \\`y\\`" in page


def test_a_rule_without_chinese_texts_has_no_chinese_section() -> None:
    assert "修复" not in rule_markdown(RulePage(replace(RULE, texts={})))


def test_the_index_lists_windows_and_in_them_the_worst_first() -> None:
    low = replace(RULE, id="a-low", severity=Severity.LOW)
    other = replace(RULE, id="b-net", window="network")
    index = index_markdown([RulePage(low), RulePage(RULE), RulePage(other)])
    places = [
        index.index(text) for text in ("## network", "[b-net](b-net.md)", "## workloads", "[host-pid]", "[a-low]")
    ]
    assert places == sorted(places)
    assert "3 rules." in index
