"""SARIF: what code scanning needs of it, and what the standard demands."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from transom.model.findings import Accepted, Evidence, Finding, Judged, Result, Rule, Skipped
from transom.model.patches import Edit, FilePatch
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report import sarif
from transom.report.options import ReportOptions

Build = Callable[..., Finding]
Write = Callable[..., bytes]


def run_of(text: bytes) -> dict[str, Any]:
    (run,) = json.loads(text)["runs"]
    assert isinstance(run, dict)
    return run


def place_of(result: dict[str, Any]) -> dict[str, Any]:
    place = result["locations"][0]["physicalLocation"]
    assert isinstance(place, dict)
    return place


def test_it_is_valid_and_says_what_was_skipped(
    validate_sarif: Callable[[Any], None], written: Write, results: list[Result], rule: Rule
) -> None:
    text = written("sarif", results)
    validate_sarif(json.loads(text))
    run = run_of(text)
    invocation = run["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 3)
    assert len(invocation["toolExecutionNotifications"]) == 2
    assert [result["ruleId"] for result in run["results"]] == [rule.id] * 3
    assert all(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == rule.id for result in run["results"])


def test_it_is_valid_by_the_schema_of_oasis(
    validate_by_oasis: Callable[[Any], None],
    written: Write,
    gathered: Callable[..., Any],
    results: list[Result],
    finding: Build,
) -> None:
    hostile = finding("\ud800\x1b", 1, "[x](https://example.org)\n", "a\u202eb", "a b%\udc80/名.yaml")
    everything = [*results, hostile, finding(file="", line=0), finding(rule="unheard-of")]
    validate_by_oasis(json.loads(written("sarif", everything)))
    validate_by_oasis(json.loads(written("sarif", gathered(everything, known=frozenset({hostile.fingerprint})))))
    validate_by_oasis(json.loads(written("sarif", [])))


def test_a_complete_scan_is_successful_whatever_it_found(written: Write, finding: Build, rule: Rule) -> None:
    invocation = run_of(written("sarif", [finding(), Judged(rule.id, 1, 0)]))["invocations"][0]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 1)


def test_regions_name_line_and_bytes_and_unknown_lines_have_none(written: Write, results: list[Result]) -> None:
    api, web, _ = map(place_of, run_of(written("sarif", results))["results"])
    assert "region" not in api
    assert web["region"] == {"startLine": 7, "startColumn": 3, "byteOffset": 40, "byteLength": 20}


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("deploy/web.yaml", "deploy/web.yaml"),
        ("./deploy/web.yaml", "deploy/web.yaml"),
        ("a b/100%/c#d?.yaml", "a%20b/100%25/c%23d%3F.yaml"),
        ("x:y.yaml", "x%3Ay.yaml"),
        ("/srv/web.yaml", "file:///srv/web.yaml"),
        ("名.yaml", "%E5%90%8D.yaml"),
        ("bytes\udcff.yaml", "bytes%FF.yaml"),
        ("-", "stdin"),
        ("", "shop/Deployment/web"),
    ],
)
def test_names_of_files_are_uris(file: str, uri: str, written: Write, finding: Build) -> None:
    (result,) = run_of(written("sarif", [finding(file=file)]))["results"]
    assert place_of(result)["artifactLocation"]["uri"] == uri


def test_fingerprints_are_the_findings_own(written: Write, results: list[Result], finding: Build) -> None:
    found = {result["partialFingerprints"]["transom/v1"] for result in run_of(written("sarif", results))["results"]}
    assert found == {finding(name).fingerprint for name in ("web", "api", "agent")}


def test_what_a_baseline_knows_is_suppressed(
    written: Write, gathered: Callable[..., Any], results: list[Result], finding: Build
) -> None:
    report = gathered(results, known=frozenset({finding("api").fingerprint}))
    web, api, _ = run_of(written("sarif", report))["results"]
    assert "suppressions" not in web
    assert [each["kind"] for each in api["suppressions"]] == ["external"]


def test_what_a_file_accepts_is_suppressed_in_its_source(written: Write, results: list[Result]) -> None:
    (suppression,) = run_of(written("sarif", results))["results"][-1]["suppressions"]
    assert (suppression["kind"], suppression["justification"]) == ("inSource", "it drives a device")
    assert suppression["location"]["physicalLocation"]["region"]["startLine"] == 5


def test_what_the_settings_accept_is_suppressed_from_outside_its_source(written: Write, finding: Build) -> None:
    accepted = Accepted(finding(), "until the rewrite", Locator("transom.yaml", 3, 1), in_source=False)
    (suppression,) = run_of(written("sarif", [accepted]))["results"][0]["suppressions"]
    assert suppression["kind"] == "external"
    assert suppression["location"]["physicalLocation"]["artifactLocation"]["uri"] == "transom.yaml"


def test_severities_become_levels_and_scores(written: Write, gathered: Callable[..., Any], finding: Build) -> None:
    rules = {severity.label: Rule(severity.label, "t", severity) for severity in Severity}
    found = [finding(rule=severity.label, severity=severity) for severity in Severity]
    run = run_of(written("sarif", gathered(found, rules=rules)))
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert levels == {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
    scores = {each["id"]: float(each["properties"]["security-severity"]) for each in run["tool"]["driver"]["rules"]}
    assert scores["critical"] >= 9.0 > scores["high"] >= 7.0 > scores["medium"] >= 4.0 > scores["low"] > 0


def test_a_name_cannot_become_a_link(written: Write, finding: Build) -> None:
    (result,) = run_of(written("sarif", [finding(message="[look](https://example.org)")]))["results"]
    assert "\\[look\\](https://example.org)" in result["message"]["text"]


def test_further_evidence_is_related(written: Write, finding: Build) -> None:
    further = Evidence(Locator("rbac.yaml", 4, 1), "verbs: [*]")
    (result,) = run_of(written("sarif", [finding(evidence=(*finding().evidence, further))]))["results"]
    (related,) = result["relatedLocations"]
    assert related["message"]["text"] == "verbs: [*]"
    assert related["physicalLocation"]["region"]["startLine"] == 4


def test_a_rule_that_could_not_judge_is_named(written: Write, rule: Rule) -> None:
    skipped = Skipped(Ref(kind="Pod", name="web"), "it hangs on the requesting user", "", rule.id)
    run = run_of(written("sarif", [skipped, Judged(rule.id, 1, 1)]))
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["associatedRule"] == {"id": rule.id, "index": 0}
    assert run["tool"]["driver"]["notifications"][notification["descriptor"]["index"]]["id"] == "skipped"


def test_texts_of_rules_follow_the_language(written: Write, gathered: Callable[..., Any], rule: Rule) -> None:
    chinese = Rule(rule.id, rule.title, rule.severity, texts={"zh-CN": {"title": "特权容器"}})
    report = gathered([Judged(rule.id, 1, 1)], rules={rule.id: chinese})
    (described,) = run_of(written("sarif", report, language="zh-CN"))["tool"]["driver"]["rules"]
    assert described["shortDescription"]["text"] == "特权容器"


def test_edits_that_mend_a_finding_are_its_fix_and_valid(
    validate_by_oasis: Callable[[Any], None], gathered: Callable[..., Any], finding: Build
) -> None:
    patch = FilePatch("deploy/web.yaml", "", (Edit(4, 8, "é".encode()),))
    stream = io.BytesIO()
    sarif.write(gathered([finding()]), stream, ReportOptions(fixes=lambda _: (patch,)))
    validate_by_oasis(json.loads(stream.getvalue()))
    (fix,) = run_of(stream.getvalue())["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["replacements"] == [
        {"deletedRegion": {"byteOffset": 4, "byteLength": 4}, "insertedContent": {"text": "é"}}
    ]
