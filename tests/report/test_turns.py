"""Turns, line by line."""

from __future__ import annotations

from collections.abc import Callable

from transom.model.findings import Accepted, Finding, Skipped
from transom.model.refs import Ref
from transom.report.options import ReportOptions
from transom.report.summary import Report
from transom.report.text import Look
from transom.report.turns import line, record

AT = "2026-11-25T18:40:01Z"


def test_a_finding_is_one_line(finding: Callable[..., Finding], gathered: Callable[..., Report]) -> None:
    told = line(finding(), "appeared", AT, gathered([]), Look(ReportOptions()))
    assert told == f"{AT} + CRITICAL shop/Deployment/web (app) privileged-container: a container runs privileged"
    assert line(finding(), "vanished", AT, gathered([]), Look(ReportOptions())).startswith(f"{AT} - CRITICAL")


def test_what_is_accepted_or_skipped_says_why(finding: Callable[..., Finding], gathered: Callable[..., Report]) -> None:
    look = Look(ReportOptions())
    accepted = line(Accepted(finding(), "it drives a device"), "appeared", AT, gathered([]), look)
    assert accepted.endswith("a container runs privileged (it drives a device)")
    skipped = line(Skipped(Ref(kind="Secret", name="*"), "refused", "ask"), "appeared", AT, gathered([]), look)
    assert skipped == f"{AT} + SKIPPED  Secret/*: refused; ask"


def test_hostile_text_stays_in_its_line(finding: Callable[..., Finding], gathered: Callable[..., Report]) -> None:
    hostile = finding(name="a\nb\x1b[2J", message="x\u202ey\r\n+ CRITICAL")
    told = line(hostile, "appeared", AT, gathered([]), Look(ReportOptions()))
    assert told.isprintable()


def test_a_record_tells_when_and_what_became_of_it(
    finding: Callable[..., Finding], gathered: Callable[..., Report]
) -> None:
    made = record(finding(), "vanished", AT, gathered([]))
    assert (made["schema"], made["at"], made["state"], made["type"]) == ("transom.watch/1", AT, "vanished", "finding")
