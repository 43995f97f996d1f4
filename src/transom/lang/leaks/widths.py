"""How wide the matches of an expression can be, and the steps that Python's parser reads in it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

MAX_WIDTH = 16_384  # bytes; of a wider expression all of a text is looked through
_STEP = re.compile(r"\\.|\[:\^?[a-z]+:\]|\[\^?\]?|\(\?[a-zA-Z]*(?:-[a-zA-Z]+)?(?::|\))|.", re.DOTALL)


def width(pattern: str) -> int | None:
    """Return the most bytes that a match of an expression has, None where there is no bound below MAX_WIDTH."""
    steps = parsed(pattern)
    try:
        widest: int | None = None if steps is None else steps.getwidth()[1]
    except (RecursionError, OverflowError):
        return None
    return widest if widest is not None and widest <= MAX_WIDTH else None


def parsed(pattern: str) -> Any:
    """Return the steps of an expression, None where Python's parser does not read it.

    What it does not read is taken away before: flags in the middle, names of classes.
    """
    from re import _parser  # type: ignore[attr-defined]

    plain = "".join(_plain(_STEP.findall(pattern)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets within sets, as it may read them one day
            return _parser.parse(plain)
    except (re.error, RecursionError, OverflowError):
        return None


def has_word(pattern: str, chars: int) -> bool:
    """Tell whether each match of an expression is sure to hold so many certain characters in a row, whatever their case.

    False where that is not known.
    """
    steps = parsed(pattern)
    return steps is not None and _has_word(steps, chars, 0)


def _has_word(steps: Any, chars: int, run: int) -> bool:
    """Tell the same of a sequence of steps; run: how many certain characters stand before it."""
    for operation, value in _flat(steps):
        if operation == "BRANCH" and all(_has_word(each, chars, run) for each in value[1]):
            return True
        run = run + 1 if operation == "LITERAL" else 0
        if run >= chars:
            return True
        if operation in ("MAX_REPEAT", "MIN_REPEAT") and value[0] > 0 and _has_word(value[2], chars, 0):
            return True
    return False


def _flat(steps: Any) -> Iterator[tuple[str, Any]]:
    """Yield the steps of an expression, those of its groups among them, each with the name of its operation."""
    for operation, value in steps:
        if str(operation) == "SUBPATTERN":
            yield from _flat(value[3])
        else:
            yield str(operation), value


def _plain(steps: list[str]) -> list[str]:
    """Return the steps of an expression without flags; each class as one letter, which is as wide."""
    made: list[str] = []
    in_class = False
    for step in steps:
        if in_class:
            in_class = step != "]"
        elif step.startswith("["):
            in_class = True
            made.append("a")
        elif step.startswith("(?") and step[-1] in ":)":
            made.append("(?:" if step[-1] == ":" else "")
        elif step == "\\z":
            made.append("\\Z")
        else:
            made.append(step)
    return made
