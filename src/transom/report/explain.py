"""Pages of `transom explain`: what a rule means, and one finding at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.model.findings import Finding, Rule
from transom.report.options import ReportOptions
from transom.report.text import BOLD, COLOURS, DIM, Paint, cut, safe, wrapped

EXCERPT_AROUND = 3  # lines above and below the place


def rule_page(rule: Rule, options: ReportOptions, expressions: Sequence[tuple[str, str]] = ()) -> Iterator[str]:
    """Yield the lines of a rule's page; expressions: what is judged, as pairs of message and expression."""
    paint = Paint(options.colour)
    texts = {"title": rule.title, "why": rule.why, "fix": rule.fix, **rule.texts.get(options.language, {})}
    yield paint(safe(texts["title"]), BOLD)
    window = f", window {rule.window}" if rule.window else ""
    yield f"{rule.id}: {paint(rule.severity.name, COLOURS[rule.severity])}{window}"
    for heading, text in (("Why", texts["why"]), ("Fix", texts["fix"])):
        if text:
            yield ""
            yield paint(heading, BOLD)
            yield from wrapped(safe(text), options.width, "  ", "  ")
    if expressions:
        yield ""
        yield paint("What is judged (CEL)", BOLD)
        for message, expression in expressions:
            yield from wrapped(safe(message), options.width, "  ", "  ")
            for line in expression.strip().splitlines():
                yield paint(cut("    " + safe(line), options.width), DIM)


def finding_page(
    finding: Finding, rule: Rule | None, options: ReportOptions, source: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines of a finding's page; source: the lines of its file, where they can be read."""
    paint = Paint(options.colour)
    place = finding.place
    yield paint(safe(finding.ref.short), BOLD) + (f"  container {safe(finding.container)}" if finding.container else "")
    yield f"{paint(finding.severity.name, COLOURS[finding.severity])}  {safe(finding.message)}"
    where = f"{place.file}:{place.line}:{place.column}" if place.line else place.file
    yield paint(cut(safe(f"{where}  {place.path}"), options.width), DIM)
    for evidence in finding.evidence:
        yield f"  seen:     {safe(evidence.observed)}"
        if evidence.expected:
            yield f"  expected: {safe(evidence.expected)}"
    yield paint(f"  fingerprint {finding.fingerprint}", DIM)
    if source and place.line:
        yield ""
        yield from _excerpt(source, place.line, options, paint)
    if rule is not None:
        yield ""
        yield from rule_page(rule, options)


def _excerpt(source: Sequence[str], line: int, options: ReportOptions, paint: Paint) -> Iterator[str]:
    first = max(line - EXCERPT_AROUND, 1)
    last = min(line + EXCERPT_AROUND, len(source))
    width = len(str(last))
    for number in range(first, last + 1):
        marked = number == line
        text = cut(f"{'>' if marked else ' '} {number:{width}} | {safe(source[number - 1])}", options.width)
        yield paint(text, BOLD) if marked else text
