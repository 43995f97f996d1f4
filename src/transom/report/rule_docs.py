"""Rules as pages of Markdown: one page for each rule, and an index of all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from transom.model.findings import Rule

MARK = "<!-- Written by `transom rules docs`; change the rule instead. -->"
CHINESE = "zh-CN"
INDEX = "README.md"

_SPECIAL = re.compile(r"([\\`*<>|\[\]])")
_BACKTICKS = re.compile(r"`+")


class RulePage(Struct, frozen=True):
    """All that a rule's page tells.

    judges: which objects are judged, in words; conditions, variables: named expressions; validations: pairs of message
    and expression; parameters: triples of name, value and meaning; controls: triples of framework, control's id and
    title; profiles: names of those that have it; good, bad: examples as YAML.
    """

    rule: Rule
    judges: str = ""
    conditions: Sequence[tuple[str, str]] = ()
    variables: Sequence[tuple[str, str]] = ()
    validations: Sequence[tuple[str, str]] = ()
    parameters: Sequence[tuple[str, str, str]] = ()
    controls: Sequence[tuple[str, str, str]] = ()
    profiles: Sequence[str] = ()
    good: str = ""
    bad: str = ""


def rule_markdown(page: RulePage) -> str:
    """Return a rule's page."""
    return _joined(_page_parts(page))


def index_markdown(pages: Iterable[RulePage]) -> str:
    """Return the index: a table for each window, worst rules first."""
    return _joined(_index_parts(list(pages)))


def _page_parts(page: RulePage) -> Iterator[str]:
    rule = page.rule
    yield MARK
    yield f"# {_text(rule.title)}"
    yield f"`{rule.id}` · {rule.severity.label} · {_text(rule.window)}"
    if page.profiles:
        yield f"Profiles: {', '.join(f'`{name}`' for name in page.profiles)}"
    yield _text(rule.why)
    yield "## Fix"
    yield _text(rule.fix)
    if page.bad:
        yield from ("## Bad", _code("yaml", page.bad))
    if page.good:
        yield from ("## Good", _code("yaml", page.good))
    yield from _judged_parts(page)
    if page.parameters:
        yield from _parameter_parts(page)
    if page.controls:
        yield "## Controls"
        yield _table(("framework", "control", "asks for"), page.controls)
    if CHINESE in rule.texts:
        yield from _chinese_parts(rule.texts[CHINESE])


def _judged_parts(page: RulePage) -> Iterator[str]:
    yield "## What is judged"
    if page.judges:
        yield _text(page.judges)
    for name, expression in page.conditions:
        yield f"Only where `{name}`:"
        yield _code("cel", expression)
    for name, expression in page.variables:
        yield f"`variables.{name}` is"
        yield _code("cel", expression)
    for message, expression in page.validations:
        yield f"Unless this is true, {_text(message)}:"
        yield _code("cel", expression)


def _parameter_parts(page: RulePage) -> Iterator[str]:
    yield "## Parameters"
    yield "In `transom.yaml`, with the values that hold where nothing is set:"
    lines = ["parameters:", f"  {page.rule.id}:"]
    for name, value, meaning in page.parameters:
        lines += [f"    # {meaning}"] if meaning else []
        lines.append(f"    {name}: {_quoted(value)}")
    yield _code("yaml", "\n".join(lines))


def _chinese_parts(texts: dict[str, str]) -> Iterator[str]:
    yield f"## {_text(texts.get('title', ''))}"
    yield _text(texts.get("why", ""))
    if texts.get("applies"):
        yield _text(texts["applies"])
    if texts.get("fix"):
        yield f"**修复：** {_text(texts['fix'])}"


def _index_parts(pages: Sequence[RulePage]) -> Iterator[str]:
    yield MARK
    yield "# Rules"
    yield f"{len(pages)} rules. `transom explain RULE` shows the same in a terminal."
    for window in sorted({page.rule.window for page in pages}):
        rules = [page.rule for page in pages if page.rule.window == window]
        rules.sort(key=lambda rule: (-rule.severity, rule.id))
        yield f"## {_text(window)}"
        head = ("rule", "severity", "title", "标题")
        rows = [(rule.id, rule.severity.label, rule.title, _chinese_title(rule)) for rule in rules]
        yield _table(head, rows, linked=True)


def _chinese_title(rule: Rule) -> str:
    return rule.texts.get(CHINESE, {}).get("title", "")


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, parts)) + "\n"


def _text(text: str) -> str:
    """Return a text as Markdown that shows it in one paragraph, whatever characters it holds."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(language: str, text: str) -> str:
    """Return a block of code behind a fence that is longer than any row of backticks in it."""
    fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], linked: bool = False) -> str:
    """Return a table; linked: whether the first cell of a row leads to the page of that name."""
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for row in rows:
        first, *others = (_text(cell) for cell in row)
        lines.append(" | ".join((f"[{first}]({row[0]}.md)" if linked else first, *others)))
    return "\n".join(f"| {line} |" for line in lines)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
