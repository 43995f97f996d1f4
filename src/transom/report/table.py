"""The terminal table: worst first, grouped by what a person would change, each finding with its evidence.

Everything is printed; findings of one rule in one workload share a row, and what says the same is said once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import BinaryIO

from msgspec import Struct

from transom.model.findings import Accepted, Finding, Rule, Skipped
from transom.model.language import mark, translated
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report.compliance import compliance
from transom.report.options import ReportOptions
from transom.report.risk import risk
from transom.report.score import score
from transom.report.summary import Report, owner_of
from transom.report.text import BOLD, COLOURS, DIM, GREEN, LABELS, RED, YELLOW, Look, columns, wrapped
from transom.report.words import SEVERITY_WORDS, cluster_told, seen

LABEL_WIDTH = 8  # CRITICAL
INDENT = " " * (LABEL_WIDTH + 2)
NARROW = 60  # columns; below, the rule stands in a row of its own and evidence loses its indent
MEASURE = 120  # columns; on a wider terminal a rule's name would stand too far from its title
PATH_ROOM = 72  # columns that a path and what was seen there should have before the file's name is repeated
PLACES_SHOWN = 4  # with path and sight; of the others of one row, line and column only
SHOWN_OF_ONE_REASON = 8  # of what was skipped or accepted; the rest is counted, and every one is in the JSON
COMMONEST_SHOWN = 5
PROVENANCES_SHOWN = 10  # a monorepo may hold a hundred charts
COMMONEST_FROM = 20  # findings; fewer are overseen without help

NOUNS = {
    "finding": (mark("{:,} finding"), mark("{:,} findings")),
    "thing": (mark("{:,} thing"), mark("{:,} things")),
    "verdict": (mark("{:,} verdict"), mark("{:,} verdicts")),
    "rule": (mark("{:,} rule"), mark("{:,} rules")),
    "exception": (mark("{:,} exception"), mark("{:,} exceptions")),
}
"""What is counted: of one, and of any other number; languages without a plural say the same of both."""

_Placed = tuple[Finding, str]  # a finding, and its place as the table writes it


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the table."""
    for line in lines(report, options):
        stream.write(line.encode("utf-8", "backslashreplace") + b"\n")


def lines(report: Report, options: ReportOptions) -> Iterator[str]:
    """Yield the lines of the table; of a scan for a framework its controls instead of the findings."""
    look = Look(options)
    reached = compliance(report)
    if reached is not None:
        from transom.report import controls

        yield from controls.lines(reached, look)
        yield ""
    texts = _Texts(report.rules, _sole_messages(report.findings))
    shown = report.findings if reached is None else ()
    for owner, findings in _groups([each for each in shown if each.vulnerability is None]):
        yield from _group(owner, findings, texts, look)
        yield ""
    if any(each.vulnerability for each in shown):
        from transom.report import vulnerable

        yield from vulnerable.lines(shown, report, look, options.group_by)
    if report.skipped:
        yield from _skipped(report, look)
        yield ""
    if report.accepted:
        yield from _accepted(report, look)
        yield ""
    yield from _summary(report, look)


# what was found


class _Texts(Struct, frozen=True):
    """What rules are called, and the message of each rule that always says the same."""

    rules: Mapping[str, Rule]
    sole_messages: Mapping[str, str]

    def title(self, finding: Finding, language: str) -> str:
        rule = self.rules.get(finding.rule)
        title = rule.texts.get(language, {}).get("title") if rule else None
        return title or translated(finding.title or finding.rule, language)

    def message(self, finding: Finding) -> str:
        """Return the message where it tells a reader more than the title does, else nothing.

        A rule with a title of its own and one fixed message says the same twice; a message that names something,
        or that is one of several, does not.
        """
        rule, message = self.rules.get(finding.rule), finding.message
        if message == finding.title:
            return ""
        if rule is None or not rule.why or self.sole_messages.get(finding.rule) != message:
            return message
        names = (finding.container, finding.witness, finding.ref.name)
        return message if any(len(name) > 1 and name in message for name in names) else ""


def _sole_messages(findings: Sequence[Finding]) -> dict[str, str]:
    messages: dict[str, str] = {}
    several: set[str] = set()
    for finding in findings:
        if messages.setdefault(finding.rule, finding.message) != finding.message:
            several.add(finding.rule)
    return {rule: message for rule, message in messages.items() if rule not in several}


def _groups(findings: Sequence[Finding]) -> list[tuple[Ref, list[Finding]]]:
    """Group by owner and file; groups stand by their worst findings, then by how many there are."""
    by_owner: dict[tuple[Ref, str], list[Finding]] = {}
    for finding in findings:
        by_owner.setdefault((owner_of(finding), finding.place.file), []).append(finding)

    def weight(group: list[Finding]) -> list[int]:
        counts = Counter(finding.severity for finding in group)
        return [-counts[severity] for severity in reversed(Severity)]

    ordered = sorted(by_owner.items(), key=lambda pair: (-pair[1][0].severity, weight(pair[1])))
    return [(owner, group) for (owner, _), group in ordered]


def _group(owner: Ref, findings: list[Finding], texts: _Texts, look: Look) -> Iterator[str]:
    name, file = look.safe(owner.short or owner.kind or owner.scope), look.safe(findings[0].place.file)
    if owner.cluster:
        name = f"{look.safe(owner.cluster)}: {name}"
    if owner.scope == "file" or file == name:
        yield look.paint(look.cut(name, look.width), BOLD)
    elif file and columns(name) + 2 + columns(file) <= look.width:
        yield f"{look.paint(name, BOLD)}  {look.paint(file, DIM)}"
    else:
        yield look.paint(look.cut(name, look.width), BOLD)
        if file:
            yield from (look.paint(line, DIM) for line in wrapped(file, look.width, "  ", "  "))
    indent = "  " if look.width < NARROW else INDENT
    repeated = f"{file}:" if file and look.width - len(indent) - columns(file) - 12 >= PATH_ROOM else ""
    places = [_place(finding, repeated, look) for finding in findings]
    widest = max(map(columns, places))
    rows = groupby(zip(findings, places, strict=True), key=lambda pair: (pair[0].severity, pair[0].rule))
    for _, row in rows:
        pairs = list(row)
        yield from _heading([finding for finding, _ in pairs], texts, look)
        for message, alike in _by_message(pairs, texts).items():
            if message:
                yield from wrapped(look.told(message), min(look.width, MEASURE), indent, indent)
            yield from (look.paint(line, DIM) for line in _evidence(alike, widest, indent, look))


def _by_message(row: Sequence[_Placed], texts: _Texts) -> dict[str, list[_Placed]]:
    by_message: dict[str, list[_Placed]] = {}
    for placed in row:
        by_message.setdefault(texts.message(placed[0]), []).append(placed)
    return by_message


def _heading(alike: Sequence[Finding], texts: _Texts, look: Look) -> Iterator[str]:
    """Yield severity, title, containers and the rule's name."""
    finding = alike[0]
    label, rule = look.say(LABELS[finding.severity]), look.safe(finding.rule)
    text = look.safe(texts.title(finding, look.language)) + _containers(alike, look)
    painted = look.paint(label, COLOURS[finding.severity])
    width = min(look.width, MEASURE)
    if look.width < NARROW:
        yield f"{painted}  {look.paint(look.cut(rule, width - columns(label) - 2), DIM)}"
        yield from wrapped(text, width, "  ", "  ")
        return
    rule = look.cut(rule, width // 2)
    first, *rest = wrapped(text, width - len(INDENT) - columns(rule) - 2)
    gap = " " * (width - len(INDENT) - columns(first) - columns(rule))
    yield painted + " " * (len(INDENT) - columns(label)) + first + gap + look.paint(rule, DIM)
    yield from (INDENT + line for line in rest)


def _containers(alike: Sequence[Finding], look: Look) -> str:
    """Return the containers of a row, counted where a reader would have to: ` (×3: app, proxy, setup)`."""
    names = list(dict.fromkeys(look.safe(finding.container) for finding in alike if finding.container))
    if not names:
        return ""
    counted = f"{look.times}{len(names)}: " if len(names) > 2 else ""
    return f" ({counted}{', '.join(names)})"


def _place(finding: Finding, file: str, look: Look) -> str:
    """Return where a finding is, within its group: its line, or the thing's own name where there is no line."""
    place = finding.place
    if place.line:
        return f"{file}{place.line}:{place.column}"
    ref = finding.ref
    return "" if ref == owner_of(finding) else look.safe(f"{ref.kind}/{ref.name}" if ref.kind else ref.name)


def _evidence(alike: Sequence[_Placed], widest: int, indent: str, look: Look) -> Iterator[str]:
    room = look.width - len(indent)
    for finding, place in alike[:PLACES_SHOWN]:
        yield indent + _sight(finding, place, widest, room, look)
    if len(alike) > PLACES_SHOWN:
        others = [place or look.safe(finding.place.path) for finding, place in alike[PLACES_SHOWN:]]
        named = ", ".join(each for each in dict.fromkeys(others) if each)
        told = f"{look.say('also at')} {named}" if named else look.say("… and {:,} more").format(len(others))
        yield from wrapped(told, look.width, indent, indent)
    elsewhere = list(dict.fromkeys(line for finding, _ in alike[:PLACES_SHOWN] for line in _elsewhere(finding, look)))
    yield from (indent + look.cut(line, room) for line in elsewhere[:PLACES_SHOWN])
    if len(elsewhere) > PLACES_SHOWN:
        yield indent + look.say("… and {:,} more").format(len(elsewhere) - PLACES_SHOWN)


def _elsewhere(finding: Finding, look: Look) -> Iterator[str]:
    """Yield evidence in other files than the first: values of a chart that decide what was seen, copies of a secret."""
    label = look.say("set by") if finding.ref.scope == "k8s" else look.say("also in")
    for evidence in finding.evidence[1:]:
        place = evidence.locator
        if place.file != finding.place.file and place.line:
            yield look.safe(f"{label} {place.file}:{place.line}:{place.column}  {evidence.observed}")


def _sight(finding: Finding, place: str, widest: int, width: int, look: Look) -> str:
    """Return place and sight in one line; of a path that is too long the beginning goes, never what was seen."""
    evidence = finding.evidence[0]
    path, sight = look.safe(evidence.locator.path), look.safe(seen(evidence.observed, look.language))
    where = look.cut(place + " " * (widest - columns(place)) + "  ", width) if widest else ""
    name, _, observed = sight.partition(": ")
    said = sight
    if path:
        said = f": {observed}" if observed and path.endswith((name, "]")) else f"  {sight}" if sight else ""
    room = width - columns(where) - columns(said)
    if columns(path) > room:
        path = look.cut_left(path, max(room, min(width // 3, columns(path))))
    return look.cut(f"{where}{path}{said}".rstrip(), width)


# what was not judged


def _skipped(report: Report, look: Look) -> Iterator[str]:
    head = look.say("{} could not be judged").format(_count(len(report.skipped), "thing", look))
    for line in wrapped(head, look.width, f"{look.say('SKIPPED')}  ", "  "):
        yield look.paint(line, YELLOW + BOLD)
    by_reason: dict[tuple[str, str, str], list[Skipped]] = {}
    for skipped in report.skipped:
        by_reason.setdefault((skipped.rule, skipped.reason, skipped.next_step), []).append(skipped)
    for (rule, reason, next_step), group in by_reason.items():
        told = look.say("{}: {}").format(look.safe(rule), look.told(reason)) if rule else look.told(reason)
        yield from wrapped(told, look.width, "  ", "  ")
        for skipped in group[:SHOWN_OF_ONE_REASON]:
            yield from wrapped(_skipped_place(skipped, look), look.width, "    ", "      ")
        if len(group) > SHOWN_OF_ONE_REASON:
            yield f"    {look.say('and {:,} more; -o json names every one').format(len(group) - SHOWN_OF_ONE_REASON)}"
        if next_step:
            for line in wrapped(look.told(next_step), look.width, "    > ", "      "):
                yield look.paint(line, DIM)


def _skipped_place(skipped: Skipped, look: Look) -> str:
    place = skipped.locator
    where = place.file or skipped.ref.short or skipped.ref.kind or skipped.ref.scope
    if place.line:
        where = f"{where}:{place.line}:{place.column}"
    named = skipped.ref.short if skipped.ref.scope == "k8s" and place.file else ""
    return look.safe(f"{where} ({named})" if named else where)


# what was accepted


def _accepted(report: Report, look: Look) -> Iterator[str]:
    head = look.say("{} that exceptions accept").format(_count(len(report.accepted), "finding", look))
    for line in wrapped(head, look.width, f"{look.say('ACCEPTED')}  ", "  "):
        yield look.paint(line, BOLD)
    by_reason: dict[tuple[str, str], list[Accepted]] = {}
    for accepted in report.accepted:
        by_reason.setdefault((accepted.finding.rule, accepted.reason), []).append(accepted)
    for (rule, reason), group in by_reason.items():
        yield from wrapped(look.safe(f"{rule}: {reason}"), look.width, "  ", "  ")
        for accepted in group[:SHOWN_OF_ONE_REASON]:
            yield from (
                look.paint(line, DIM) for line in wrapped(_accepted_place(accepted, look), look.width, "    ", "      ")
            )
        if len(group) > SHOWN_OF_ONE_REASON:
            yield f"    {look.say('and {:,} more; -o json names every one').format(len(group) - SHOWN_OF_ONE_REASON)}"


def _accepted_place(accepted: Accepted, look: Look) -> str:
    finding, place = accepted.finding, accepted.finding.place
    where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
    container = f" ({finding.container})" if finding.container else ""
    return look.safe(f"{where} {finding.ref.short}{container}".strip())


# what it comes to


def _summary(report: Report, look: Look) -> Iterator[str]:
    yield from _findings_counted(report, look) if report.findings else _nothing_found(report, look)
    if len(report.findings) >= COMMONEST_FROM:
        yield from _dim(_commonest(report, look), look)
    for facts in report.clusters:
        yield from _dim(look.safe(cluster_told(facts, look.say)), look)
    yield from _dim(_counted(report, look), look)
    for line in _provenance(report, look):
        yield from _dim(line, look)
    yield from _dim(_exit(report, look), look)
    if report.findings and look.explains:
        yield from _dim(look.say("Next: transom explain {}").format(look.safe(report.findings[0].rule)), look)


def _dim(text: str, look: Look) -> Iterator[str]:
    if text:
        yield from (look.paint(line, DIM) for line in wrapped(text, min(look.width, MEASURE)))


def _findings_counted(report: Report, look: Look) -> Iterator[str]:
    counts = [(severity, f"{count:,}") for severity, count in report.by_severity.items() if count]
    found = _count(len(report.findings), "finding", look)
    labels = [(look.say(LABELS[severity]), count) for severity, count in counts]
    parts = [
        f"{look.paint(label, COLOURS[severity])} {count}"
        for (severity, _), (label, count) in zip(counts, labels, strict=True)
    ]
    if columns(found) + 2 + sum(columns(label) + len(count) + 3 for label, count in labels) <= look.width:
        yield look.say("{}: {}").format(look.paint(found, BOLD), look.say(", ").join(parts))
    else:
        yield look.paint(look.say("{}:").format(found), BOLD)
        yield from (f"  {part}" for part in parts)


def _nothing_found(report: Report, look: Look) -> Iterator[str]:
    """Yield what to say of no findings: clean only where all was judged and nothing is merely known."""
    if not report.verdicts:
        text, colour = look.say("Nothing was judged."), RED + BOLD
    elif not report.complete:
        text, colour = look.say("Nothing was found in what could be judged; the scan is incomplete."), YELLOW + BOLD
    elif report.skipped:
        text, colour = look.say("Nothing was found in what was judged; not all was."), YELLOW + BOLD
    elif report.known:
        text, colour = look.say("Nothing new was found."), BOLD
    elif report.accepted:
        text, colour = look.say("Nothing was found but what is accepted."), BOLD
    else:
        text, colour = look.say("Every window that was looked at is shut."), GREEN + BOLD
    yield from (look.paint(line, colour) for line in wrapped(text, look.width))


def _commonest(report: Report, look: Look) -> str:
    counts = Counter(finding.rule for finding in report.findings)
    commonest = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:COMMONEST_SHOWN]
    named = look.say(", ").join(f"{look.safe(rule)} {count:,}" for rule, count in commonest)
    return look.say("Most often: {}").format(named)


def _counted(report: Report, look: Look) -> str:
    rules = sum(each.judged > 0 for each in report.judged)
    verdicts = report.verdicts
    counted = look.say("{verdicts} of {rules}, {passed:,} passed")
    counts = {"verdicts": _count(verdicts, "verdict", look), "rules": _count(rules, "rule", look)}
    parts = [counted.format(**counts, passed=report.passed)]
    reached, danger = score(report), risk(report)
    if reached is not None and danger is not None:
        parts.append(look.say("score {}/100, risk {}/100").format(reached, danger))
    if report.skipped:
        allowed = f" {look.say('({:,} allowed)').format(report.allowed_skips)}" if report.allowed_skips else ""
        parts.append(look.say("{:,} skipped").format(len(report.skipped)) + allowed)
    if report.accepted:
        told = look.say("{:,} accepted by {}")
        parts.append(told.format(len(report.accepted), _count(len(report.exception_uses), "exception", look)))
    if report.known:
        parts.append(look.say("{:,} known from the baseline").format(report.suppressed))
    if report.not_applicable:
        others = look.say(", ").join(f"{look.told(what)} ({count:,})" for what, count in report.not_applicable.items())
        parts.append(look.say("not applicable: {}").format(others))
    return f" {look.dot} ".join(parts)


def _provenance(report: Report, look: Look) -> Iterator[str]:
    """Yield how charts, clusters and the like were read."""
    for each in report.provenance[:PROVENANCES_SHOWN]:
        yield look.say("{}: {}").format(look.safe(each.origin), look.told(each.how))
    left = len(report.provenance) - PROVENANCES_SHOWN
    if left > 0:
        yield look.say("… and {:,} more").format(left)


def _exit(report: Report, look: Look) -> str:
    """Return why the command ends as it does; nothing where it ends well."""
    if not report.verdicts:
        return look.say("Exit code 3: a scan that judges nothing is incomplete.")
    if not report.complete:
        return look.say("Exit code 3: incomplete, for what was skipped above.")
    if not report.at_threshold:
        return ""
    threshold = look.say(SEVERITY_WORDS[report.threshold])
    return look.say("Exit code 1: {:,} at {} or above.").format(report.at_threshold, threshold)


def _count(number: int, noun: str, look: Look) -> str:
    return look.say(NOUNS[noun][number != 1]).format(number)
