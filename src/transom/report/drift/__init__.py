"""What differs between two sources, in the forms that people and machines read."""

from __future__ import annotations

from importlib import import_module
from typing import BinaryIO

from transom.model.errors import UsageError
from transom.report.drift.summary import DriftReport
from transom.report.options import ReportOptions

FORMATS = {
    "table": "transom.report.drift.table:write",
    "json": "transom.report.drift.records:write_document",
    "jsonl": "transom.report.drift.records:write_lines",
    "markdown": "transom.report.drift.markdown:write",
}
"""Every format, and the `module:function` that writes it, called with report, stream and options."""


def write(name: str, report: DriftReport, stream: BinaryIO, options: ReportOptions) -> None:
    """Write a report of drift in a format; raises UsageError for a format that there is not."""
    if name not in FORMATS:
        raise UsageError(f"there is no output format {name!r}", "", f"choose from {', '.join(FORMATS)}")
    module, _, function = FORMATS[name].partition(":")
    getattr(import_module(module), function)(report, stream, options)
