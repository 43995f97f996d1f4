"""The formats of reports; a module is imported when its format is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import BinaryIO

from transom.model.errors import UsageError
from transom.report.options import ReportOptions
from transom.report.summary import Report

FORMATS = {
    "table": "transom.report.table:write",
    "json": "transom.report.document:write",
    "jsonl": "transom.report.jsonl:write",
    "sarif": "transom.report.sarif:write",
    "html": "transom.report.html:write",
    "junit": "transom.report.junit:write",
    "markdown": "transom.report.markdown:write",
    "csv": "transom.report.spreadsheet:write",
    "gitlab-codequality": "transom.report.gitlab:write_quality",
    "gitlab-sast": "transom.report.gitlab:write_sast",
    "oscal": "transom.report.oscal:write",
    "github": "transom.report.github:write",
    "openvex": "transom.report.vex.openvex:write",
    "cyclonedx-vex": "transom.report.vex.cyclonedx:write",
    "csaf": "transom.report.vex.csaf:write",
}
"""Every format, and the `module:function` that writes it, called with report, stream and options."""


def write(name: str, report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write a report in a format; raises UsageError for a format that there is not."""
    if name not in FORMATS:
        raise UsageError(f"there is no output format {name!r}", "", f"choose from {', '.join(FORMATS)}")
    module, _, function = FORMATS[name].partition(":")
    getattr(import_module(module), function)(report, stream, options)
