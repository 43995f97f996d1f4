"""CSV (RFC 4180): one row for each finding, and for what is known, accepted or was not judged; status tells which."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO
from typing import BinaryIO

from transom.model.findings import Finding, Skipped
from transom.model.vulnerabilities import Vulnerability
from transom.report.compliance import Compliance, compliance
from transom.report.options import ReportOptions
from transom.report.summary import Report, owner_of
from transom.report.text import safe
from transom.report.words import told

COLUMNS = (
    *("status", "severity", "window", "rule", "title", "owner", "namespace", "kind", "name", "container"),
    *("file", "line", "column", "path", "message", "observed", "expected", "fix", "fingerprint", "reason"),
    *("vulnerability", "purl", "installed", "fixed", "epss", "exploited_since", "layer"),
)
"""Names of the columns: the same in every language, because programs read them."""

CONTROL_COLUMNS = (
    *("framework", "control", "title", "state", "judged", "passed", "failed", "skipped", "failing", "unasked"),
    "undecided",
)
"""The same for a scan that was made for a framework: each row is a control."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins with one

MAX_CELL_CHARS = 32_000  # spreadsheets hold 32,767 characters in a cell, and break the row at more


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the rows, the names of the columns first."""
    line = StringIO(newline="")
    writer = csv.writer(line)
    reached = compliance(report)
    writer.writerow(CONTROL_COLUMNS if reached else COLUMNS)
    for row in _controls(reached) if reached else _rows(report, options.language):
        writer.writerow(map(cell, row))
        stream.write(line.getvalue().encode())
        line.seek(0)
        line.truncate()
    stream.write(line.getvalue().encode())


def cell(value: str | int) -> str:
    """Return what stands in a cell: visible characters only, and nothing that a spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return str(value)
    shown = safe(value[:MAX_CELL_CHARS])
    if len(shown) > MAX_CELL_CHARS or len(value) > MAX_CELL_CHARS:
        shown = f"{shown[:MAX_CELL_CHARS]}…"
    starts = value.lstrip().startswith(FORMULA_STARTS) or value.startswith(FORMULA_STARTS)
    return f"'{shown}" if starts else shown


def _controls(reached: Compliance) -> Iterator[tuple[str | int, ...]]:
    for each in reached.results:
        control, counts = each.control, (each.judged, each.passed, each.failed, each.skipped)
        rules = (" ".join(each.failing), " ".join(each.unasked))
        yield (reached.framework.id, control.id, control.title, each.state, *counts, *rules, control.undecided)


def _rows(report: Report, language: str) -> Iterator[tuple[str | int, ...]]:
    for finding in report.findings:
        yield _row("open", finding, report, language)
    for finding in report.known:
        yield _row("known", finding, report, language)
    for accepted in report.accepted:
        yield _row("accepted", accepted.finding, report, language, accepted.reason)
    for skipped in report.skipped:
        yield _skipped(skipped)


def _row(status: str, finding: Finding, report: Report, language: str, reason: str = "") -> tuple[str | int, ...]:
    rule, ref, place = report.rules.get(finding.rule), finding.ref, finding.place
    texts = told(finding, report, language)
    what = (finding.severity.label, rule.window if rule else "", finding.rule, texts["title"])
    which = (owner_of(finding).short, ref.namespace, ref.kind, ref.name, finding.container)
    where = (place.file, place.line or "", place.column or "", place.path)
    seen = (finding.message, finding.evidence[0].observed, finding.evidence[0].expected)
    known = _known(finding.vulnerability)
    return (status, *what, *which, *where, *seen, texts["fix"], finding.fingerprint, reason, *known)


def _known(told: Vulnerability | None) -> tuple[str | int, ...]:
    if told is None:
        return ("",) * 7
    epss = "" if told.epss is None else f"{told.epss:.5f}"
    return (told.id, told.purl, told.version, told.fixed, epss, told.exploited, told.layer or "")


def _skipped(skipped: Skipped) -> tuple[str | int, ...]:
    ref, place = skipped.ref, skipped.locator
    where = (place.file, place.line or "", place.column or "", place.path)
    which = ("", ref.namespace, ref.kind, ref.name, "")
    return (
        "skipped",
        "",
        "",
        skipped.rule,
        "",
        *which,
        *where,
        "",
        "",
        "",
        skipped.next_step,
        "",
        skipped.reason,
        *_known(None),
    )
