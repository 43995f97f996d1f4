"""JSON, JSONL and SARIF: valid, complete, the same bytes whatever order results came in."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.model.findings import Evidence, Finding, Judged, NotApplicable, Result, Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.formats import FORMATS, write
from transom.report.options import ReportOptions
from transom.report.summary import Report, gather

RULE = Rule("privileged-container", "Privileged container", Severity.CRITICAL, "why", "fix", "workloads")
WEB = Ref(group="apps", kind="Deployment", namespace="shop", name="web")
SARIF_SCHEMA = Path(__file__).with_name("sarif-2.1.0-subset.schema.json")


def finding(
    name: str = "web", line: int = 7, message: str = "a container runs privileged", container: str = "app"
) -> Finding:
    ref = Ref(group="apps", kind="Deployment", namespace="shop", name=name)
    place = Locator("deploy/web.yaml", line, 3, 40, 60, "spec.privileged")
    return Finding(
        RULE.id,
        ref,
        RULE.severity,
        message,
        (Evidence(place, "privileged: true", "false"),),
        RULE.title,
        container,
        container,
        ref,
        RULE.fix,
    )


def results() -> list[Result]:
    return [
        finding("web"),
        finding("api", line=0),
        Skipped(file_ref("broken.yaml"), "it is no YAML", "correct it", locator=Locator("broken.yaml", 3, 1)),
        Skipped(WEB, "it hangs on the requesting user", "", RULE.id),
        Judged(RULE.id, 5, 3),
        Judged(RULE.id, 2, 2),
        NotApplicable("documents that are no Kubernetes object", 4),
    ]


def report(found: Sequence[Result]) -> Report:
    return gather(found, rules={RULE.id: RULE}, targets=("deploy",), threshold=Severity.HIGH)


def written(name: str, found: Sequence[Result]) -> bytes:
    stream = io.BytesIO()
    write(name, report(found), stream, ReportOptions())
    return stream.getvalue()


@pytest.fixture(scope="module")
def line_schema(repository: Path) -> Any:
    return jsonschema.Draft202012Validator(
        json.loads((repository / "docs/schema/transom-report-jsonl.schema.json").read_text())
    )


@pytest.fixture(scope="module")
def document_schema(repository: Path) -> Any:
    return jsonschema.Draft202012Validator(
        json.loads((repository / "docs/schema/transom-report.schema.json").read_text())
    )


@pytest.fixture(scope="module")
def sarif_schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SARIF_SCHEMA.read_text()))


def test_every_line_of_jsonl_is_valid_and_the_summary_is_last(line_schema: Any) -> None:
    lines = [json.loads(line) for line in written("jsonl", results()).splitlines()]
    for line in lines:
        line_schema.validate(line)
    assert [line["type"] for line in lines] == ["finding", "finding", "skipped", "skipped", "judged", "summary"]
    assert (lines[-1]["judged"], lines[-1]["passed"], lines[-1]["exit_code"], lines[-1]["complete"]) == (7, 5, 3, False)


def test_json_is_one_valid_document(document_schema: Any) -> None:
    document = json.loads(written("json", results()))
    document_schema.validate(document)
    assert len(document["findings"]) == 2


def test_an_empty_report_is_valid_everywhere(line_schema: Any, document_schema: Any, sarif_schema: Any) -> None:
    line_schema.validate(json.loads(written("jsonl", [])))
    document_schema.validate(json.loads(written("json", [])))
    sarif_schema.validate(json.loads(written("sarif", [])))


def test_sarif_is_valid_and_says_what_was_skipped(sarif_schema: Any) -> None:
    log = json.loads(written("sarif", results()))
    sarif_schema.validate(log)
    (run,) = log["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 2
    assert [result["ruleId"] for result in run["results"]] == [RULE.id, RULE.id]
    assert all(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == RULE.id for result in run["results"])


def test_sarif_regions_name_line_and_bytes_and_unknown_lines_have_none() -> None:
    first, second = json.loads(written("sarif", results()))["runs"][0]["results"]
    places = [result["locations"][0]["physicalLocation"] for result in (first, second)]
    regions = sorted(place.get("region", {}).get("startLine", 0) for place in places)
    assert regions == [0, 7]
    assert places[0]["artifactLocation"]["uri"] == "deploy/web.yaml"


def test_sarif_fingerprints_are_the_findings_own() -> None:
    found = {
        result["partialFingerprints"]["transom/v1"]
        for result in json.loads(written("sarif", results()))["runs"][0]["results"]
    }
    assert found == {finding("web").fingerprint, finding("api").fingerprint}


@pytest.mark.parametrize("name", FORMATS)
def test_the_order_of_results_does_not_matter(name: str) -> None:
    assert written(name, results()) == written(name, list(reversed(results())))


HOSTILE = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["\x1b[2J", "\ud800", "a\u202eb", "\0", "x\ny", "名前"]
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_stays_valid_in_every_format(
    line_schema: Any, document_schema: Any, sarif_schema: Any, name: str, message: str, container: str
) -> None:
    found = [finding(name, 1, message, container), Skipped(Ref(kind="Pod", name=name), message or "why", container)]
    for line in written("jsonl", found).splitlines():
        line_schema.validate(json.loads(line))
    document_schema.validate(json.loads(written("json", found)))
    sarif_schema.validate(json.loads(written("sarif", found)))


@given(HOSTILE)
def test_the_table_lets_no_control_character_through(text: str) -> None:
    shown = written(
        "table", [finding(text, 1, text, text), Skipped(Ref(kind="Pod", name=text), text or "why", text)]
    ).decode()
    unwanted = {character for character in shown if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert unwanted <= {"\n"}
