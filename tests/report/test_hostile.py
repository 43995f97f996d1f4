"""Hostile text from outside changes nothing in any format but the cell that it stands in."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from transom.model.findings import Accepted, Evidence, Finding, Judged, NotApplicable, Rule, Skipped
from transom.model.frameworks import Control, Framework
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import Vulnerability
from transom.report.formats import FORMATS, write
from transom.report.options import Excerpt, ReportOptions
from transom.report.spreadsheet import MAX_CELL_CHARS
from transom.report.summary import gather

HOSTILE = {
    "HTML": "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>",
    "end of script": "</script></style></template><script>alert(1)//<!--",
    "ANSI": "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "bidi": "a\u202eb\u2066c\u200fd",
    "lines": "a\nb\r\nc\u2028d\u2029e\x0bf\x85g",
    "CDATA": "]]>&amp;<![CDATA[",
    "Markdown": "|`` ` **x** [a](javascript:b) ![c](d) \\| </details> @everyone #1 https://example.org <!--",
    "commands": "\n::error file=x::y,a:b%0A::warning::z",
    "formula": "=cmd|' /C calc'!A0",
    "indented formula": "\t@SUM(1,2)",
    "NUL and surrogates": "\0\ud800\udfff\ufffe",
    "templates": "{name}{0}%s%(a)s${x}",
    "1 MB": "<b>" * 333_333,
}
TOLD_TO_PEOPLE = ("table", "html", "junit", "markdown", "csv", "github")
MAX_GROWTH_CHARS = 3_000_000  # of a whole report in which a megabyte stands in fifty places


def numbered(text: str, count: int) -> list[str]:
    """Texts that differ, also where only the beginning of long ones is shown."""
    return [f"{number}{text}" if len(text) > MAX_CELL_CHARS else f"{text}{number}" for number in range(count)]


def report_of(text: str) -> Any:
    """Every text that comes from outside, in every record that carries it."""
    rule, name, message, other, witness, title, reason, step = numbered(text, 8)
    ref = Ref(cluster=other, group=other, kind=message, namespace=other, name=name)
    evidence = (Evidence(Locator(name, 1, 1, 0, 5, message), other, name), Evidence(Locator("", path=other), message))
    texts = {"zh-CN": {"title": other, "why": name, "fix": step}}

    def finding(witness: str) -> Finding:
        return Finding(rule, ref, Severity.HIGH, message, evidence, title, witness, other, ref, step)

    purl = f"pkg:generic/{name}"
    told = Vulnerability(
        other, purl, name, message, "fixed", (witness,), step, title, rule, (reason,), other, 9.8, step
    )
    vulnerable = replace(finding("vulnerable"), vulnerability=told)
    known = finding("known")
    return gather(
        [
            finding(witness),
            known,
            vulnerable,
            Accepted(finding("accepted"), reason, Locator(other, 1, 1)),
            Accepted(vulnerable, reason, Locator(other, 1, 1), False, "not_affected", "component_not_present"),
            Skipped(ref, reason, step, rule, Locator(name, 2)),
            Judged(rule, 3, 1),
            Judged("passed", 2, 2),
            NotApplicable(other, 3),
        ],
        rules={rule: Rule(rule, title, Severity.HIGH, message, step, other, texts)},
        targets=(name, other),
        threshold=Severity.HIGH,
        known=frozenset({known.fingerprint}),
    )


def written(name: str, text: str) -> str:
    stream = io.BytesIO()
    excerpt = Excerpt(1, tuple(numbered(text, 10)[8:]), 2)
    report = report_of(text)
    if name == "oscal":  # which tells nothing else
        house = Framework(
            "house", "House rules", "1", "https://example.com/", (Control("1.1", "Shut", tuple(report.rules)),)
        )
        report = replace(report, framework=house)
    write(name, report, stream, ReportOptions(excerpts=lambda _: excerpt))
    return stream.getvalue().decode()


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return [shape(part) for part in value] if isinstance(value, list) else type(value).__name__


def of_json(text: str) -> Any:
    # what is not applicable is counted by name
    document = json.loads(text)
    return shape(document) if isinstance(document, list) else [shape(part) for part in _values(document)]


def _values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [part for each in value.values() for part in _values(each)]
    return [part for each in value for part in _values(each)] if isinstance(value, list) else [type(value).__name__]


class Tags(HTMLParser):
    """Every element with its attributes, and the shape of the island."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.island = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))

    def handle_endtag(self, tag: str) -> None:
        self.seen.append(tag)

    def handle_comment(self, data: str) -> None:
        self.seen.append("comment")

    def handle_data(self, data: str) -> None:
        if self.seen[-1:] == [("script", [("type", "application/json"), ("id", "island")])]:
            self.island += data


def of_html(text: str) -> Any:
    tags = Tags()
    tags.feed(text)
    tags.close()
    return tags.seen, shape(json.loads(tags.island))


def of_xml(text: str) -> Any:
    # sorted, for suites stand by their names
    return sorted(
        str((each.tag, sorted(each.attrib), each.get("tests"))) for each in ElementTree.fromstring(text).iter()
    )


def of_csv(text: str) -> Any:
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert all(not cell.lstrip().startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    return [len(row) for row in rows]


def of_markdown(text: str) -> Any:
    spans = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)")
    return [re.sub(r"\*\* .*?: C", "** T: C", spans.sub("C", line)) for line in text.split("\n")]


def of_commands(text: str) -> Any:
    parts = [re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line) for line in text.rstrip("\n").split("\n")]
    return [part and (part[1], [each.partition("=")[0] for each in part[2].split(",")]) for part in parts]


SHAPES: dict[str, Callable[[str], Any]] = {
    "table": lambda text: [],
    "json": of_json,
    "jsonl": lambda text: sorted(str(_values(json.loads(line))) for line in text.rstrip("\n").split("\n")),
    "sarif": of_json,
    "oscal": of_json,
    "html": of_html,
    "junit": of_xml,
    "markdown": of_markdown,
    "csv": of_csv,
    "gitlab-codequality": of_json,
    "gitlab-sast": of_json,
    "github": of_commands,
    "openvex": of_json,
    "cyclonedx-vex": of_json,
    "csaf": of_json,
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_changes_nothing_but_its_own_cell(name: str, hostile: str) -> None:
    text = written(name, hostile)
    assert SHAPES[name](text) == SHAPES[name](written(name, "plain"))
    if name in TOLD_TO_PEOPLE:
        unwanted = {each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert unwanted <= {"\n", "\r"}


@pytest.mark.parametrize("name", ["html", "junit", "markdown", "csv", "gitlab-codequality", "gitlab-sast", "github"])
def test_a_name_of_a_megabyte_is_cut(name: str) -> None:
    assert len(written(name, "x" * 1_000_000)) < len(written(name, "plain")) + MAX_GROWTH_CHARS
