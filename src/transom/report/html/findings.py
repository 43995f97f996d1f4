"""Findings as markup: the first ones whole, for readers without scripts; for the others, the words that scripts use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from transom.model.findings import Finding, Rule
from transom.model.language import mark
from transom.report.html.island import MAX_EVIDENCE, Excerpts, Group, iterate, label, part
from transom.report.html.markup import MAX_TEXT_CHARS, rule_text, say, seen_told, text, told
from transom.report.options import Excerpt, ReportOptions
from transom.report.summary import owner_of
from transom.report.words import SEVERITY_WORDS, where

FIRST = 50  # findings that stand in the page as markup; scripts show all, and -o json names all

TERMS = {
    "object": mark("Object"),
    "message": mark("What is wrong"),
    "place": mark("Where"),
    "seen": mark("Seen"),
    "expected": mark("Expected"),
    "source": mark("Source"),
    "why": mark("Why it matters"),
    "fix": mark("How to fix it"),
    "rule": mark("Rule"),
    "print": mark("Fingerprint"),
}
"""What the parts of a finding are called, in the order in which they stand."""

MORE_PLACES = mark("and {count} more places; -o json names every one")


def templates() -> Iterator[str]:
    """Yield the words that page.js copies: it has none of its own."""
    for severity, word in SEVERITY_WORDS.items():
        yield f'<template id="severity-{int(severity)}">{say(word)}</template>\n'
    for name, word in TERMS.items():
        yield f'<template id="term-{name}">{say(word)}</template>\n'
    phrases = {
        "count": mark("{shown} of {total} findings"),
        "more": mark("Show {count} more"),
        "nothing": mark("No finding matches. Remove a filter to see more."),
        "places": MORE_PLACES,
    }
    for name, phrase in phrases.items():
        words = say(phrase, count="{count}", shown="{shown}", total="{total}")
        yield f'<template id="say-{name}">{words}</template>\n'


def first_findings(grouped: Sequence[Group], rules: Mapping[str, Rule], options: ReportOptions) -> Iterator[str]:
    """Yield the worst findings as markup, by owner."""
    excerpts = Excerpts(options.excerpts)
    for owner, findings in iterate(grouped, FIRST):
        excerpts.next_owner()
        yield f'<div class="owner"><h3>{text(label(owner))}</h3>\n'
        for finding in findings:
            number = excerpts.number(finding)
            excerpt = excerpts.kept[number] if number >= 0 else None
            yield from _finding(finding, rules.get(finding.rule), excerpt)
        yield "</div>\n"


def _finding(finding: Finding, rule: Rule | None, excerpt: Excerpt | None) -> Iterator[str]:
    title = rule_text(rule, "title") if rule else text(finding.title or finding.rule)
    yield f'<details class="finding s{int(finding.severity)}"><summary>'
    yield f'<span class="severity">{say(SEVERITY_WORDS[finding.severity])}</span> <span class="title">{title}</span>'
    if part(finding):
        yield f' <span class="container">{text(part(finding))}</span>'
    yield f' <span class="place">{text(where(finding.place))}</span></summary>\n<dl>'
    for name, content in _parts(finding, rule, excerpt):
        kind = ' class="told"' if name in ("why", "fix") else ""
        yield f"<dt{kind}>{say(TERMS[name])}</dt><dd{kind}>{content}</dd>\n"
    yield "</dl></details>\n"


def _parts(finding: Finding, rule: Rule | None, excerpt: Excerpt | None) -> Iterator[tuple[str, str]]:
    """Yield the parts of a finding: what each is called, and its markup."""
    if finding.ref != owner_of(finding):
        yield "object", text(label(finding.ref))
    if finding.message and finding.message != finding.title:
        yield "message", told(finding.message, MAX_TEXT_CHARS)
    for evidence in finding.evidence[:MAX_EVIDENCE]:
        place = evidence.locator
        shown = (where(place, column=True), place.path)
        yield "place", " ".join(f"<code>{text(each)}</code>" for each in shown if each)
        if evidence.observed:
            yield "seen", f"<code>{seen_told(evidence.observed)}</code>"
        if evidence.expected:
            yield "expected", f"<code>{told(evidence.expected, MAX_TEXT_CHARS)}</code>"
    if len(finding.evidence) > MAX_EVIDENCE:
        yield "place", say(MORE_PLACES, count=len(finding.evidence) - MAX_EVIDENCE)
    if excerpt is not None:
        yield "source", "".join(source(excerpt))
    yield from explained(rule)
    yield "rule", f"<code>{text(finding.rule)}</code>"
    yield "print", f"<code>{finding.fingerprint}</code>"


def explained(rule: Rule | None) -> Iterator[tuple[str, str]]:
    """Yield why a rule matters and how to satisfy it, where it says so."""
    if rule and rule.why:
        yield "why", rule_text(rule, "why")
    if rule and rule.fix:
        yield "fix", rule_text(rule, "fix")


def source(excerpt: Excerpt) -> Iterator[str]:
    """Yield the lines of an excerpt, numbered; the one that is meant is marked."""
    yield '<pre tabindex="0">'
    for number, line in enumerate(excerpt.lines, excerpt.first_line):
        content = f'<span class="number">{number}</span>{text(line)}'
        yield f"<mark>{content}</mark>\n" if number == excerpt.line else f"{content}\n"
    yield "</pre>"
