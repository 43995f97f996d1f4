"""JSONL: one record a line; findings, what was accepted, what was skipped, what was judged, and the summary last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from transom.report.compliance import compliance
from transom.report.options import ReportOptions
from transom.report.records import (
    accepted_record,
    compliance_record,
    control_record,
    finding_record,
    judged_record,
    skipped_record,
    summary_record,
)
from transom.report.summary import Report


def records(report: Report) -> Iterator[dict[str, Any]]:
    """Yield every record of a report, in its order."""
    for finding in report.findings:
        yield finding_record(finding, report)
    for accepted in report.accepted:
        yield accepted_record(accepted, report)
    yield from map(skipped_record, report.skipped)
    yield from map(judged_record, report.judged)
    reached = compliance(report)
    if reached is not None:
        yield from map(control_record, reached.results)
        yield compliance_record(reached)
    yield summary_record(report)


def write(report: Report, stream: BinaryIO, _: ReportOptions) -> None:
    """Write the report line by line."""
    encode = msgspec.json.Encoder().encode
    for record in records(report):
        stream.write(encode(record) + b"\n")
