"""JUnit XML: for the test tabs of build servers. A suite for each window, a failed case for each finding.

The format names what passed nowhere, so each rule that found no fault is one case that passed. What was not judged, what
a baseline knows and what its own file declares acceptable are cases that were skipped, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import BinaryIO

from msgspec import Struct

from transom.model.findings import Finding, Skipped
from transom.model.language import translator
from transom.report.compliance import FAILED, PASSED, Compliance, compliance, reasons
from transom.report.options import ReportOptions
from transom.report.summary import Report
from transom.report.text import safe
from transom.report.words import where

MAX_TEXT_CHARS = 10_000  # of one text: build servers keep all of them for every build


class _Case(Struct, frozen=True):
    """One case: outcome is the element that tells it, empty where it passed."""

    rule: str
    name: str
    outcome: str = ""
    kind: str = ""
    told: str = ""
    detail: str = ""


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the report as one testsuites element."""
    say = translator(options.language)
    suites: dict[str, list[_Case]] = {}
    for case in _cases(report, say):
        rule = report.rules.get(case.rule)
        suites.setdefault(rule.window if rule and rule.window else "transom", []).append(case)
    reached = compliance(report)
    if reached is not None:
        suites[reached.framework.name] = list(_controls(reached, say))
    every = [case for cases in suites.values() for case in cases]
    stream.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    stream.write(f'<testsuites name="transom" {_counts(every)}>\n'.encode())
    for window, cases in sorted(suites.items()):
        stream.write(f'<testsuite name="{_text(window)}" {_counts(cases)}>\n'.encode())
        for case in cases:
            stream.write(_written(case).encode())
        stream.write(b"</testsuite>\n")
    stream.write(b"</testsuites>\n")


def _cases(report: Report, say: Callable[[str], str]) -> Iterator[_Case]:
    for finding in report.findings:
        kind, detail = finding.severity.label, "\n".join(map(_shown, _detail(finding)))
        yield _Case(finding.rule, _name(finding), "failure", kind, finding.message or finding.title, detail)
    for finding in report.known:
        yield _Case(finding.rule, _name(finding), "skipped", told=say("known from the baseline"))
    for accepted in report.accepted:
        told = say("accepted: {reason}").format(reason=accepted.reason)
        yield _Case(accepted.finding.rule, _name(accepted.finding), "skipped", told=told)
    for skipped in report.skipped:
        step = f"; {skipped.next_step}" if skipped.next_step else ""
        told = say("not judged: {reason}").format(reason=f"{skipped.reason}{step}")
        yield _Case(skipped.rule, _named(skipped), "skipped", told=told)
    for judged in report.judged:
        if judged.judged and judged.judged == judged.passed:
            yield _Case(judged.rule, say("passed: {count:,} of {count:,}").format(count=judged.passed))


def _controls(reached: Compliance, say: Callable[[str], str]) -> Iterator[_Case]:
    """Yield a case for each control: one that is unknown or not applicable was skipped."""
    for each in reached.results:
        name = f"{each.control.id} {each.control.title}"
        if each.state == PASSED:
            yield _Case(reached.framework.id, name)
        elif each.state == FAILED:
            told = say("failed: {count:,} of {judged:,}").format(count=each.failed, judged=each.judged)
            yield _Case(reached.framework.id, name, "failure", FAILED, told, "\n".join(each.failing))
        else:
            why = "; ".join(say(words).format(**values) for words, values in reasons(each))
            yield _Case(reached.framework.id, name, "skipped", told=f"{say(each.state)}{': ' if why else ''}{why}")


def _name(finding: Finding) -> str:
    container = f" ({finding.container})" if finding.container else ""
    return f"{finding.ref.short}{container}" or finding.place.file


def _named(skipped: Skipped) -> str:
    return where(skipped.locator) or skipped.ref.short or skipped.ref.kind


def _detail(finding: Finding) -> Iterator[str]:
    for evidence in finding.evidence:
        place = evidence.locator
        yield f"{where(place, column=True)} {place.path} {evidence.observed}".strip()
    if finding.fix:
        yield finding.fix
    yield finding.fingerprint


def _counts(cases: list[_Case]) -> str:
    failures, skipped = (sum(case.outcome == outcome for case in cases) for outcome in ("failure", "skipped"))
    return f'tests="{len(cases)}" failures="{failures}" errors="0" skipped="{skipped}"'


def _written(case: _Case) -> str:
    begin = f'<testcase classname="{_text(case.rule or "transom")}" name="{_text(case.name)}"'
    if not case.outcome:
        return f"{begin}/>\n"
    kind = f' type="{case.kind}"' if case.kind else ""
    told = f'<{case.outcome}{kind} message="{_text(case.told)}"'
    detail = f">{escape(case.detail)}</{case.outcome}>" if case.detail else "/>"
    return f"{begin}>{told}{detail}</testcase>\n"


def _text(text: str) -> str:
    """Return foreign text for an attribute; XML has no way at all to write most control characters."""
    return escape(_shown(text))


def _shown(text: str) -> str:
    return safe(text) if len(text) <= MAX_TEXT_CHARS else f"{safe(text[:MAX_TEXT_CHARS])}…"
