"""Markdown for comments on pull and merge requests: what it comes to, the worst findings, everything else folded away.

Foreign text stands in code spans, where it can be no link, mention, image or HTML; titles of rules are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from transom.model.findings import Finding, Skipped
from transom.model.language import mark, translated, translator
from transom.report.compliance import FORMULA as COMPLIANCE
from transom.report.compliance import STATES, ControlResult, compliance, reasons
from transom.report.options import ReportOptions
from transom.report.risk import risk
from transom.report.score import score
from transom.report.summary import Report
from transom.report.text import safe
from transom.report.words import MORE, SEVERITY_WORDS, cluster_told, told, where

MAX_CHARS = 60_000  # GitHub takes comments of 65,536 characters; some is left for whoever posts it
MAX_TEXT_CHARS = 300  # of one foreign text
PROVENANCES_SHOWN = 10  # lines that tell how charts and clusters were read
WORST = 10  # findings that are shown without unfolding
CLOSING_ROOM = 400  # characters kept for what tells how much was left out, and for the end
_TICKS = re.compile("`+")
_MARKS = re.compile(r"""([\\`*_{}\[\]()<>#+\-.!|~&:"'$^=])""")

Say = Callable[[str], str]


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the comment: never longer than MAX_CHARS characters."""
    stream.write("".join(_pieces(report, options)).encode("utf-8", "backslashreplace"))


def code(text: str) -> str:
    """Return foreign text as a code span; its fence is longer than any run of backticks in it."""
    shown = safe(text[:MAX_TEXT_CHARS]) + ("…" if len(text) > MAX_TEXT_CHARS else "")
    fence = "`" * (max((len(run) for run in _TICKS.findall(shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or shown.isspace() else ""
    return f"{fence}{pad}{shown or '-'}{pad}{fence}"


def escaped(text: str) -> str:
    """Return a title of a rule as plain text: no markup, and nobody is mentioned by it."""
    return _MARKS.sub(r"\\\1", safe(text[:MAX_TEXT_CHARS])).replace("@", "@<!-- -->").replace("\\#", "\\#<!-- -->")


def _pieces(report: Report, options: ReportOptions) -> Iterator[str]:
    say = translator(options.language)
    head = "".join(_summary(report, options.language))
    room = MAX_CHARS - len(head) - CLOSING_ROOM
    yield head
    controls = "".join(_compliance(report, say, room))
    room -= len(controls)
    yield controls
    worst = report.findings[:WORST]
    for title, lines, folded in (
        (say("Worst findings"), (_line(each, report, options, say) for each in worst), False),
        (say("Not judged"), (_skipped(each, options.language) for each in report.skipped), True),
        (say("More findings"), (_line(each, report, options, say) for each in report.findings[WORST:]), True),
        (say("Accepted"), (f"{_short(each.finding)}: {code(each.reason)}" for each in report.accepted), True),
        (say("Known from the baseline"), map(_short, report.known), True),
    ):
        piece = section(title, list(lines), folded, room, say)
        room -= len(piece)
        yield piece


def _summary(report: Report, language: str) -> Iterator[str]:
    say = translator(language)
    yield f"## {say('Transom report')}\n\n"
    shown = [(severity, count) for severity, count in report.by_severity.items() if count]
    if shown:
        yield f"| {' | '.join(say(SEVERITY_WORDS[severity]) for severity, _ in shown)} |\n"
        yield f"|{' --: |' * len(shown)}\n| {' | '.join(f'{count:,}' for _, count in shown)} |\n\n"
    elif report.complete:
        yield f"{say('Nothing was found.')}\n\n"
    else:
        yield f"{say('Nothing was found in what could be judged; the scan is incomplete.')}\n\n"
    for facts in report.clusters:
        yield f"{escaped(cluster_told(facts, say))}\n\n"
    reached = score(report)
    pair = say("{}: {}").format
    parts = [] if reached is None else [pair(say("Score"), f"{reached}/100")]
    danger = risk(report)
    parts += [] if danger is None else [pair(say("Risk"), f"{danger}/100")]
    parts.append(say("{count:,} verdicts, {passed:,} passed").format(count=report.verdicts, passed=report.passed))
    counts = (
        (mark("Not judged: {count:,}"), len(report.skipped)),
        (mark("Accepted: {count:,}"), len(report.accepted)),
        (mark("Known from the baseline: {count:,}"), len(report.known)),
    )
    parts += [say(words).format(count=count) for words, count in counts if count]
    yield f"{' · '.join(parts)} · {say('Exit code')} {int(report.exit_code)}\n\n"
    read = [
        pair(code(each.origin), escaped(translated(each.how, language)))
        for each in report.provenance[:PROVENANCES_SHOWN]
    ]
    if read:
        yield "".join(f"- {each}\n" for each in read) + "\n"


def _compliance(report: Report, say: Say, room: int) -> Iterator[str]:
    """Yield the controls of the framework that a scan was made for, as many as there is room for."""
    reached = compliance(report)
    if reached is None:
        return
    counts = " · ".join(f"{say(state)} {count:,}" for state, count in reached.counts.items() if count)
    percent = "" if reached.percent is None else f"**{reached.percent}%** "
    told = say("{}: {}").format(escaped(reached.framework.name), percent + counts)
    yield f"### {told}\n\n{say(COMPLIANCE)}\n\n"
    yield f"| {say('Control')} | {say('State')} | {say('Passed')} |\n| --- | --- | --: |\n"
    rows = [_control(each, say) for each in sorted(reached.results, key=lambda each: STATES.index(each.state))]
    shown = list(_fitting(rows, room // 2))
    yield from (line.removeprefix("- ") for line in shown)
    left = len(rows) - len(shown)
    yield f"\n{say(MORE).format(count=left)}\n\n" if left else "\n"


def _control(result: ControlResult, say: Say) -> str:
    failing = " ".join(code(rule) for rule in result.failing)
    why = failing or escaped("; ".join(say(words).format(**values) for words, values in reasons(result)))
    state = say("{}: {}").format(say(result.state), why) if why else say(result.state)
    return f"| {code(result.control.id)} {escaped(say(result.control.title))} | {state} | {result.passed:,}/{result.judged:,} |"


def section(title: str, lines: list[str], folded: bool, room: int, say: Say) -> str:
    """Return a heading and a list, of which as many lines are shown as there is room for."""
    if not lines:
        return ""
    count = f"{title} ({len(lines):,})"
    begin = f"<details>\n<summary>{count}</summary>\n\n" if folded else f"### {title}\n\n"
    end = "\n</details>\n\n" if folded else "\n"
    if room < len(begin) + len(end):
        return f"{count}\n\n" if room >= 0 else ""
    shown = list(_fitting(lines, room - len(begin) - len(end)))
    left = len(lines) - len(shown)
    more = f"- {say(MORE).format(count=left)}\n" if left else ""
    return f"{begin}{''.join(shown)}{more}{end}"


def _fitting(lines: Iterable[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line) + 3
        if room < 0:
            return
        yield f"- {line}\n"


def _line(finding: Finding, report: Report, options: ReportOptions, say: Say) -> str:
    title = escaped(told(finding, report, options.language)["title"])
    return say("{}: {}").format(f"**{say(SEVERITY_WORDS[finding.severity])}** {title}", _short(finding))


def _short(finding: Finding) -> str:
    named = [finding.ref.short, finding.container, where(finding.place), finding.rule]
    return " ".join(code(each) for each in named if each)


def _skipped(skipped: Skipped, language: str) -> str:
    place = where(skipped.locator) or skipped.ref.short or skipped.ref.kind
    step = f" → {code(translated(skipped.next_step, language))}" if skipped.next_step else ""
    return f"{code(place)} {code(translated(skipped.reason, language))}{step}"
