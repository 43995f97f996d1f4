"""Pages of `transom explain`: what a rule means, and one finding at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from transom.model.findings import Evidence, Finding, Rule
from transom.model.language import translated
from transom.report.options import ReportOptions
from transom.report.text import BOLD, COLOURS, DIM, GREEN, LABELS, RED, Look, columns, wrapped
from transom.report.words import seen

EXCERPT_AROUND = 3  # lines above and below the place
TAB = "    "  # what a tab of the source becomes: its width in a terminal hangs on where it stands


def rule_page(
    rule: Rule,
    options: ReportOptions,
    expressions: Sequence[tuple[str, str]] = (),
    *,
    controls: Mapping[str, Sequence[str]] | None = None,
    good: str = "",
    bad: str = "",
    judges: str = "",
    profiles: Sequence[str] = (),
) -> Iterator[str]:
    """Yield the lines of a rule's page.

    expressions: what is judged, as pairs of message and expression; judges: the same in a sentence, of a rule without
    expressions; controls: those that it serves, by framework; profiles: those that have it; good and bad: the text of
    what passes, and of what fails.
    """
    look = Look(options)
    english = {"title": rule.title, "why": rule.why, "fix": rule.fix}
    texts = {field: translated(text, look.language) for field, text in english.items()}
    texts |= rule.texts.get(look.language, {})
    yield from (look.paint(line, BOLD) for line in wrapped(look.safe(texts["title"] or rule.id), look.width))
    severity = look.paint(look.say(LABELS[rule.severity]), COLOURS[rule.severity])
    told = look.say("{rule}: {severity}, window {window}") if rule.window else look.say("{rule}: {severity}")
    yield told.format(rule=look.safe(rule.id), severity=severity, window=look.safe(rule.window))
    for heading, text in ((look.say("Why"), texts["why"]), (look.say("Fix"), texts["fix"])):
        if text:
            yield from _heading(heading, look)
            yield from wrapped(look.safe(text), look.width, "  ", "  ")
    if profiles:
        yield from _heading(look.say("Profiles"), look)
        yield from wrapped(look.safe(", ".join(profiles)), look.width, "  ", "  ")
    if controls:
        yield from _heading(look.say("Controls"), look)
        for framework, ids in controls.items():
            yield from wrapped(look.safe(f"{framework}: {', '.join(ids)}"), look.width, "  ", "    ")
    if expressions:
        yield from _heading(look.say("What is judged (CEL)"), look)
        for message, expression in expressions:
            yield from wrapped(look.told(message), look.width, "  ", "  ")
            yield from _code(expression, look, DIM)
    if judges:
        yield from _heading(look.say("What is judged"), look)
        yield from wrapped(look.safe(judges), look.width, "  ", "  ")
    for heading, example, colour in ((look.say("Bad"), bad, RED), (look.say("Good"), good, GREEN)):
        if example:
            yield from _heading(heading, look)
            yield from _code(example, look, colour)


def finding_page(
    finding: Finding, rule: Rule | None, options: ReportOptions, source: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines of a finding's page; source: the lines of its file, where they can be read."""
    look = Look(options)
    container = f"  {look.say('container')} {look.safe(finding.container)}" if finding.container else ""
    yield look.paint(look.safe(finding.ref.short), BOLD) + container
    label = look.say(LABELS[finding.severity])
    first, *rest = wrapped(look.told(finding.message), look.width, f"{label}  ", "  ")
    yield first.replace(label, look.paint(label, COLOURS[finding.severity]), 1)
    yield from rest
    for number, evidence in enumerate(finding.evidence):
        yield from _evidence(evidence, look.say("also:") if number else "", look)
    yield look.paint(f"  {look.say('fingerprint')} {finding.fingerprint}", DIM)
    if 0 < finding.place.line <= len(source):
        yield ""
        yield from _excerpt(source, finding.place.line, look)
    if rule is not None:
        yield ""
        yield from rule_page(rule, options)


def _evidence(evidence: Evidence, before: str, look: Look) -> Iterator[str]:
    """Yield place, sight and expectation, these two below one another."""
    place = evidence.locator
    where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
    for line in wrapped(look.safe(f"{before} {where}  {place.path}".lstrip()), look.width, "", "  "):
        yield look.paint(line, DIM)
    observed = look.safe(seen(evidence.observed, look.language))
    told = [(look.say("seen:"), observed), (look.say("expected:"), look.told(evidence.expected))]
    widest = max(columns(word) for word, _ in told)
    for word, text in told:
        if text:
            first = f"  {word}{' ' * (widest - columns(word))} "
            yield from wrapped(text, look.width, first, " " * columns(first))


def _heading(text: str, look: Look) -> Iterator[str]:
    yield ""
    yield look.paint(text, BOLD)


def _code(text: str, look: Look, colour: str) -> Iterator[str]:
    for line in text.strip("\n").splitlines():
        yield look.paint(look.cut("    " + look.safe(line.replace("\t", TAB)), look.width), colour)


def _excerpt(source: Sequence[str], line: int, look: Look) -> Iterator[str]:
    """Yield the lines around a place, the place's own marked by `>` and by weight."""
    first = max(line - EXCERPT_AROUND, 1)
    last = min(line + EXCERPT_AROUND, len(source))
    width = len(str(last))
    for number in range(first, last + 1):
        text = look.safe(source[number - 1].replace("\t", TAB))
        marked = look.cut(f"{'>' if number == line else ' '} {number:{width}} | {text}".rstrip(), look.width)
        yield look.paint(marked, BOLD) if number == line else marked
