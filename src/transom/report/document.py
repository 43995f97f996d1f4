"""JSON: the whole report as one document, written piece by piece."""

from __future__ import annotations

from typing import BinaryIO

from transom.report.compliance import compliance
from transom.report.encode import indented, write_list
from transom.report.options import ReportOptions
from transom.report.records import (
    accepted_record,
    compliance_record,
    control_record,
    finding_record,
    judged_record,
    skipped_record,
    summary_record,
    tool_record,
)
from transom.report.summary import SCHEMA, Report


def write(report: Report, stream: BinaryIO, _: ReportOptions) -> None:
    """Write the report as one object: schema, tool, summary, findings, accepted, skipped, judged; compliance and controls if asked."""
    stream.write(b'{\n "schema": ' + indented(SCHEMA, 1))
    stream.write(b',\n "tool": ' + indented(tool_record(report), 1))
    stream.write(b',\n "summary": ' + indented(summary_record(report), 1))
    stream.write(b',\n "findings": ')
    write_list(stream, (finding_record(finding, report) for finding in report.findings), 1)
    stream.write(b',\n "accepted": ')
    write_list(stream, (accepted_record(accepted, report) for accepted in report.accepted), 1)
    stream.write(b',\n "skipped": ')
    write_list(stream, map(skipped_record, report.skipped), 1)
    stream.write(b',\n "judged": ')
    write_list(stream, map(judged_record, report.judged), 1)
    reached = compliance(report)
    if reached is not None:
        stream.write(b',\n "compliance": ' + indented(compliance_record(reached), 1))
        stream.write(b',\n "controls": ')
        write_list(stream, map(control_record, reached.results), 1)
    stream.write(b"\n}\n")
