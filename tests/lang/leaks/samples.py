"""Texts made from the expression of a rule, as Python's own parser reads it."""

from __future__ import annotations

import re
import string
from random import Random
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_FLAGS = re.compile(r"\(\?[a-zA-Z]*(?:-[a-zA-Z]+)?(?:(:)|\))")
MORE = 30  # what an unbounded repetition may have beyond its least
CLASSES = {
    ops.CATEGORY_DIGIT: string.digits,
    ops.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    ops.CATEGORY_SPACE: " ",
    ops.CATEGORY_NOT_SPACE: string.ascii_letters + string.digits,
}
ANY = string.ascii_letters + string.digits + "._- "

PATHS = {
    "freemius-secret-key": "a.php",
    "hashicorp-tf-password": "a.tf",
    "kubernetes-secret-yaml": "a.yaml",
    "nuget-config-password": "nuget.config",
}
"""Where the rules look that look in some files only."""

TRIES = 20  # of a rule: chance may make a text too regular, or put a stop-word in it


def sample(pattern: str, random: Random) -> str:
    """Return a text that the pattern matches, for all but what anchors ask."""
    plain = _FLAGS.sub(lambda found: "(?:" if found[1] else "", pattern).replace("[[:alnum:]]", "[A-Za-z0-9]")
    plain = plain.replace("[:alnum:]", "A-Za-z0-9").replace(r"\z", r"\Z")
    return "".join(_text(op, value, random) for op, value in _parser.parse(plain))


def _text(op: Any, value: Any, random: Random) -> str:
    if op is ops.LITERAL:
        return chr(value)
    if op is ops.IN:
        return random.choice(_members(value))
    if op in (ops.ANY, ops.NOT_LITERAL):
        return random.choice(ANY)
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        least, most, inner = value
        times = random.randint(least, least + MORE if most is ops.MAXREPEAT else most)
        return "".join(_all(inner, random) for _ in range(times))
    if op is ops.SUBPATTERN:
        return _all(value[3], random)
    if op is ops.BRANCH:
        return _all(random.choice(value[1]), random)
    return ""


def _all(steps: Any, random: Random) -> str:
    return "".join(_text(op, value, random) for op, value in steps)


def _members(items: Any) -> str:
    if items[0][0] is ops.NEGATE:
        out = _members(items[1:])
        return "".join(each for each in ANY if each not in out)
    found = ""
    for op, value in items:
        if op is ops.LITERAL:
            found += chr(value)
        elif op is ops.RANGE:
            found += "".join(map(chr, range(value[0], value[1] + 1)))
        else:
            found += CLASSES[value]
    return found
