"""The formats of reports; a module is imported when its format is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import BinaryIO

from transom.report.options import ReportOptions
from transom.report.summary import Report

FORMATS = {
    "table": "transom.report.table",
    "json": "transom.report.document",
    "jsonl": "transom.report.jsonl",
    "sarif": "transom.report.sarif",
}
"""Every format, and the module whose write(report, stream, options) writes it."""


def write(name: str, report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write a report in a format."""
    import_module(FORMATS[name]).write(report, stream, options)
