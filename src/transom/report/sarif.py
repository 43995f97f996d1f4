"""SARIF 2.1.0: for code scanning. What was skipped is a notification, and makes the run unsuccessful."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO
from urllib.parse import quote

from transom.model.findings import Accepted, Evidence, Finding, Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report.encode import indented, write_list
from transom.report.options import ReportOptions
from transom.report.records import clean, vulnerability_record
from transom.report.summary import Report

VERSION = "2.1.0"
SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "transom/v1"
SKIPPED = "skipped"
MAX_DESCRIPTION_CHARS = 1024  # code scanning takes no longer descriptions of a rule
MAX_NAME_CHARS = 255  # nor longer names
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

WORDS = {
    "container": "container",
    "skipped": "not judged",
    "skipped_rule": "Something that should have been judged and was not.",
    "known": "known from the baseline",
    "together": "with what else of the object can be mended",
}


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the report as one SARIF log with one run, result by result; what a baseline knows, or
    its own file declares acceptable, is suppressed."""
    accepted = [each.finding for each in report.accepted]
    rules = {finding.rule for found in (report.findings, report.known, accepted) for finding in found}
    used = sorted(rules | {judged.rule for judged in report.judged})
    index = {rule: position for position, rule in enumerate(used)}
    driver = {
        "name": "Transom",
        "version": report.version,
        "semanticVersion": report.version,
        "rules": [_rule(name, report.rules.get(name), options) for name in used],
        "notifications": [{"id": SKIPPED, "shortDescription": {"text": WORDS["skipped_rule"]}}],
    }
    stream.write(b'{\n "$schema": ' + indented(SCHEMA_URI, 1))
    stream.write(b',\n "version": ' + indented(VERSION, 1))
    stream.write(b',\n "runs": [\n  {\n   "tool": ' + indented({"driver": driver}, 3))
    stream.write(b',\n   "columnKind": "unicodeCodePoints"')
    stream.write(b',\n   "invocations": ' + indented([_invocation(report, index)], 3))
    stream.write(b',\n   "results": ')
    write_list(stream, _results(report, index, options), 3)
    stream.write(b"\n  }\n ]\n}\n")


def _rule(name: str, rule: Rule | None, options: ReportOptions) -> dict[str, Any]:
    described: dict[str, Any] = {"id": clean(name)}
    if rule is None:
        return described
    texts = {"title": rule.title, "why": rule.why, "fix": rule.fix, **rule.texts.get(options.language, {})}
    title, why, fix = (clean(texts[field]) for field in ("title", "why", "fix"))
    words = "".join(word[:1].upper() + word[1:] for word in re.findall("[A-Za-z0-9]+", name))
    described |= {
        "name": words[:MAX_NAME_CHARS] or described["id"],
        "shortDescription": {"text": title[:MAX_DESCRIPTION_CHARS] or described["id"]},
        "fullDescription": {"text": why[:MAX_DESCRIPTION_CHARS] or title[:MAX_DESCRIPTION_CHARS] or described["id"]},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "security-severity": SCORES[rule.severity],
            "tags": ["security", *([clean(rule.window)] if rule.window not in ("", "security") else [])],
        },
    }
    help_parts = [part for part in (why, fix) if part]
    if help_parts:
        described["help"] = {
            "text": "\n\n".join(help_parts),
            "markdown": "\n\n".join([why] * bool(why) + [f"**{fix}**"] * bool(fix)),
        }
    return described


def _results(report: Report, index: dict[str, int], options: ReportOptions) -> Iterator[dict[str, Any]]:
    for finding in report.findings:
        fixes = list(_fixes(finding, report, options))
        yield _result(finding, index) | ({"fixes": fixes} if fixes else {})
    for finding in report.known:
        suppression = {"kind": "external", "justification": WORDS["known"]}
        yield _result(finding, index) | {"suppressions": [suppression]}
    for accepted in report.accepted:
        yield _result(accepted.finding, index) | {"suppressions": [_suppression(accepted)]}


def _fixes(finding: Finding, report: Report, options: ReportOptions) -> Iterator[dict[str, Any]]:
    """Yield the fix of a finding, if it has one: edits of bytes, whose text is UTF-8."""
    changes = [
        {
            "artifactLocation": {"uri": _uri(patch.file)},
            "replacements": [
                {
                    "deletedRegion": {"byteOffset": edit.start, "byteLength": edit.end - edit.start},
                    "insertedContent": {"text": edit.text.decode("utf-8", "replace")},
                }
                for edit in patch.edits
            ],
        }
        for patch in (options.fixes(finding) if options.fixes else ())
        if patch.edits
    ]
    if changes:
        rule = report.rules.get(finding.rule)
        text = rule.fix if rule and rule.fix else finding.rule
        yield {"description": _message(f"{text} ({WORDS['together']})"), "artifactChanges": changes}


def _suppression(accepted: Accepted) -> dict[str, Any]:
    kind = "inSource" if accepted.in_source else "external"
    made: dict[str, Any] = {"kind": kind, "justification": clean(accepted.reason)}
    if accepted.locator.file:
        made["location"] = {"physicalLocation": _physical(accepted.locator, accepted.finding.ref)}
    return made


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    what = f" ({WORDS['container']} {finding.container})" if finding.container else ""
    made: dict[str, Any] = {
        "ruleId": clean(finding.rule),
        "ruleIndex": index[finding.rule],
        "level": LEVELS[finding.severity],
        "message": _message(f"{finding.ref.short}{what}: {finding.message or finding.title or finding.rule}"),
        "locations": [_location(finding.evidence[0], finding.ref)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
        "properties": {"severity": finding.severity.label},
    }
    if finding.vulnerability:
        made["properties"]["vulnerability"] = vulnerability_record(finding.vulnerability)
    related = [_location(evidence, finding.ref, told=True) for evidence in finding.evidence[1:]]
    if related:
        made["relatedLocations"] = related
    return made


def _message(text: str) -> dict[str, str]:
    """Return a message in which names of objects cannot become links (SARIF 3.11.6 escapes brackets)."""
    text = clean(text)
    return {"text": text.replace("[", "\\[").replace("]", "\\]") if "](" in text else text}


def _location(evidence: Evidence, ref: Ref, told: bool = False) -> dict[str, Any]:
    place = evidence.locator
    name = clean(f"{ref}#{place.path}" if place.path else str(ref))
    location: dict[str, Any] = {
        "physicalLocation": _physical(place, ref),
        "logicalLocations": [{"fullyQualifiedName": name, "kind": "resource"}],
    }
    if told and evidence.observed:
        location["message"] = _message(evidence.observed)
    return location


def _physical(place: Locator, ref: Ref) -> dict[str, Any]:
    """Return the place in its file; what has no file is named as if it were one: code scanning refuses it else."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file or ref.short or ref.kind or ref.scope)}}
    if place.file and place.line > 0:
        region: dict[str, Any] = {"startLine": place.line, "startColumn": max(place.column, 1)}
        if place.end > place.start:
            region |= {"byteOffset": place.start, "byteLength": place.end - place.start}
        physical["region"] = region
    return physical


def _uri(file: str) -> str:
    """Return a file's name as a URI reference, byte for byte; standard input has a name of its own."""
    if file == "-":
        return "stdin"
    try:
        path = quote(file, safe="/._-~", errors="surrogateescape")
    except UnicodeEncodeError:  # no name that a file system gave
        path = quote(clean(file), safe="/._-~")
    return f"file://{path}" if path.startswith("/") else path.removeprefix("./")


def _invocation(report: Report, index: dict[str, int]) -> dict[str, Any]:
    return {
        "executionSuccessful": report.complete,
        "exitCode": int(report.exit_code),
        "toolExecutionNotifications": list(_notifications(report.skipped, index)),
    }


def _notifications(skipped: Iterable[Skipped], index: dict[str, int]) -> Iterator[dict[str, Any]]:
    for each in skipped:
        step = f"; {each.next_step}" if each.next_step else ""
        what = f"{each.ref.short}: " if each.ref.scope == "k8s" and each.ref.short else ""
        made: dict[str, Any] = {
            "level": "error",
            "message": _message(f"{WORDS['skipped']}: {what}{each.reason}{step}"),
            "descriptor": {"id": SKIPPED, "index": 0},
        }
        if each.rule:
            made["associatedRule"] = {"id": clean(each.rule)}
            if each.rule in index:
                made["associatedRule"]["index"] = index[each.rule]
        if each.locator.file:
            made["locations"] = [{"physicalLocation": _physical(each.locator, each.ref)}]
        yield made
