"""Regular expressions that Python's `re` matches just as RE2 does, in bounded time, and ten times sooner.

Only patterns whose every piece means the same to both are translated, and of those only the ones for which backtracking
has few choices: at most MAX_STEPS on a text of LONGEST characters. All others stay with RE2.
"""

from __future__ import annotations

import re

LONGEST = 256  # characters: names, images and paths are shorter
MAX_STEPS = 2**20  # some 10 ms, for a text made to be slow

_PIECE = re.compile(
    r"""(?P<atom>[A-Za-z0-9_/:@,=%~#&!;'"<> \-]|\\[.\-/+*?()\[\]{}|^$\\]|\\[dw]|\."""
    r"""|\[\^?(?:[A-Za-z0-9_/:@,=%~#&!;'"<> .+*?(){}|$]|\\[.\-/+*?()\[\]{}|^$\\dw]|-)+\])"""
    r"""|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<bar>\|)|(?P<quantifier>[*+?]|\{\d{1,3}(?:,\d{0,3})?\})"""
)
_CLASS_TRAPS = re.compile(r"--|&&|\|\||~~|\\[dw]-|-\\[dw]")


def translated(pattern: str) -> str | None:
    """Return the same pattern for `re.search` with re.ASCII, None where RE2 is to match it."""
    start, body, end = pattern.startswith("^"), pattern.removeprefix("^"), False
    if body.endswith("$") and not body.endswith("\\$"):
        body, end = body[:-1], True
    steps = _steps(body, anchored=start)
    if steps is None or steps > MAX_STEPS:
        return None
    return ("^" if start else "") + body + (r"\Z" if end else "")


def _steps(body: str, anchored: bool) -> int | None:
    """Return how many steps backtracking takes at most on LONGEST characters, None for what is not understood.

    Each repetition without end may stop at every character, each option doubles the ways; an expression without `^`
    starts at every character.
    """
    degree, choices, position = (0 if anchored else 1), 0, 0
    groups: list[bool] = [False]  # whether a group has choices within
    closed, quantifiable = False, False  # what stands before: a group with choices, something at all
    while position < len(body):
        piece = _PIECE.match(body, position)
        if piece is None or (piece["atom"] and len(piece[0]) > 2 and _CLASS_TRAPS.search(piece[0])):
            return None
        position = piece.end()
        quantifier = piece["quantifier"]
        if piece["open"]:
            groups.append(False)
        elif piece["close"]:
            if len(groups) == 1:
                return None
            closed = groups.pop()
            groups[-1] |= closed
        elif piece["bar"]:
            choices += 1
            groups[-1] = True
        elif quantifier:
            if not quantifiable or (closed and quantifier != "?"):
                return None
            if quantifier == "?":
                choices += 1
            elif "," in quantifier or quantifier in "*+":
                degree += 1
            groups[-1] = True
        if not piece["close"]:
            closed = False
        quantifiable = bool(piece["atom"] or piece["close"])
    if len(groups) > 1 or (anchored and "|" in body and _has_top_bar(body)):
        return None
    return int(LONGEST**degree * 2**choices)


def _has_top_bar(body: str) -> bool:
    """Say whether `|` stands outside of every group: then `^` and `$` belong to one side only."""
    depth = 0
    for piece in _PIECE.finditer(body):
        depth += bool(piece["open"]) - bool(piece["close"])
        if piece["bar"] and depth == 0:
            return True
    return False
