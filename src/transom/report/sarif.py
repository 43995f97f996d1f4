"""SARIF 2.1.0: for code scanning. What was skipped is a notification, and makes the run unsuccessful."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO
from urllib.parse import quote

import msgspec

from transom.model.findings import Evidence, Finding, Rule, Skipped
from transom.model.places import Locator
from transom.model.severity import Severity
from transom.report.options import ReportOptions
from transom.report.records import clean
from transom.report.summary import Report

VERSION = "2.1.0"
SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "transom/v1"
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
"""Numbers that code scanning sorts by, within the bands that it gives these words."""


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the report as one SARIF log with one run."""
    used = sorted({finding.rule for finding in report.findings} | {judged.rule for judged in report.judged})
    index = {rule: position for position, rule in enumerate(used)}
    driver = {
        "name": "Transom",
        "version": report.version,
        "semanticVersion": report.version,
        "rules": [_rule(name, report.rules.get(name), options) for name in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": [_result(finding, index) for finding in report.findings],
    }
    log = {"$schema": SCHEMA_URI, "version": VERSION, "runs": [run]}
    stream.write(msgspec.json.format(msgspec.json.encode(log), indent=1) + b"\n")


def _rule(name: str, rule: Rule | None, options: ReportOptions) -> dict[str, Any]:
    if rule is None:
        return {"id": name}
    texts = {"title": rule.title, "why": rule.why, "fix": rule.fix, **rule.texts.get(options.language, {})}
    described: dict[str, Any] = {
        "id": name,
        "name": "".join(word.capitalize() for word in name.replace("_", "-").split("-")),
        "shortDescription": {"text": clean(texts["title"]) or name},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "security-severity": SCORES[rule.severity],
            "tags": ["security", *([rule.window] * bool(rule.window))],
        },
    }
    if texts["why"]:
        described["fullDescription"] = {"text": clean(texts["why"])}
    if texts["fix"]:
        described["help"] = {"text": clean(texts["fix"]), "markdown": clean(f"{texts['why']}\n\n**{texts['fix']}**")}
    return described


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    what = f" (container {finding.container})" if finding.container else ""
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": LEVELS[finding.severity],
        "message": {"text": clean(f"{finding.ref.short}{what}: {finding.message or finding.title or finding.rule}")},
        "locations": [_location(finding.evidence[0], finding)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {"severity": finding.severity.label},
    }
    related = [_location(evidence, finding) for evidence in finding.evidence[1:]]
    if related:
        made["relatedLocations"] = related
    return made


def _location(evidence: Evidence, finding: Finding) -> dict[str, Any]:
    place = evidence.locator
    name = clean(f"{finding.ref}#{place.path}" if place.path else str(finding.ref))
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}]}
    physical = _physical(place)
    if physical:
        location["physicalLocation"] = physical
    return location


def _physical(place: Locator) -> dict[str, Any] | None:
    if not place.file:
        return None
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file)}}
    if place.line > 0:
        region: dict[str, Any] = {"startLine": place.line, "startColumn": max(place.column, 1)}
        if place.end > place.start:
            region |= {"byteOffset": place.start, "byteLength": place.end - place.start}
        physical["region"] = region
    return physical


def _uri(file: str) -> str:
    """Return a file's name as a URI reference; standard input has a name of its own."""
    if file == "-":
        return "stdin"
    path = quote(clean(file), safe="/._-~")
    return f"file://{path}" if path.startswith("/") else path.removeprefix("./")


def _invocation(report: Report) -> dict[str, Any]:
    complete = len(report.skipped) == report.allowed_skips and report.verdicts > 0
    return {
        "executionSuccessful": complete,
        "exitCode": int(report.exit_code),
        "toolExecutionNotifications": list(_notifications(report.skipped)),
    }


def _notifications(skipped: Iterable[Skipped]) -> Iterable[dict[str, Any]]:
    for each in skipped:
        step = f"; {each.next_step}" if each.next_step else ""
        what = f"{each.ref.short}: " if each.ref.scope == "k8s" and each.ref.name else ""
        made: dict[str, Any] = {
            "level": "error",
            "message": {"text": clean(f"not judged: {what}{each.reason}{step}")},
            "descriptor": {"id": "skipped"},
        }
        if each.rule:
            made["associatedRule"] = {"id": each.rule}
        physical = _physical(each.locator)
        if physical:
            made["locations"] = [{"physicalLocation": physical}]
        yield made
