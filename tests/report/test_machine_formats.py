"""JSON and JSONL: valid, complete, the same bytes whatever order results came in."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.model.errors import UsageError
from transom.model.findings import Accepted, Evidence, Finding, Judged, NotApplicable, Result, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report.formats import FORMATS, write
from transom.report.options import ReportOptions
from transom.report.records import clean

Build = Callable[..., Finding]
Write = Callable[..., bytes]
Validate = Callable[[Any], None]


def test_every_line_of_jsonl_is_valid_and_the_summary_is_last(
    validate_line: Validate, written: Write, results: list[Result]
) -> None:
    lines = [json.loads(line) for line in written("jsonl", results).splitlines()]
    for line in lines:
        validate_line(line)
    assert [line["type"] for line in lines] == [
        *("finding", "finding", "accepted", "skipped", "skipped", "judged", "summary")
    ]
    assert (lines[-1]["judged"], lines[-1]["passed"], lines[-1]["exit_code"], lines[-1]["complete"]) == (7, 5, 3, False)


def test_json_is_one_valid_document(validate_document: Validate, written: Write, results: list[Result]) -> None:
    document = json.loads(written("json", results))
    validate_document(document)
    assert len(document["findings"]) == 2
    assert document["tool"] == document["summary"]["tool"]


def test_json_and_jsonl_say_the_same(written: Write, results: list[Result]) -> None:
    document = json.loads(written("json", results))
    lines = [json.loads(line) for line in written("jsonl", results).splitlines()]
    records = (document[field] for field in ("findings", "accepted", "skipped", "judged"))
    assert lines == [*(record for each in records for record in each), document["summary"]]


def test_what_a_file_accepts_is_told_with_its_reason_and_is_no_finding(written: Write, results: list[Result]) -> None:
    document = json.loads(written("json", results))
    (accepted,) = document["accepted"]
    assert (accepted["rule"], accepted["ref"]["name"]) == ("privileged-container", "agent")
    assert accepted["reason"] == "it drives a device"
    assert accepted["declared"] == {"file": "deploy/web.yaml", "line": 5, "column": 3, "path": "metadata"}
    assert (document["summary"]["findings"], document["summary"]["accepted"]) == (2, 1)
    (exception,) = document["summary"]["exceptions"]
    assert (exception["rule"], exception["declared"], exception["uses"]) == (accepted["rule"], accepted["declared"], 1)


def test_an_empty_report_is_valid_everywhere(
    validate_line: Validate, validate_document: Validate, validate_sarif: Validate, written: Write
) -> None:
    validate_line(json.loads(written("jsonl", [])))
    validate_document(json.loads(written("json", [])))
    validate_sarif(json.loads(written("sarif", [])))


def test_a_place_that_nobody_knows_keeps_its_keys(validate_line: Validate, written: Write, finding: Build) -> None:
    bare = finding(evidence=(Evidence(Locator()),), owner=None, title="", fix="", witness="", container="")
    told = json.loads(written("jsonl", [bare]).splitlines()[0])
    validate_line(told)
    assert (told["file"], told["line"], told["path"], told["owner"], told["container"]) == ("", 0, "", None, "")


@pytest.mark.parametrize("name", FORMATS)
def test_the_order_of_results_does_not_matter(
    name: str, written: Write, gathered: Callable[..., Any], results: list[Result], finding: Build
) -> None:
    several = [finding("web", line, container=container) for line in (3, 9) for container in ("b", "a")]
    second = Evidence(Locator("deploy/web.yaml", 1), "x")
    several += [finding(evidence=(*finding().evidence, second)), finding(severity=Severity.LOW), finding(message="b")]
    known = frozenset({finding("api").fingerprint})
    everything = [*results, *several]
    expected = written(name, gathered(everything, known=known))
    for seed in range(5):
        random.Random(seed).shuffle(everything)
        assert written(name, gathered(everything, known=known)) == expected


def test_an_unknown_format_names_those_that_there_are(gathered: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match=r"no output format 'xml'.*table, json, jsonl, sarif"):
        write("xml", gathered([]), None, ReportOptions())  # type: ignore[arg-type]


def test_halves_of_surrogate_pairs_are_joined_and_lone_ones_replaced() -> None:
    assert clean("a\ud83d\ude00b") == "a\U0001f600b"
    assert clean("a\ud83db\udc80") == "a\ufffdb\ufffd"


HOSTILE = (
    st.text(st.characters(), max_size=60)
    | st.sampled_from(["\x1b[2J", "\ud800", "a\u202eb", "\0", "x\ny", "名前", "[x](https://example.org)", "%s{0}\\"])
    | st.text("x名\u0301/.", min_size=300, max_size=600)
)


def hostile_results(build: Build, name: str, message: str, other: str) -> list[Result]:
    """Every text that comes from outside, in every record that carries it."""
    evidence = (Evidence(Locator(name, 1, 1, 0, 5, message), other, name), Evidence(Locator("", path=other), message))
    return [
        build(name, 1, message, other, rule=name or "r", evidence=evidence, title=other, fix=message),
        build(name, 0, message, other, file="", owner=None),
        Skipped(Ref(kind=message, name=name), message or "why", other, rule=name, locator=Locator(other, 1)),
        Accepted(build(name, 2, message, other), message or "why", Locator(other, 3, path=name)),
        Judged(name or "r", 2, 1),
        NotApplicable(message, 3),
    ]


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_stays_valid_in_every_format(
    validate_line: Validate,
    validate_document: Validate,
    validate_sarif: Validate,
    written: Write,
    finding: Build,
    name: str,
    message: str,
    other: str,
) -> None:
    found = hostile_results(finding, name, message, other)
    for line in written("jsonl", found).split(b"\n")[:-1]:
        validate_line(json.loads(line))
    validate_document(json.loads(written("json", found)))
    validate_sarif(json.loads(written("sarif", found)))


@given(HOSTILE, HOSTILE, HOSTILE, st.sampled_from([20, 40, 80, 200]), st.booleans())
def test_the_table_lets_no_control_character_through(
    written: Write, finding: Build, name: str, message: str, other: str, width: int, speaks_unicode: bool
) -> None:
    found = hostile_results(finding, name, message, other)
    shown = written("table", found, width=width, unicode=speaks_unicode).decode()
    unwanted = {character for character in shown if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert unwanted <= {"\n"}
    assert speaks_unicode or shown.isascii()
