"""Turns as they happen: a line or a JSON record for each verdict that was reached, and each that holds no more."""

from __future__ import annotations

from typing import Any

from transom.model.findings import Accepted, Finding, Skipped
from transom.model.turns import State, Verdict
from transom.report.records import accepted_record, finding_record, skipped_record
from transom.report.summary import Report
from transom.report.text import COLOURS, DIM, GREEN, LABELS, RED, YELLOW, Look, columns
from transom.report.words import told

SCHEMA = "transom.watch/1"
LABEL_WIDTH = 8  # CRITICAL
SIGNS: dict[State, tuple[str, str]] = {"present": ("=", DIM), "appeared": ("+", RED), "vanished": ("-", GREEN)}


def line(verdict: Verdict, state: State, at: str, report: Report, look: Look) -> str:
    """Return one line: time, sign, severity, object, rule, what is wrong. at: the time as text; report: has the rules."""
    sign, colour = SIGNS[state]
    label, label_colour, rest = _parts(verdict, report, look)
    gap = " " * max(LABEL_WIDTH - columns(label), 0)
    text = f"{look.paint(at, DIM)} {look.paint(sign, colour)} {look.paint(label, label_colour)}{gap} {rest}"
    return text.rstrip()


def _parts(verdict: Verdict, report: Report, look: Look) -> tuple[str, str, str]:
    if isinstance(verdict, Skipped):
        name = verdict.ref.short or verdict.ref.kind
        rule = f" {verdict.rule}" if verdict.rule else ""
        step = f"; {look.told(verdict.next_step)}" if verdict.next_step else ""
        return (
            look.say("SKIPPED"),
            YELLOW,
            look.say("{}: {}").format(look.safe(name + rule), look.told(verdict.reason) + step),
        )
    if isinstance(verdict, Accepted):
        _, _, rest = _parts(verdict.finding, report, look)
        return look.say("ACCEPTED"), DIM, f"{rest} ({look.safe(verdict.reason)})"
    container = f" ({look.safe(verdict.container)})" if verdict.container else ""
    message = look.told(verdict.message) or look.safe(told(verdict, report, look.language)["title"])
    named = f"{look.safe(verdict.ref.short or verdict.ref.kind)}{container} {look.safe(verdict.rule)}"
    return look.say(LABELS[verdict.severity]), COLOURS[verdict.severity], look.say("{}: {}").format(named, message)


def record(verdict: Verdict, state: State, at: str, report: Report) -> dict[str, Any]:
    """Return the record of a report, with when it was and what became of it."""
    if isinstance(verdict, Finding):
        made = finding_record(verdict, report)
    else:
        made = accepted_record(verdict, report) if isinstance(verdict, Accepted) else skipped_record(verdict)
    return made | {"schema": SCHEMA, "at": at, "state": state}
