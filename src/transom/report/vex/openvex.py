"""OpenVEX 0.2.0 (OpenVEX specification)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from transom.report.encode import indented
from transom.report.options import ReportOptions
from transom.report.summary import Report
from transom.report.vex.verdicts import JUSTIFICATIONS, Verdict, identity, timestamp, verdicts

CONTEXT = "https://openvex.dev/ns/v0.2.0"
NO_ACTION = "Accepted as it is."  # affected asks for an action


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the document; its id follows from its statements."""
    statements = [_statement(each) for each in verdicts(report)]
    document = {
        "@context": CONTEXT,
        "@id": f"https://transom.dev/vex/{identity(msgspec.json.encode(statements))}",
        "author": "Transom",
        "role": "scanner, with the decisions of its users",
        "timestamp": timestamp(options.made_at),
        "version": 1,
        "tooling": f"transom {report.version}",
        "statements": statements,
    }
    stream.write(indented(document, 0) + b"\n")


def _statement(verdict: Verdict) -> dict[str, Any]:
    told = verdict.told
    bug: dict[str, Any] = {"name": told.id}
    if told.aliases:
        bug["aliases"] = list(told.aliases)
    made: dict[str, Any] = {"vulnerability": bug, "products": [dict(_product(verdict))], "status": verdict.status}
    if verdict.status == "not_affected" and verdict.justification in JUSTIFICATIONS:
        made["justification"] = verdict.justification
    return made | _words(verdict)


def _product(verdict: Verdict) -> Iterator[tuple[str, Any]]:
    part = verdict.told.purl
    whole = verdict.product
    yield "@id", whole or part
    yield "identifiers", {"purl": whole or part}
    if whole:
        yield "subcomponents", [{"@id": part, "identifiers": {"purl": part}}]


def _words(verdict: Verdict) -> dict[str, str]:
    words = verdict.words
    if verdict.status == "not_affected":
        return {"impact_statement": words} if words else {}
    if verdict.status == "affected":
        return {"action_statement": words or NO_ACTION}
    return {"status_notes": words} if words else {}
