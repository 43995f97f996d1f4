"""OSCAL assessment results (NIST, model version 1.1): what became of each control of a framework, as other tools read it.

Controls that passed or failed are findings with the status satisfied or not-satisfied; one that is unknown is
not-satisfied for the reason `other`, since nobody has seen that it is; one that is not applicable is left out of what was
reviewed. Each finding of a scan is an observation that the findings of its controls name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO
from uuid import UUID, uuid5

from transom.model.errors import UsageError
from transom.model.findings import Finding
from transom.report.compliance import FAILED, NOT_APPLICABLE, PASSED, Compliance, ControlResult, compliance, reasons
from transom.report.encode import indented
from transom.report.options import ReportOptions
from transom.report.records import clean
from transom.report.summary import Report
from transom.report.words import where

OSCAL_VERSION = "1.1.3"
OURS = UUID("6f2c1f0e-5d0b-5c0a-9d53-0a6f6d0b7f11")
"""What our identifiers are made from, by uuid5: the same report has the same ones."""

NAMESPACE = "https://transom.dev/ns/oscal"
NEVER = "1970-01-01T00:00:00"  # where nobody says when the scan was made


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write one assessment-results document; raises UsageError where the scan was made for no framework."""
    reached = compliance(report)
    if reached is None:
        raise UsageError("OSCAL tells the controls of a framework", "none was named", "add --framework cis-kubernetes")
    made = {"assessment-results": _document(report, reached, f"{options.made_at or NEVER}Z")}
    stream.write(indented(made, 0) + b"\n")


def _document(report: Report, reached: Compliance, made_at: str) -> dict[str, Any]:
    framework = reached.framework
    seed = "\0".join((framework.id, made_at, *report.targets))
    return {
        "uuid": _id("results", seed),
        "metadata": {
            "title": f"Transom: {framework.name}",
            "last-modified": made_at,
            "version": report.version,
            "oscal-version": OSCAL_VERSION,
        },
        "import-ap": {"href": f"#{_id('framework', framework.id)}"},
        "results": [_result(report, reached, made_at, seed)],
        "back-matter": {
            "resources": [
                {
                    "uuid": _id("framework", framework.id),
                    "title": framework.name,
                    "description": "What was assessed: every control of this framework that objects can decide.",
                    "rlinks": [{"href": framework.source}],
                }
            ]
        },
    }


def _result(report: Report, reached: Compliance, made_at: str, seed: str) -> dict[str, Any]:
    percent = "none applicable" if reached.percent is None else f"{reached.percent} percent"
    counts = ", ".join(f"{count} {state}" for state, count in reached.counts.items())
    observed = _observations(report, reached, made_at)
    made = {
        "uuid": _id("result", seed),
        "title": reached.framework.name,
        "description": clean(f"Controls: {counts}; compliance: {percent}. Scanned: {', '.join(report.targets)}"),
        "start": made_at,
        "end": made_at,
        "reviewed-controls": {"control-selections": [_reviewed(reached)]},
    }
    every = [each for alike in observed.values() for each in alike]
    findings = [_finding(result, reached, observed) for result in reached.results if result.state != NOT_APPLICABLE]
    return made | ({"observations": every} if every else {}) | ({"findings": findings} if findings else {})


def _reviewed(reached: Compliance) -> dict[str, Any]:
    """Return which controls were reviewed; one that is not applicable was not."""
    left = [_selected(result, reached) for result in reached.results if result.state == NOT_APPLICABLE]
    seen = [_selected(result, reached) for result in reached.results if result.state != NOT_APPLICABLE]
    chosen: dict[str, Any] = {"include-controls": seen} if seen else {}
    return chosen | ({"exclude-controls": left} if left else {})


def _selected(result: ControlResult, reached: Compliance) -> dict[str, str]:
    return {"control-id": _token(reached, result)}


def _observations(report: Report, reached: Compliance, made_at: str) -> dict[str, list[dict[str, Any]]]:
    """Return by rule an observation for each finding that a control of the framework asks about."""
    wanted = reached.framework.rules
    made: dict[str, list[dict[str, Any]]] = {}
    for number, (status, finding) in enumerate(_findings(report)):
        if finding.rule in wanted:
            made.setdefault(finding.rule, []).append(_observation(number, status, finding, made_at))
    return made


def _findings(report: Report) -> Iterator[tuple[str, Finding]]:
    yield from (("open", finding) for finding in report.findings)
    yield from (("known", finding) for finding in report.known)
    yield from (("accepted", each.finding) for each in report.accepted)


def _observation(number: int, status: str, finding: Finding, made_at: str) -> dict[str, Any]:
    place = where(finding.place, column=True) or finding.ref.short or finding.ref.kind
    seen = f"{place} {finding.place.path} {finding.evidence[0].observed}"
    return {
        "uuid": _id("observation", f"{finding.fingerprint}\0{number}"),
        "title": clean(finding.title or finding.rule),
        "description": clean(f"{finding.ref.short or finding.ref.kind}: {finding.message}"),
        "props": [_prop("rule", finding.rule), _prop("severity", finding.severity.label), _prop("status", status)],
        "methods": ["TEST"],
        "types": ["finding"],
        "relevant-evidence": [{"description": clean(" ".join(seen.split()))}],
        "collected": made_at,
    }


def _finding(
    result: ControlResult, reached: Compliance, observed: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    token = _token(reached, result)
    status = {"state": "satisfied", "reason": "pass"} if result.state == PASSED else {"state": "not-satisfied"}
    if result.state != PASSED:
        status["reason"] = "fail" if result.state == FAILED else "other"
    told = "; ".join(words.format(**values) for words, values in reasons(result))
    made: dict[str, Any] = {
        "uuid": _id("finding", token),
        "title": f"{result.control.id} {result.control.title}",
        "description": clean(f"{result.passed} of {result.judged} verdicts passed.{' ' if told else ''}{told}"),
        "props": [_prop("state", result.state)],
        "target": {"type": "objective-id", "target-id": token, "status": status},
    }
    related = [{"observation-uuid": each["uuid"]} for rule in result.failing for each in observed.get(rule, ())]
    return made | ({"related-observations": related} if related else {})


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": clean(value)}


def _token(reached: Compliance, result: ControlResult) -> str:
    """Return a control's id as OSCAL writes one: it begins with a letter, and has no slash."""
    return f"{reached.framework.id}-{result.control.id}".replace("/", ".")


def _id(kind: str, name: str) -> str:
    return str(uuid5(OURS, f"{kind}\0{clean(name)}"))
