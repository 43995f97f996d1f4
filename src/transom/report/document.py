"""JSON: the whole report as one document, written piece by piece."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import msgspec

from transom.report.options import ReportOptions
from transom.report.records import finding_record, judged_record, skipped_record, summary_record
from transom.report.summary import SCHEMA, Report


def write(report: Report, stream: BinaryIO, _: ReportOptions) -> None:
    """Write the report as one object: schema, summary, findings, skipped, judged."""
    stream.write(b'{\n "schema": ' + msgspec.json.encode(SCHEMA))
    stream.write(b',\n "summary": ' + _pretty(summary_record(report), b" "))
    _write_list(stream, "findings", (finding_record(finding, report) for finding in report.findings))
    _write_list(stream, "skipped", map(skipped_record, report.skipped))
    _write_list(stream, "judged", map(judged_record, report.judged))
    stream.write(b"\n}\n")


def _write_list(stream: BinaryIO, name: str, records: Iterable[dict[str, Any]]) -> None:
    stream.write(b",\n " + msgspec.json.encode(name) + b": [")
    before = b"\n  "
    for record in records:
        stream.write(before + _pretty(record, b"  "))
        before = b",\n  "
    stream.write(b"]" if before == b"\n  " else b"\n ]")


def _pretty(record: Any, indent: bytes) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=1).replace(b"\n", b"\n" + indent)
