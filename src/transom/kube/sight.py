"""What a field of an object holds, in one short line, and never the value of a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from transom.model.places import Path

MAX_SIGHT_CHARS = 120  # one line of a report
FIELDS_SHOWN = 3  # of a map; of a larger one the keys tell enough
HIDDEN = "(hidden)"
NAMED_VALUES = frozenset(("env", "httpHeaders"))  # lists of names and values, among which passwords and tokens stand
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The annotation in which `kubectl apply` keeps a copy of the whole object."""

WORDS_OF_A_PROCESS = frozenset(("command", "args"))
_NAME_OF_ONE = r"(?:pass(?:word|wd|phrase)?|token|secret|api[-_]?key|private[-_]?key|credentials?)"
_SECRET_FIELD = re.compile(rf"{_NAME_OF_ONE}\Z", re.IGNORECASE)
_SECRET_FLAG = re.compile(rf"(-[\w.-]*{_NAME_OF_ONE}|\b[\w.]*{_NAME_OF_ONE})([= :]\s*)\S.*", re.IGNORECASE | re.DOTALL)
_BARE_FLAG = re.compile(rf"-[\w.-]*{_NAME_OF_ONE}\Z", re.IGNORECASE)
_USER_INFO = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")


def is_secret(kind: str, path: Path) -> bool:
    """Tell whether a path in an object of a kind leads to, or around, values that must not be shown.

    These are what a Secret holds, what a ConfigMap holds that should be one, literal values of environment variables
    and HTTP headers, and the copy of all of them that `kubectl apply` leaves in an annotation.
    """
    if kind in ("Secret", "ConfigMap") and (not path or path[0] in ("data", "stringData", "binaryData")):
        return True
    if "annotations" in path and path[-1] in ("annotations", LAST_APPLIED):
        return True
    return not NAMED_VALUES.isdisjoint(path) and (path[-1] == "value" or isinstance(path[-1], int))


def sight(node: Any, path: Path) -> str:
    """Return a value as one short line; path: where it stands, for elements of lists are called by their names.

    Words of a command that follow a flag such as `--password` are hidden, and so is text in a field of such a name.
    """
    return short(_inline(node, path))


def short(text: str) -> str:
    """Return a text as one line of at most MAX_SIGHT_CHARS characters."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_SIGHT_CHARS else line[: MAX_SIGHT_CHARS - 1] + "…"


def _inline(node: Any, path: Path) -> str:
    if isinstance(node, dict):
        named = node.get("name")
        if isinstance(named, str) and path and isinstance(path[-1], int):
            return named
        if len(node) <= FIELDS_SHOWN and _is_flat(node.values()):
            return "{" + ", ".join(f"{key}: {_scalar(each, key)}" for key, each in node.items()) + "}"
        return "{" + ", ".join(map(str, node)) + "}"
    field = next((step for step in reversed(path) if isinstance(step, str)), "")
    if isinstance(node, list):
        if not _is_flat(node):
            return f"[{len(node)} items]"
        words = _without_passwords(node) if field in WORDS_OF_A_PROCESS else node
        return "[" + ", ".join(_scalar(each, field) for each in words) + "]"
    return _scalar(node, field)


def _without_passwords(words: list[Any]) -> Iterable[Any]:
    """Yield the words of a command line, with what follows a flag that takes a secret hidden."""
    follows = False
    for word in words[:MAX_SIGHT_CHARS]:
        if not isinstance(word, str):
            yield word
            continue
        word = word[: 2 * MAX_SIGHT_CHARS]  # no more is shown, and patterns take their time on long ones
        told = HIDDEN if follows else _USER_INFO.sub(rf"\1{HIDDEN}@", _SECRET_FLAG.sub(rf"\1\2{HIDDEN}", word))
        follows = not follows and _BARE_FLAG.search(word) is not None
        yield told


def _is_flat(values: Iterable[Any]) -> bool:
    return all(not isinstance(each, dict | list) for each in values)


def _scalar(value: Any, field: object = "") -> str:
    if not isinstance(value, str) or not value:
        return repr(value) if isinstance(value, float) else msgspec.json.encode(value).decode()
    return HIDDEN if isinstance(field, str) and _SECRET_FIELD.search(field) else value
