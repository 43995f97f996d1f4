"""GitHub workflow commands: each finding as an annotation at its line.

GitHub itself shows no more than ten annotations of each level for a step; all are in the step's log, worst first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from transom.model.language import mark, translator
from transom.model.places import Locator
from transom.model.severity import Severity
from transom.report.options import ReportOptions
from transom.report.summary import Report
from transom.report.text import safe
from transom.report.words import told

LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
MAX_CHARS = 4_000  # of a message or title: GitHub cuts longer ones itself, at a length that it does not tell


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write one command a line."""
    for line in _lines(report, options.language):
        stream.write(line.encode() + b"\n")


def _lines(report: Report, language: str) -> Iterator[str]:
    say = translator(language)
    for finding in report.findings:
        texts = told(finding, report, language)
        title = f"{texts['title']} ({finding.rule})"
        container = f" ({finding.container})" if finding.container else ""
        message = f"{finding.ref.short}{container}: {finding.message or finding.title}. {texts['fix']}".strip()
        yield command(LEVELS[finding.severity], finding.place, title, message)
    for skipped in report.skipped:
        step = f"; {skipped.next_step}" if skipped.next_step else ""
        message = f"{skipped.ref.short or skipped.ref.kind}: {skipped.reason}{step}"
        yield command("error", skipped.locator, say("Not judged"), message)
    counts = (
        (mark("Accepted: {count:,}"), len(report.accepted)),
        (mark("Known from the baseline: {count:,}"), len(report.known)),
    )
    for words, count in counts:
        if count:
            yield command("notice", Locator(), "Transom", say(words).format(count=count))


def command(level: str, place: Locator, title: str, message: str) -> str:
    """Return one workflow command; a place that nobody knows is left out."""
    parts = {"file": place.file.removeprefix("./"), "line": str(place.line or ""), "col": str(place.column or "")}
    parts["title"] = title
    properties = ",".join(f"{name}={_property(value[:MAX_CHARS])}" for name, value in parts.items() if value)
    return f"::{level} {properties}::{_escaped(message[:MAX_CHARS])}"


def _escaped(text: str) -> str:
    """Return text as the runner decodes it; line breaks are visible escapes already."""
    return safe(text).replace("%", "%25")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
