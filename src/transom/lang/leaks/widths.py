"""How wide the matches of an expression can be."""

from __future__ import annotations

import re
import warnings

MAX_WIDTH = 16_384  # bytes; of a wider expression all of a text is looked through
_STEP = re.compile(r"\\.|\[:\^?[a-z]+:\]|\[\^?\]?|\(\?[a-zA-Z]*(?:-[a-zA-Z]+)?(?::|\))|.", re.DOTALL)


def width(pattern: str) -> int | None:
    """Return the most bytes that a match of an expression has, None where there is no bound below MAX_WIDTH.

    Python's parser counts, after what it does not read is taken away: flags in the middle, names of classes.
    """
    from re import _parser  # type: ignore[attr-defined]

    plain = "".join(_plain(_STEP.findall(pattern)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sets within sets, as it may read them one day
            widest: int = _parser.parse(plain).getwidth()[1]
    except (re.error, RecursionError, OverflowError):
        return None
    return widest if widest <= MAX_WIDTH else None


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
