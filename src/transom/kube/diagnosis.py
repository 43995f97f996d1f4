"""What is wrong with a text that cannot be read: the reason, the place and the next step, in a person's words."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from transom.kube.libyaml import YAMLError

CORRECT = "correct the file, or exclude it"

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TEMPLATE = re.compile(rb"\{\{|\{%|<%")
_SPEAKS_KUBERNETES = re.compile(rb"apiVersion")

_PROBLEMS = {
    "mapping values are not allowed in this context": (
        "a `key:` stands where there can be none",
        "indent the line like those around it, or quote a value that holds `: `",
    ),
    "could not find expected ':'": (
        "a line is no `key: value`",
        "put a colon behind the key, or indent the line like those around it",
    ),
    "did not find expected key": (
        "the indentation does not fit the lines above",
        "indent the line like the other keys of its map",
    ),
    "did not find expected '-' indicator": (
        "the indentation does not fit the list above",
        "begin each item with `- `, all equally indented",
    ),
    "block sequence entries are not allowed in this context": (
        "a list item stands where there can be none",
        "put the list on lines of its own, below its key",
    ),
    "did not find expected ',' or ']'": (
        "a list in [ ] is not closed",
        "close it with ], and put commas between its items",
    ),
    "did not find expected ',' or '}'": (
        "a map in { } is not closed",
        "close it with }, and put commas between its entries",
    ),
    "did not find expected node content": ("a value is missing", "write the value, or quote what stands there"),
    "found unexpected end of stream": ("a quote is not closed before the document ends", "close the quote"),
    "found unexpected document indicator": ("a quote is not closed before the document ends", "close the quote"),
    "found unknown escape character": (
        "a backslash in double quotes is followed by what YAML does not know",
        "write the backslash twice, or use single quotes",
    ),
    "did not find expected alphabetic or numeric character": (
        "a value begins with * or &, which have a meaning in YAML",
        "quote the value",
    ),
    "found undefined tag handle": ("a value begins with !, which has a meaning in YAML", "quote the value"),
    "did not find expected <document start>": (
        "there is text behind the end of the document",
        "put a line --- between two documents",
    ),
}
_TAB = ("a tab is used for indentation", "replace the tab with spaces")
_RESERVED = ("a value begins with a character that YAML keeps for itself", "quote the value")


class Complaint(Struct, frozen=True):
    """Why a text cannot be read. line and column count from 0 at the start of the text."""

    reason: str
    next_step: str
    line: int = 0
    column: int = 0


def complaint(text: bytes, error: YAMLError) -> Complaint:
    """Return what the parser's error means for a person."""
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return _unreadable(text, error)
    problem = " ".join(str(getattr(error, "problem", "") or error).split())
    reason, step = _PROBLEMS.get(problem, ("", CORRECT))
    if _has_tab_indent(text, mark.line) or "found a tab character" in problem:
        reason, step = _TAB
    elif problem == "found character that cannot start any token":
        reason, step = _RESERVED
    return Complaint(f"it is no YAML: {reason or problem}", step, mark.line, mark.column)


def is_template(text: bytes) -> bool:
    """Tell whether a text that does not parse looks like one that is yet to be rendered."""
    return _TEMPLATE.search(text) is not None


def is_foreign_json(file: str, text: bytes) -> bool:
    """Tell whether a broken text is JSON of another trade, such as a settings file with comments."""
    return file.endswith(".json") and not _SPEAKS_KUBERNETES.search(text)


def _has_tab_indent(text: bytes, line: int) -> bool:
    lines = text.splitlines()
    found = lines[line] if line < len(lines) else b""
    return b"\t" in found[: len(found) - len(found.lstrip())]


def _unreadable(text: bytes, error: YAMLError) -> Complaint:
    """Name the bytes that are no text."""
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        reason, step = f"it is no UTF-8 text: a byte is {text[wrong.start]:#04x}", "save the file as UTF-8"
        return Complaint(reason, step, *_place(text, wrong.start))
    control = _CONTROL.search(text)
    if control is None:
        return Complaint(" ".join(f"it is no YAML: {error}".split()), CORRECT)
    reason = f"it holds a control character, {control.group()[0]:#04x}"
    return Complaint(reason, "remove the character", *_place(text, control.start()))


def _place(text: bytes, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count(b"\n"), len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace"))
