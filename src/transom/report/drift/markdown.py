"""Drift as a comment on a pull or merge request: new findings first, objects and their fields below, the rest folded.

Foreign text stands in code spans, where it can be no link, mention, image or HTML.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from transom.model.drift import ChangedObject, FieldChange, PresentObject, Repeated
from transom.model.findings import Finding, Skipped
from transom.model.language import mark, translator
from transom.report.drift.summary import DriftReport
from transom.report.markdown import CLOSING_ROOM, MAX_CHARS, Say, code, escaped, section
from transom.report.options import ReportOptions
from transom.report.summary import Report
from transom.report.words import SEVERITY_WORDS, told, where

FIELDS_SHOWN = 10  # of one object; the others are counted


def write(report: DriftReport, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the comment: never longer than MAX_CHARS characters."""
    stream.write("".join(_pieces(report, options)).encode("utf-8", "backslashreplace"))


def _pieces(report: DriftReport, options: ReportOptions) -> Iterator[str]:
    say = translator(options.language)
    head = "".join(_summary(report, say))
    room = MAX_CHARS - len(head) - CLOSING_ROOM
    yield head
    objects, language = report.objects, options.language
    new = [_finding(each.finding, report.after, language, say) for each in report.new]
    gone = [_finding(each, report.before, language, say) for each in report.gone]
    doubts = [f"{_finding(each.finding, report.before, language, say)}: {code(each.why)}" for each in report.unjudged]
    skipped = [_skipped(each) for source in (report.before, report.after) for each in source.skipped]
    matter = [_changed(each, say) for each in objects.changed if each.matters]
    others = [code(each.ref.short) for each in objects.changed if not each.matters]
    for title, lines, folded in (
        (say("New findings"), new, False),
        (say("No longer judged, which is not gone"), doubts, False),
        (say("Changed objects"), matter, False),
        (say("Added objects"), [_present(each) for each in objects.added], True),
        (say("Removed objects"), [_present(each) for each in objects.removed], True),
        (
            say("Not seen, which is not removed"),
            [f"{_present(each)}: {code(each.why)}" for each in objects.unseen],
            True,
        ),
        (say("Gone findings"), gone, True),
        (say("Accepted now"), [_accepted(each.finding, each.reason) for each in report.accepted], True),
        (say("Changed only in how they are run"), others, True),
        (say("Objects that stand several times in one source"), [_repeated(each) for each in objects.repeated], True),
        (say("Rules no longer judged"), [code(rule) for rule in report.rules_unjudged], True),
        (say("Not judged"), skipped, True),
    ):
        piece = section(title, lines, folded, room, say)
        room -= len(piece)
        yield piece


def _summary(report: DriftReport, say: Say) -> Iterator[str]:
    objects = report.objects
    yield f"## {say('What differs')}\n\n"
    yield f"{code(' '.join(report.before.targets))} → {code(' '.join(report.after.targets))}\n\n"
    columns = (
        (mark("new findings"), len(report.new)),
        (mark("gone"), len(report.gone)),
        (mark("no longer judged"), len(report.unjudged)),
        (mark("objects added"), len(objects.added)),
        (mark("removed"), len(objects.removed)),
        (mark("changed"), report.changed),
    )
    yield f"| {' | '.join(say(title) for title, _ in columns)} |\n|{' --: |' * len(columns)}\n"
    yield f"| {' | '.join(f'{count:,}' for _, count in columns)} |\n\n"
    if not report.complete:
        yield f"{say('The comparison is incomplete: not everything could be judged.')}\n\n"
    yield f"{say('Exit code')} {int(report.exit_code)}\n\n"


def _finding(finding: Finding, source: Report, language: str, say: Say) -> str:
    title = escaped(told(finding, source, language)["title"])
    named = [finding.ref.short, finding.container, where(finding.place), finding.rule]
    return f"**{say(SEVERITY_WORDS[finding.severity])}** {title}: {' '.join(code(each) for each in named if each)}"


def _accepted(finding: Finding, reason: str) -> str:
    return f"{code(finding.ref.short)} {code(finding.rule)}: {code(reason)}"


def _present(present: PresentObject) -> str:
    place = where(present.at)
    return f"{code(present.ref.short)} {code(place)}" if place else code(present.ref.short)


def _changed(changed: ChangedObject, say: Say) -> str:
    fields = [field for field in changed.fields if field.security]
    shown = "".join(f"\n  - {_field(field, say)}" for field in fields[:FIELDS_SHOWN])
    left = len(changed.fields) - min(len(fields), FIELDS_SHOWN)
    more = f"\n  - {say('and {count:,} more fields').format(count=left)}" if left else ""
    return f"{code(changed.ref.short)}{shown}{more}"


def _field(field: FieldChange, say: Say) -> str:
    before, after = (say("not set") if each is None else code(each or '""') for each in (field.before, field.after))
    return f"{code(field.path)}: {before} → {after}"


def _repeated(repeated: Repeated) -> str:
    return f"{code(repeated.ref.short)}: {' '.join(code(where(place)) for place in repeated.at)}"


def _skipped(skipped: Skipped) -> str:
    place = where(skipped.locator) or skipped.ref.short or skipped.ref.kind
    return f"{code(place)} {code(skipped.reason)}"
