"""How a document's author writes, and new values written in the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from transom.kube.scalars import WORDS, ScalarError, plain_value
from transom.kube.tree import Node, nodes

DEFAULT_STEP = 2
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*(?::[A-Za-z0-9_./@-]+)*\Z")
_JSON_STEP = re.compile(r"\{\r?\n([ \t]+)\"")


class Style(Struct, frozen=True):
    """step: columns that a map within a map is indented by; dash: those of a list's dashes; line_end: of its lines;
    gap: what follows a comma; is_json: whether every text is quoted; json_indent: one level of JSON on several lines."""

    step: int = DEFAULT_STEP
    dash: int = 0
    line_end: str = "\n"
    gap: str = " "
    is_json: bool = False
    json_indent: str = ""

    def scalar(self, value: Any, like: str = "") -> str:
        """Return a scalar as text. like: the quotes of what stood there."""
        if not isinstance(value, str) or self.is_json:
            return json.dumps(value, ensure_ascii=False)
        if like == "'" and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
        return value if like != '"' and is_plain(value) else json.dumps(value, ensure_ascii=False)

    def flow(self, value: Any, like: str = "") -> str:
        """Return a value on one line, or as JSON over several where its document is written so."""
        if self.is_json and self.json_indent:
            text = json.dumps(value, ensure_ascii=False, indent=self.json_indent)
            return text if isinstance(value, dict | list) else self.scalar(value)
        if isinstance(value, dict):
            return "{" + f",{self.gap}".join(self.flow_entry(key, each) for key, each in value.items()) + "}"
        if isinstance(value, list):
            return "[" + f",{self.gap}".join(map(self.flow, value)) + "]"
        return self.scalar(value, like)

    def flow_entry(self, key: str, value: Any) -> str:
        """Return an entry of a map in braces."""
        return f"{self.scalar(key)}:{self.gap if self.is_json else ' '}{self.flow(value)}"

    def indented(self, text: str, indent: str) -> str:
        """Return text of several lines with all but the first moved right."""
        return text.replace("\n", self.line_end + indent)

    def entry(self, key: str, value: Any, column: int) -> list[str]:
        """Return the lines of an entry of a block map."""
        start = f"{' ' * column}{self.scalar(key)}:"
        if not isinstance(value, dict | list) or not value:
            return [f"{start} {self.flow(value)}"]
        return [start, *self.block(value, column)]

    def block(self, value: Mapping[str, Any] | list[Any], column: int) -> list[str]:
        """Return the lines of a map or list that stands below a key at a column."""
        if isinstance(value, list):
            return [line for each in value for line in self.item(each, column + self.dash)]
        return [line for key, each in value.items() for line in self.entry(key, each, column + self.step)]

    def item(self, value: Any, column: int) -> list[str]:
        """Return the lines of an item of a block list, whose dash stands at a column."""
        indent = " " * column
        if not isinstance(value, dict) or not value:
            return [f"{indent}- {self.flow(value)}"]
        first, *rest = [line for key, each in value.items() for line in self.entry(key, each, column + 2)]
        return [f"{indent}- {first[column + 2 :]}", *rest]


def is_plain(text: str) -> bool:
    """Tell whether a text may stand without quotes, and is read as that text again."""
    if not _PLAIN.match(text) or text in WORDS or text.lower() in ("y", "n", "yes", "no", "on", "off", "null"):
        return False
    try:
        return plain_value(text) == text
    except ScalarError:
        return False


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are the same JSON: True is not 1, and 1 is not 1.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(each, right[key]) for key, each in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def style_of(text: str, root: Node, is_json: bool) -> Style:
    """Return how a document is written, by what most of its maps and lists do."""
    line_end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if re.search(r'",\S', text) and not re.search(r'",\s', text) else " "
    if is_json:
        found = _JSON_STEP.search(text)
        return Style(line_end=line_end, gap=gap, is_json=True, json_indent=found[1] if found else "")
    steps: list[int] = []
    dashes: list[int] = []
    for column, child in _below_keys(root):
        (dashes if child.kind == "list" else steps).append(child.column - column)
    return Style(_usual(steps, DEFAULT_STEP), _usual(dashes, 0), line_end)


def _below_keys(root: Node) -> Iterator[tuple[int, Node]]:
    """Yield each block that stands below a key, with the key's column."""
    for node in nodes(root):
        if node.kind == "map" and not node.flow:
            for child in node.children:
                if child.kind in ("map", "list") and not child.flow:
                    yield node.column, child


def _usual(values: list[int], default: int) -> int:
    counts = {value: values.count(value) for value in set(values) if value >= 0}
    usual = max(counts, key=lambda value: (counts[value], -value), default=default)
    return usual if default == 0 or usual > 0 else default
