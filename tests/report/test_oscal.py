"""OSCAL assessment results: valid for NIST's model, and never satisfied where nobody has seen it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from transom.model.findings import Accepted, Finding, Judged, Result, Skipped
from transom.model.frameworks import Control, Framework
from transom.model.refs import file_ref
from transom.report.summary import Report

Build = Callable[..., Finding]
Gather = Callable[..., Report]
Write = Callable[..., bytes]

HOUSE = Framework(
    "house",
    "House rules",
    "1",
    "https://example.com/",
    (
        Control("1.1", "Shut", ("a",)),
        Control("pods/1.2", "Locked", ("b",)),
        Control("1.3", "Guarded", (), "Guards stand in no object."),
        Control("1.4", "Lit", ("c",)),
    ),
)


@pytest.fixture(scope="module")
def validate() -> Callable[[Any], None]:
    """The model of NIST as compliance-trestle has it, where that is installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pytest.importorskip("trestle.oscal.assessment_results", reason="compliance-trestle is not installed")

    def check(document: Any) -> None:
        model.Model(**document)

    return check


@pytest.fixture
def document(gathered: Gather, written: Write, finding: Build) -> dict[str, Any]:
    results: list[Result] = [
        *(Judged("a", 3, 1), Judged("b", 2, 2), Judged("c", 0, 0)),
        *(finding(rule="a"), Accepted(finding("api", rule="a", message="bell \x07 \ud800"), "it must")),
    ]
    report = replace(gathered(results), framework=HOUSE)
    made: dict[str, Any] = json.loads(written("oscal", report, made_at="2026-01-31T12:00:00"))
    return made


def found(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (result,) = document["assessment-results"]["results"]
    return {each["target"]["target-id"]: each for each in result["findings"]}


def test_the_model_takes_it(document: dict[str, Any], validate: Callable[[Any], None]) -> None:
    validate(document)


def test_the_model_takes_a_scan_that_judged_nothing(
    gathered: Gather, written: Write, validate: Callable[[Any], None]
) -> None:
    report = replace(gathered([Skipped(file_ref("x.yaml"), "it is no YAML")]), framework=HOUSE)
    made = json.loads(written("oscal", report))
    validate(made)
    assert {each["target"]["status"]["state"] for each in found(made).values()} == {"not-satisfied"}


def test_passed_is_satisfied_failed_is_not_and_neither_is_what_is_unknown(document: dict[str, Any]) -> None:
    status = {name: each["target"]["status"] for name, each in found(document).items()}
    assert status == {
        "house-1.1": {"state": "not-satisfied", "reason": "fail"},
        "house-pods.1.2": {"state": "satisfied", "reason": "pass"},
        "house-1.3": {"state": "not-satisfied", "reason": "other"},
    }


def test_what_is_not_applicable_was_not_reviewed(document: dict[str, Any]) -> None:
    (result,) = document["assessment-results"]["results"]
    (selection,) = result["reviewed-controls"]["control-selections"]
    assert selection["exclude-controls"] == [{"control-id": "house-1.4"}]


def test_a_failed_control_names_its_observations_the_accepted_ones_too(document: dict[str, Any]) -> None:
    (result,) = document["assessment-results"]["results"]
    observed = {each["uuid"]: each for each in result["observations"]}
    related = [observed[each["observation-uuid"]] for each in found(document)["house-1.1"]["related-observations"]]
    status = [prop["value"] for each in related for prop in each["props"] if prop["name"] == "status"]
    assert status == ["open", "accepted"]


def test_the_same_report_has_the_same_bytes(gathered: Gather, written: Write) -> None:
    report = replace(gathered([Judged("a", 1, 1)]), framework=HOUSE)
    assert written("oscal", report) == written("oscal", report)
