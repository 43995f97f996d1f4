"""Reports for GitLab: code quality, and SAST by version 15.2.1 of GitLab's security report schemas.

Code quality is a bare list of issues: what a baseline knows and what is accepted has no place in it. The security report
counts both among its scan's messages. What was not judged is an issue of the one, and a message of the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, BinaryIO

from transom.model.findings import Finding, Skipped
from transom.model.language import translator
from transom.model.severity import Severity
from transom.report.encode import indented, write_list
from transom.report.options import ReportOptions
from transom.report.records import clean
from transom.report.summary import Report
from transom.report.text import safe
from transom.report.words import told, where

SAST_VERSION = "15.2.1"
UNDATED = "1970-01-01T00:00:00"  # the schema wants a time, also where nobody tells one
MAX_NAME_CHARS = 255  # longest name of a vulnerability
MAX_TEXT_CHARS = 7_000  # longest solution; descriptions may be longer, and need not
MAX_URI_CHARS = 1_024  # of a path: what GitLab keeps of one
QUALITY = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
    Severity.INFO: "info",
}


def write_quality(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the report as a list of code quality issues."""
    write_list(stream, _issues(report, options.language), 0)
    stream.write(b"\n")


def _issues(report: Report, language: str) -> Iterator[dict[str, Any]]:
    say = translator(language)
    seen: dict[str, int] = {}
    for finding in report.findings:
        yield {
            "type": "issue",
            "check_name": _cut(finding.rule, MAX_NAME_CHARS),
            "description": _cut(_headline(finding, report, language), MAX_TEXT_CHARS),
            "categories": ["Security"],
            "fingerprint": _identity(seen, finding.fingerprint, finding.place.file),
            "severity": QUALITY[finding.severity],
            "location": {
                "path": _path(finding.place.file or finding.ref.short),
                "lines": {"begin": max(finding.place.line, 1)},
            },
        }
    for skipped in report.skipped:
        yield {
            "type": "issue",
            "check_name": "skipped",
            "description": _cut(f"{say('Not judged')}: {_reason(skipped)}", MAX_TEXT_CHARS),
            "categories": ["Security"],
            "fingerprint": _identity(seen, "skipped", str(skipped.ref), skipped.rule, skipped.reason),
            "severity": "major",
            "location": {
                "path": _path(skipped.locator.file or skipped.ref.short),
                "lines": {"begin": max(skipped.locator.line, 1)},
            },
        }


def write_sast(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the report as a security report of type sast."""
    stream.write(b'{\n "version": ' + indented(SAST_VERSION, 1))
    stream.write(b',\n "scan": ' + indented(_scan(report, options), 1))
    stream.write(b',\n "vulnerabilities": ')
    write_list(stream, _vulnerabilities(report, options.language), 1)
    stream.write(b"\n}\n")


def _scan(report: Report, options: ReportOptions) -> dict[str, Any]:
    tool = {"id": "transom", "name": "Transom", "version": report.version, "vendor": {"name": "Transom"}}
    when = options.made_at or UNDATED
    made: dict[str, Any] = {"analyzer": tool, "scanner": tool, "type": "sast", "start_time": when, "end_time": when}
    messages = list(_messages(report, options.language))
    if messages:
        made["messages"] = messages
    return {**made, "status": "success" if report.complete else "failure"}


def _messages(report: Report, language: str) -> Iterator[dict[str, str]]:
    say = translator(language)
    for skipped in report.skipped:
        yield {"level": "warn", "value": _cut(f"{say('Not judged')}: {_reason(skipped)}", MAX_TEXT_CHARS)}
    if report.accepted:
        yield {"level": "info", "value": say("Accepted: {count:,}").format(count=len(report.accepted))}
    if report.known:
        yield {"level": "info", "value": say("Known from the baseline: {count:,}").format(count=len(report.known))}


def _reason(skipped: Skipped) -> str:
    place = where(skipped.locator) or skipped.ref.short
    step = f"; {skipped.next_step}" if skipped.next_step else ""
    return f"{place}: {skipped.reason}{step}"


def _vulnerabilities(report: Report, language: str) -> Iterator[dict[str, Any]]:
    seen: dict[str, int] = {}
    for finding in report.findings:
        place, texts = finding.place, told(finding, report, language)
        name = _cut(finding.rule, MAX_NAME_CHARS)
        made = {
            "id": _identity(seen, finding.fingerprint, place.file),
            "name": _cut(texts["title"], MAX_NAME_CHARS),
            "description": _cut(f"{_headline(finding, report, language)}\n{texts['why']}".strip(), MAX_TEXT_CHARS),
            "severity": finding.severity.label.capitalize(),
            "location": {"file": _path(place.file or finding.ref.short), "start_line": max(place.line, 1)},
            "identifiers": [{"type": "transom_rule", "name": f"Transom {name}"[:MAX_NAME_CHARS], "value": name}],
        }
        yield made | {"solution": _cut(texts["fix"], MAX_TEXT_CHARS)} if texts["fix"] else made


def _headline(finding: Finding, report: Report, language: str) -> str:
    title = told(finding, report, language)["title"]
    container = f" ({finding.container})" if finding.container else ""
    message = f": {finding.message}" if finding.message and finding.message != finding.title else ""
    return f"{finding.ref.short}{container}: {title}{message}"


def _identity(seen: dict[str, int], *parts: str) -> str:
    """Return an identity that is stable over time and single in a report, also of what stands in two files."""
    made = sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    seen[made] = seen.get(made, 0) + 1
    return made if seen[made] == 1 else f"{made}-{seen[made]}"


def _path(file: str) -> str:
    """Return a path as GitLab names files, below the root of the repository; of what stands in none, the object."""
    return _cut(file.removeprefix("./"), MAX_URI_CHARS) or "-"


def _cut(text: str, limit: int) -> str:
    cleaned = "\n".join(safe(line) for line in clean(text).split("\n")) if "\n" in text else safe(text)
    return cleaned if len(cleaned) <= limit else f"{cleaned[: limit - 1]}…"
