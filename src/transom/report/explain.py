"""Pages of `transom explain`: what a rule means, and one finding at its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from transom.model.findings import Finding, Rule
from transom.report.options import ReportOptions
from transom.report.text import BOLD, COLOURS, DIM, GREEN, RED, Look, wrapped

EXCERPT_AROUND = 3  # lines above and below the place
TAB = "    "  # what a tab of the source becomes: its width in a terminal hangs on where it stands

WORDS = {
    "window": "window",
    "container": "container",
    "why": "Why",
    "fix": "Fix",
    "controls": "Controls",
    "judged": "What is judged (CEL)",
    "good": "Good",
    "bad": "Bad",
    "seen": "seen:     ",
    "expected": "expected: ",
    "also": "also:     ",
    "fingerprint": "fingerprint",
}


def rule_page(
    rule: Rule,
    options: ReportOptions,
    expressions: Sequence[tuple[str, str]] = (),
    *,
    controls: Mapping[str, Sequence[str]] | None = None,
    good: str = "",
    bad: str = "",
) -> Iterator[str]:
    """Yield the lines of a rule's page.

    expressions: what is judged, as pairs of message and expression; controls: those that it serves, by framework;
    good and bad: the text of an object that passes, and of one that fails.
    """
    look = Look(options)
    texts = {"title": rule.title, "why": rule.why, "fix": rule.fix, **rule.texts.get(look.language, {})}
    yield from (look.paint(line, BOLD) for line in wrapped(look.safe(texts["title"] or rule.id), look.width))
    window = f", {WORDS['window']} {look.safe(rule.window)}" if rule.window else ""
    yield f"{look.safe(rule.id)}: {look.paint(rule.severity.name, COLOURS[rule.severity])}{window}"
    for heading in ("why", "fix"):
        if texts[heading]:
            yield from _heading(WORDS[heading], look)
            yield from wrapped(look.safe(texts[heading]), look.width, "  ", "  ")
    if controls:
        yield from _heading(WORDS["controls"], look)
        for framework, ids in controls.items():
            yield from wrapped(look.safe(f"{framework}: {', '.join(ids)}"), look.width, "  ", "    ")
    if expressions:
        yield from _heading(WORDS["judged"], look)
        for message, expression in expressions:
            yield from wrapped(look.safe(message), look.width, "  ", "  ")
            yield from _code(expression, look, DIM)
    for heading, example, colour in ((WORDS["bad"], bad, RED), (WORDS["good"], good, GREEN)):
        if example:
            yield from _heading(heading, look)
            yield from _code(example, look, colour)


def finding_page(
    finding: Finding, rule: Rule | None, options: ReportOptions, source: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines of a finding's page; source: the lines of its file, where they can be read."""
    look = Look(options)
    container = f"  {WORDS['container']} {look.safe(finding.container)}" if finding.container else ""
    yield look.paint(look.safe(finding.ref.short), BOLD) + container
    first, *rest = wrapped(look.safe(finding.message), look.width, f"{finding.severity.name}  ", "  ")
    yield first.replace(finding.severity.name, look.paint(finding.severity.name, COLOURS[finding.severity]), 1)
    yield from rest
    for number, evidence in enumerate(finding.evidence):
        place = evidence.locator
        where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
        also = WORDS["also"] if number else ""
        for line in wrapped(look.safe(f"{also}{where}  {place.path}"), look.width, "", "  "):
            yield look.paint(line, DIM)
        for word, text in (("seen", evidence.observed), ("expected", evidence.expected)):
            if text:
                yield from wrapped(look.safe(text), look.width, f"  {WORDS[word]}", "            ")
    yield look.paint(f"  {WORDS['fingerprint']} {finding.fingerprint}", DIM)
    if 0 < finding.place.line <= len(source):
        yield ""
        yield from _excerpt(source, finding.place.line, look)
    if rule is not None:
        yield ""
        yield from rule_page(rule, options)


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
