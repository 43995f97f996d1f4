"""The findings of the page as compact JSON: every text once, findings as rows of numbers that point at texts."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from transom.model.findings import Evidence, Finding
from transom.model.language import ENGLISH, LANGUAGES, translated
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report.html.markup import MAX_NAME_CHARS, MAX_TEXT_CHARS, shown
from transom.report.options import Excerpt, ReportOptions
from transom.report.summary import Report, owner_of
from transom.report.words import seen

MAX_LINE_CHARS = 160  # of a line of source; longer ones are minified JSON or blobs
MAX_EXCERPTS_BYTES = 250_000  # of all excerpts together, so that a page of 5,000 findings stays below 1 MB
EXCERPTS_OF_A_RULE = 3  # in one owner: more of one rule there look alike
MAX_EVIDENCE = 8  # places of one finding; the rest is counted

Group = tuple[Ref, Sequence[Finding]]


def groups(findings: Sequence[Finding]) -> list[Group]:
    """Group by what a person would change; the owner of the worst findings stands first, then that of the most."""
    by_owner: dict[Ref, list[Finding]] = {}
    for finding in findings:
        by_owner.setdefault(owner_of(finding), []).append(finding)

    def weight(group: Group) -> list[int]:
        severities = [finding.severity for finding in group[1]]
        return [-severities.count(severity) for severity in reversed(Severity)]

    return sorted(by_owner.items(), key=weight)


class _Texts:
    """Every text once, made harmless; a finding names it by its number."""

    def __init__(self) -> None:
        self.kept: list[str] = [""]
        self._numbers: dict[tuple[str, int], int] = {("", MAX_NAME_CHARS): 0, ("", MAX_TEXT_CHARS): 0}

    def number(self, text: str, limit: int = MAX_NAME_CHARS) -> int:
        key = (text, limit)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.kept)
            self.kept.append(shown(text, limit))
        return found


def island(report: Report, grouped: Sequence[Group], rules: Sequence[str], options: ReportOptions) -> bytes:
    """Return the findings as JSON that is safe within a script element of any type.

    rules: ids in the order of the page; a rule is named by its number there.
    """
    texts = _Texts()
    numbers = {rule: number for number, rule in enumerate(rules)}
    excerpts = Excerpts(options.excerpts)
    rows: list[list[Any]] = []
    prints: list[bytes] = []
    for _, findings in grouped:
        excerpts.next_owner()
        for finding in findings:
            rows.append(_row(finding, numbers[finding.rule], texts, excerpts.number(finding)))
            prints.append(bytes.fromhex(finding.fingerprint))
    made = {
        "rules": [[texts.number(rule), *_face(report, rule, texts)] for rule in rules],
        "groups": [[texts.number(label(owner)), len(findings)] for owner, findings in grouped],
        "findings": rows,
        "excerpts": [[each.first_line, each.line, *map(texts.number, each.lines)] for each in excerpts.kept],
        "prints": b64encode(b"".join(prints)).decode(),
        "said": _said(report.findings, texts),
        "texts": texts.kept,
    }
    encoded = msgspec.json.encode(made)
    return encoded.replace(b"<", rb"\u003c").replace(b">", rb"\u003e").replace(b"&", rb"\u0026")


def label(ref: Ref) -> str:
    """Return what a person calls a thing, with its cluster where one is named."""
    name = ref.short or ref.kind or ref.scope
    return f"{ref.cluster}: {name}" if ref.cluster else name


def part(finding: Finding) -> str:
    """Return what a finding is about within its object: the container, or the vulnerability and its package."""
    return finding.container or (finding.title if finding.vulnerability else "")


def _said(findings: Sequence[Finding], texts: _Texts) -> dict[str, dict[str, int]]:
    """Return the translations of what the code says of findings: numbers of texts by language, by that of the English."""
    said: dict[str, dict[str, int]] = {}
    for words, say in dict.fromkeys(_words(findings)):
        told = {each: say(words, each) for each in LANGUAGES if each != ENGLISH}
        numbers = {each: texts.number(told[each], MAX_TEXT_CHARS) for each in told if told[each] != words}
        if numbers:
            said[str(texts.number(words, MAX_TEXT_CHARS))] = numbers
    return said


def _words(findings: Sequence[Finding]) -> Iterator[tuple[str, Callable[[str, str], str]]]:
    """Yield messages and what was seen and expected, each with what says it in a language."""
    for finding in findings:
        if finding.message != finding.title:
            yield finding.message, translated
        for evidence in finding.evidence[:MAX_EVIDENCE]:
            yield evidence.observed, seen
            yield evidence.expected, translated


def _face(report: Report, rule: str, texts: _Texts) -> tuple[int]:
    face = report.rules.get(rule)
    return (texts.number(face.window if face else ""),)


def _row(finding: Finding, rule: int, texts: _Texts, excerpt: int) -> list[Any]:
    """Return one finding; page.js names the columns."""
    number = texts.number
    message = "" if finding.message == finding.title else finding.message
    ref = "" if finding.ref == owner_of(finding) else label(finding.ref)
    evidence = [_seen(each, texts) for each in finding.evidence[:MAX_EVIDENCE]]
    row: list[Any] = [
        rule,
        int(finding.severity),
        number(finding.ref.namespace),
        number(ref),
        number(part(finding)),
        number(message, MAX_TEXT_CHARS),
        excerpt,
        *evidence[0],
    ]
    more = len(finding.evidence) - len(evidence)
    return [*row, evidence[1:], more] if len(finding.evidence) > 1 else row


def _seen(evidence: Evidence, texts: _Texts) -> list[int]:
    place, number = evidence.locator, texts.number
    return [
        number(place.file),
        place.line,
        place.column,
        number(place.path),
        number(evidence.observed, MAX_TEXT_CHARS),
        number(evidence.expected, MAX_TEXT_CHARS),
    ]


class Excerpts:
    """The excerpts that a page has room for, equal ones once; number -1 means none."""

    def __init__(self, ask: Callable[[Finding], Excerpt | None] | None) -> None:
        self.kept: list[Excerpt] = []
        self._ask, self._room = ask, MAX_EXCERPTS_BYTES
        self._numbers: dict[Excerpt, int] = {}
        self._lines: set[str] = set()
        self._asked: dict[str, int] = {}

    def next_owner(self) -> None:
        """Begin another owner: of each rule a few excerpts are shown again."""
        self._asked.clear()

    def number(self, finding: Finding) -> int:
        """Return the number of a finding's excerpt."""
        asked = self._asked[finding.rule] = self._asked.get(finding.rule, 0) + 1
        if self._ask is None or self._room <= 0 or asked > EXCERPTS_OF_A_RULE:
            return -1
        found = self._ask(finding)
        return -1 if found is None else self._keep(trimmed(found))

    def _keep(self, excerpt: Excerpt) -> int:
        known = self._numbers.get(excerpt)
        if known is not None:
            return known
        new = set(excerpt.lines) - self._lines
        self._room -= sum(len(line.encode("utf-8", "replace")) + 6 for line in new) + 6 * len(excerpt.lines) + 12
        if self._room < 0:
            return -1
        self._lines |= new
        self.kept.append(excerpt)
        return self._numbers.setdefault(excerpt, len(self.kept) - 1)


def trimmed(excerpt: Excerpt) -> Excerpt:
    """Return an excerpt without the indentation that its lines share, long lines cut, tabs made spaces."""
    lines = [line.replace("\t", "    ").rstrip() for line in excerpt.lines]
    shared = min((len(line) - len(line.lstrip(" ")) for line in lines if line), default=0)
    return Excerpt(excerpt.first_line, tuple(_cut(line[shared:]) for line in lines), excerpt.line)


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LINE_CHARS else f"{line[:MAX_LINE_CHARS]}…"


def iterate(grouped: Sequence[Group], most: int) -> Iterator[Group]:
    """Yield the first groups, with as many findings in all as most says."""
    for owner, findings in grouped:
        if most <= 0:
            return
        yield owner, findings[:most]
        most -= len(findings)
