"""The terminal table: worst first, grouped by what a person would change, each finding with one line of evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import BinaryIO

from transom.model.findings import Finding, Rule, Skipped
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report.options import ReportOptions
from transom.report.summary import Report, owner_of
from transom.report.text import BOLD, COLOURS, DIM, GREEN, RED, YELLOW, Paint, columns, cut, safe, wrapped

LABEL_WIDTH = 8  # CRITICAL
INDENT = " " * (LABEL_WIDTH + 2)
NARROW = 60  # below this, evidence and titles lose their indent
SKIPS_SHOWN = 20  # of one reason; the rest is counted, and every one is in the JSON
CONTAINERS_SHOWN = 4


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the table."""
    for line in lines(report, options):
        stream.write((line if options.unicode else _ascii(line)).encode("utf-8", "backslashreplace") + b"\n")


def _ascii(line: str) -> str:
    plain = line.replace("…", "...").replace("×", "x").replace("·", "-").replace("─", "-")
    return plain.encode("ascii", "backslashreplace").decode("ascii")


def lines(report: Report, options: ReportOptions) -> Iterator[str]:
    """Yield the lines of the table."""
    paint = Paint(options.colour)
    for owner, findings in _groups(report.findings):
        yield from _group(owner, findings, report, options, paint)
        yield ""
    if report.skipped:
        yield from _skipped(report, options, paint)
        yield ""
    yield from _summary(report, options, paint)


def _groups(findings: Sequence[Finding]) -> list[tuple[Ref, list[Finding]]]:
    """Group by owner and file; groups stand by their worst findings, then by how many there are."""
    by_owner: dict[tuple[Ref, str], list[Finding]] = {}
    for finding in findings:
        by_owner.setdefault((owner_of(finding), finding.place.file), []).append(finding)

    def weight(group: list[Finding]) -> list[int]:
        return [-sum(finding.severity == severity for finding in group) for severity in reversed(Severity)]

    ordered = sorted(by_owner.items(), key=lambda pair: (-pair[1][0].severity, weight(pair[1])))
    return [(owner, group) for (owner, _), group in ordered]


def _group(owner: Ref, findings: list[Finding], report: Report, options: ReportOptions, paint: Paint) -> Iterator[str]:
    name, file = safe(owner.short) or owner.kind, safe(findings[0].place.file)
    gap = options.width - columns(name) - columns(file)
    if gap >= 2:
        yield paint(name, BOLD) + " " * 2 + paint(file, DIM)
    else:
        yield paint(cut(name, options.width), BOLD)
        yield from (paint(line, DIM) for line in wrapped(file, options.width, "  ", "  ") if file)
    for _, alike in groupby(
        findings, key=lambda finding: (finding.severity, finding.rule, finding.ref, finding.message)
    ):
        yield from _row(list(alike), report, options, paint)


def _row(alike: list[Finding], report: Report, options: ReportOptions, paint: Paint) -> Iterator[str]:
    """Yield the lines of one rule's findings in one object: its title, then a place for each."""
    finding = alike[0]
    label = finding.severity.name
    rule = report.rules.get(finding.rule)
    title = safe(_title(finding, rule, options))
    message = safe(finding.message)
    names = _containers(alike)
    text = f"{title}{f' ({names})' if names else ''}"
    narrow = options.width < NARROW
    first = paint(label, COLOURS[finding.severity]) + " " * (LABEL_WIDTH + 2 - len(label))
    room = options.width if narrow else options.width - len(INDENT) - columns(finding.rule) - 2
    body = wrapped(text, max(room, 20))
    if narrow:
        yield first.rstrip() + "  " + paint(cut(finding.rule, options.width - LABEL_WIDTH - 2), DIM)
        yield from wrapped(text, options.width, "  ", "  ")
    else:
        pad = " " * max(options.width - len(INDENT) - columns(body[0]) - columns(finding.rule), 2)
        yield first + body[0] + pad + paint(finding.rule, DIM)
        yield from (INDENT + line for line in body[1:])
    indent = "  " if narrow else INDENT
    if message and message != title and not _says_the_same(message, rule):
        yield from wrapped(message, options.width, indent, indent)
    for each in alike[:CONTAINERS_SHOWN]:
        yield paint(indent + _evidence(each, options.width - len(indent)), DIM)
    if len(alike) > CONTAINERS_SHOWN:
        yield paint(f"{indent}… and {len(alike) - CONTAINERS_SHOWN} more places", DIM)


def _says_the_same(message: str, rule: Rule | None) -> bool:
    """Tell whether a message adds nothing for a reader: texts of ours repeat their title in other words."""
    return rule is not None and bool(rule.why)


def _title(finding: Finding, rule: Rule | None, options: ReportOptions) -> str:
    title = rule.texts.get(options.language, {}).get("title") if rule else None
    return title or finding.title or finding.rule


def _containers(alike: Sequence[Finding]) -> str:
    names = [safe(finding.container) for finding in alike if finding.container]
    names = list(dict.fromkeys(names))
    if len(names) <= CONTAINERS_SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[:CONTAINERS_SHOWN])} and {len(names) - CONTAINERS_SHOWN} more"


def _evidence(finding: Finding, width: int) -> str:
    """Return place and sight in one line; of a path that is too long the beginning goes, never what was seen."""
    place, seen = finding.place, safe(finding.evidence[0].observed)
    where = f"{place.line}:{place.column}  " if place.line else ""
    path = safe(place.path)
    name, _, observed = seen.partition(": ")
    ends_in_name = path.endswith((name, "]"))
    said = f": {observed}" if observed and path and ends_in_name else f"{'  ' if path else ''}{seen}"
    room = width - columns(where) - columns(said)
    if columns(path) > room:
        path = "…" + path[max(len(path) - max(room - 1, 8), 0) :]
    return cut(f"{where}{path}{said}", width)


# what was not judged


def _skipped(report: Report, options: ReportOptions, paint: Paint) -> Iterator[str]:
    yield paint(f"SKIPPED  {_count(len(report.skipped), 'thing')} could not be judged", YELLOW + BOLD)
    by_reason: dict[tuple[str, str, str], list[Skipped]] = {}
    for skipped in report.skipped:
        by_reason.setdefault((skipped.rule, skipped.reason, skipped.next_step), []).append(skipped)
    for (rule, reason, next_step), group in by_reason.items():
        what = f"{rule}: " if rule else ""
        for skipped in group[:SKIPS_SHOWN]:
            yield from wrapped(_skipped_place(skipped), options.width, "  ", "    ")
        if len(group) > SKIPS_SHOWN:
            yield f"  … and {len(group) - SKIPS_SHOWN} more"
        yield from wrapped(safe(f"{what}{reason}"), options.width, "    ", "    ")
        if next_step:
            yield from (paint(line, DIM) for line in wrapped(safe(f"> {next_step}"), options.width, "    ", "      "))


def _skipped_place(skipped: Skipped) -> str:
    place = skipped.locator
    where = place.file or skipped.ref.name
    if place.line:
        where = f"{where}:{place.line}:{place.column}"
    name = skipped.ref.short if skipped.ref.scope == "k8s" else ""
    return safe(f"{where}  {name}".rstrip())


# what it comes to


def _summary(report: Report, options: ReportOptions, paint: Paint) -> Iterator[str]:
    counts = [(severity, count) for severity, count in report.by_severity.items() if count]
    if counts:
        parts = [f"{paint(severity.name, COLOURS[severity])} {count:,}" for severity, count in counts]
        plain = ", ".join(f"{severity.name} {count:,}" for severity, count in counts)
        head = f"{_count(len(report.findings), 'finding')}:"
        if columns(f"{head} {plain}") <= options.width:
            yield f"{paint(head, BOLD)} {', '.join(parts)}"
        else:
            yield paint(head, BOLD)
            yield from (f"  {part}" for part in parts)
    else:
        yield _nothing_found(report, paint)
    yield from (paint(line, DIM) for line in wrapped(_counted(report), options.width))
    if counts:
        worst = report.findings[0].rule
        yield from (paint(line, DIM) for line in wrapped(f"Next: transom explain {worst}", options.width))


def _nothing_found(report: Report, paint: Paint) -> str:
    if not report.verdicts:
        return paint("Nothing was judged.", RED + BOLD)
    if len(report.skipped) > report.allowed_skips:
        return paint("Nothing was found in what could be judged; the scan is incomplete.", YELLOW + BOLD)
    return paint("Every window that was looked at is shut.", GREEN + BOLD)


def _counted(report: Report) -> str:
    rules = sum(each.judged > 0 for each in report.judged)
    parts = [f"{report.verdicts:,} verdicts of {_count(rules, 'rule')}, {report.passed:,} passed"]
    if report.skipped:
        allowed = f" ({report.allowed_skips:,} allowed)" if report.allowed_skips else ""
        parts.append(f"{len(report.skipped):,} skipped{allowed}")
    if report.suppressed:
        parts.append(f"{report.suppressed:,} known from the baseline")
    if report.not_applicable:
        others = ", ".join(f"{count:,} {what}" for what, count in report.not_applicable.items())
        parts.append(f"not applicable: {others}")
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
