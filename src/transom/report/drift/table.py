"""Drift for the terminal: objects and their fields, then findings that came and went, then what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import BinaryIO

from transom.model.drift import ChangedObject, FieldChange, PresentObject, Repeated
from transom.model.findings import Finding, Skipped
from transom.model.language import mark
from transom.report.drift.summary import DriftReport
from transom.report.options import ReportOptions
from transom.report.summary import Report
from transom.report.text import BOLD, COLOURS, DIM, GREEN, LABELS, RED, YELLOW, Look, columns, wrapped
from transom.report.words import MORE, SEVERITY_WORDS, told, where

SHOWN_OF_ONE_REASON = 8  # things that one reason speaks of; the rest is counted, and every one is in the JSON
INDENT = "  "
NOT_SET = mark("not set")


def write(report: DriftReport, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the table."""
    for line in lines(report, options):
        stream.write(line.encode("utf-8", "backslashreplace") + b"\n")


def lines(report: DriftReport, options: ReportOptions) -> Iterator[str]:
    """Yield the lines of the table."""
    look = Look(options)
    for section in (_objects(report, look), _findings(report, look), _doubts(report, look)):
        shown = list(section)
        yield from shown
        if shown:
            yield ""
    yield from _summary(report, look)


# objects


def _objects(report: DriftReport, look: Look) -> Iterator[str]:
    objects = report.objects
    for changed in objects.changed:
        yield from _changed(changed, look)
    yield from (_present("+", each, GREEN, look) for each in objects.added)
    yield from (_present("-", each, RED, look) for each in objects.removed)
    for repeated in objects.repeated:
        yield from wrapped(_repeated(repeated, report, look), look.width, f"{look.paint('=', YELLOW)} ", INDENT)


def _present(sign: str, present: PresentObject, colour: str, look: Look) -> str:
    name = look.safe(present.ref.short)
    place = look.safe(where(present.at))
    room = look.width - len(INDENT) - columns(name) - 2
    told_place = look.paint(f"  {look.cut_left(place, room)}", DIM) if place and room > 0 else ""
    return f"{look.paint(sign, colour)} {look.cut(name, look.width - len(INDENT))}{told_place}"


def _changed(changed: ChangedObject, look: Look) -> Iterator[str]:
    name, place = look.safe(changed.ref.short), look.safe(where(changed.after_at))
    head = f"{look.paint('~', YELLOW)} {look.paint(look.cut(name, look.width - len(INDENT)), BOLD)}"
    fits = columns(name) + columns(place) + 4 <= look.width
    yield f"{head}  {look.paint(place, DIM)}" if place and fits else head
    others = [field.path for field in changed.fields if not field.security]
    for field in changed.fields:
        if field.security:
            yield from _field(field, look)
    if others:
        text = look.say("only how it is run: {}").format(look.safe(", ".join(others)))
        yield from (look.paint(line, DIM) for line in wrapped(text, look.width, INDENT * 2, INDENT * 3))


def _field(field: FieldChange, look: Look) -> Iterator[str]:
    before, after = (
        look.say(NOT_SET) if each is None else look.safe(each) or '""' for each in (field.before, field.after)
    )
    change = f"{before} {look.arrow} {after}"
    path = look.safe(field.path)
    if len(INDENT) * 2 + columns(path) + 2 + columns(change) <= look.width:
        yield f"{INDENT * 2}{path}  {look.paint(before, RED)} {look.arrow} {look.paint(after, GREEN)}"
    else:
        yield from wrapped(path, look.width, INDENT * 2, INDENT * 3)
        yield from wrapped(change, look.width, INDENT * 3, INDENT * 4)


def _repeated(repeated: Repeated, report: DriftReport, look: Look) -> str:
    source = report.before if repeated.side == "before" else report.after
    places = ", ".join(dict.fromkeys(where(place) for place in repeated.at if where(place)))
    text = look.say("{name} stands {count} times in {source}: {places}")
    names = {"name": look.safe(repeated.ref.short), "source": look.safe(" ".join(source.targets))}
    return text.format(**names, count=len(repeated.at), places=look.safe(places))


# findings


def _findings(report: DriftReport, look: Look) -> Iterator[str]:
    new = [each.finding for each in report.new]
    yield from _group(look.say("NEW"), RED, new, report.after, look, sights=True)
    first_judged = [each.finding for each in report.new if each.why]
    if first_judged:
        text = look.say("{:,} of these could not be judged before").format(len(first_judged))
        yield from (look.paint(line, DIM) for line in wrapped(text, look.width, INDENT, INDENT))
    yield from _group(look.say("GONE"), GREEN, report.gone, report.before, look)
    accepted = [each.finding for each in report.accepted]
    yield from _group(look.say("ACCEPTED NOW"), YELLOW, accepted, report.after, look)


def _group(
    title: str, colour: str, findings: Sequence[Finding], source: Report, look: Look, sights: bool = False
) -> Iterator[str]:
    if findings:
        yield look.paint(f"{title} ({len(findings):,})", colour + BOLD)
    for finding in findings:
        yield from _finding(finding, source, look)
        if sights:
            yield from _sight(finding, look)


def _finding(finding: Finding, source: Report, look: Look) -> Iterator[str]:
    label = look.say(LABELS[finding.severity])
    title = look.safe(told(finding, source, look.language)["title"])
    container = f" ({look.safe(finding.container)})" if finding.container else ""
    named = look.safe(finding.ref.short or finding.ref.kind)
    before = f"{INDENT}{look.paint(label, COLOURS[finding.severity])}{' ' * (9 - columns(label))}"
    first, *rest = wrapped(look.say("{}: {}").format(f"{title}{container}", named), look.width - 11)
    yield before + first
    yield from (f"{INDENT}{' ' * 9}{line}" for line in rest)


def _sight(finding: Finding, look: Look) -> Iterator[str]:
    """Yield where a finding is and what was seen there: what is gone has nothing left to look at."""
    place = " ".join(part for part in (where(finding.place, column=True), finding.place.path) if part)
    text = look.safe(f"{place}  {finding.evidence[0].observed}  {finding.rule}")
    yield from (look.paint(line, DIM) for line in wrapped(text, look.width, INDENT + " " * 9, INDENT + " " * 11))


# what is not known


def _doubts(report: DriftReport, look: Look) -> Iterator[str]:
    if report.unjudged:
        yield look.paint(
            look.say("NO LONGER JUDGED ({:,}), which is not gone").format(len(report.unjudged)), YELLOW + BOLD
        )
        pairs = sorted(((each.why, each.finding) for each in report.unjudged), key=lambda pair: pair[0])
        for why, group in groupby(pairs, key=lambda pair: pair[0]):
            names = [f"{finding.ref.short} {finding.rule}" for _, finding in group]
            yield from _reason(look.told(why), names, look)
    if report.objects.unseen:
        count = len(report.objects.unseen)
        yield look.paint(look.say("NOT SEEN ({:,}), which is not removed").format(count), YELLOW + BOLD)
        unseen = sorted(report.objects.unseen, key=lambda each: each.why)
        for why, objects in groupby(unseen, key=lambda each: each.why):
            yield from _reason(look.told(why), [each.ref.short for each in objects], look)
    if report.rules_unjudged:
        yield look.paint(look.say("RULES NO LONGER JUDGED"), YELLOW + BOLD)
        yield from wrapped(look.safe(", ".join(report.rules_unjudged)), look.width, INDENT, INDENT)
    for source in (report.before, report.after):
        yield from _skipped(source, look)


def _reason(reason: str, names: Sequence[str], look: Look) -> Iterator[str]:
    yield from wrapped(reason, look.width, INDENT, INDENT)
    for name in names[:SHOWN_OF_ONE_REASON]:
        yield from wrapped(look.safe(name), look.width, INDENT * 2, INDENT * 3)
    if len(names) > SHOWN_OF_ONE_REASON:
        yield f"{INDENT * 2}{look.say(MORE).format(count=len(names) - SHOWN_OF_ONE_REASON)}"


def _skipped(source: Report, look: Look) -> Iterator[str]:
    if not source.skipped:
        return
    name = look.safe(" ".join(source.targets))
    yield look.paint(look.say("SKIPPED in {}").format(name), YELLOW + BOLD)
    by_reason: dict[tuple[str, str], list[Skipped]] = {}
    for skipped in source.skipped:
        by_reason.setdefault((skipped.reason, skipped.next_step), []).append(skipped)
    for (reason, next_step), group in by_reason.items():
        yield from _reason(
            look.told(reason), [where(each.locator) or each.ref.short or each.ref.kind for each in group], look
        )
        if next_step:
            yield from (look.paint(line, DIM) for line in wrapped(look.told(next_step), look.width, "    > ", "      "))


# what it comes to


def _summary(report: DriftReport, look: Look) -> Iterator[str]:
    objects = report.objects
    of_objects = (
        (mark("{:,} added"), len(objects.added)),
        (mark("{:,} removed"), len(objects.removed)),
        (mark("{:,} changed"), report.changed),
        (mark("{:,} changed only in how they are run"), len(objects.changed) - report.changed),
        (mark("{:,} not seen"), len(objects.unseen)),
        (mark("{:,} the same"), objects.same),
    )
    yield from wrapped(look.say("{}: {}").format(look.say("Objects"), _counted(of_objects, look)), look.width)
    of_findings = (
        (mark("{:,} new"), len(report.new)),
        (mark("{:,} gone"), len(report.gone)),
        (mark("{:,} accepted now"), len(report.accepted)),
        (mark("{:,} no longer judged"), len(report.unjudged)),
        (mark("{:,} still there"), report.still),
    )
    yield from wrapped(look.say("{}: {}").format(look.say("Findings"), _counted(of_findings, look)), look.width)
    yield from (look.paint(line, DIM) for line in wrapped(_exit(report, look), look.width) if line)


def _counted(counts: Iterable[tuple[str, int]], look: Look) -> str:
    shown = [look.say(words).format(count) for words, count in counts if count]
    return look.say(", ").join(shown) or look.say("none")


def _exit(report: DriftReport, look: Look) -> str:
    """Return why the command ends as it does; nothing where it ends well."""
    if not report.before.verdicts or not report.after.verdicts:
        return look.say("Exit code 3: in one of the sources nothing was judged.")
    if not report.complete:
        return look.say("Exit code 3: incomplete, for what was skipped above.")
    if report.at_threshold:
        told_count = look.say("Exit code 1: {:,} new at {} or above.")
        return told_count.format(report.at_threshold, look.say(SEVERITY_WORDS[report.after.threshold]))
    return look.say("Exit code 1: objects differ.") if report.exit_code else ""
