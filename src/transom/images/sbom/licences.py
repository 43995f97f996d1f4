"""Licences as SPDX expressions (SPDX 2.3, annex D), where what a package says is one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

MAX_EXPRESSION_CHARS = 10_000
MAX_DEPTH = 50
_TOKEN = re.compile(r"\s*(\(|\)|[A-Za-z0-9.:+-]+)")
_OWN = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+\Z")
_NO_LICENCES = ("GPL-CC-1.0", "Linux-syscall-note", "SHL-2.0", "SHL-2.1")


@cache
def _known() -> tuple[dict[str, str], dict[str, str]]:
    """Return the licences and the exceptions of the SPDX list, by their names in lower case."""
    names = files("transom.content").joinpath("spdx/licences.txt").read_text("utf-8").split()
    exceptions = {name.lower(): name for name in names if "exception" in name or name in _NO_LICENCES}
    return {name.lower(): name for name in names if name.lower() not in exceptions}, exceptions


def is_listed(name: str) -> bool:
    """Tell whether a licence is of the SPDX list, by its exact name."""
    return _known()[0].get(name.lower()) == name


def expression(licences: Iterable[str]) -> str:
    """Return what a package says of its licences as one SPDX expression; "" where any of it is none."""
    found = [canonical(each) for each in licences]
    if not found or not all(found):
        return ""
    if len(found) == 1:
        return found[0]
    return " AND ".join(f"({each})" if " OR " in each else each for each in found)


@cache
def canonical(text: str) -> str:
    """Return an SPDX expression as the list writes its names; "" for what is none."""
    if len(text) > MAX_EXPRESSION_CHARS:
        return ""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+", "", text):
        return ""
    try:
        made, rest = _alternatives(tokens, 0)
    except ValueError:
        return ""
    return "" if rest else made


def _alternatives(tokens: list[str], depth: int) -> tuple[str, list[str]]:
    """Read `term (AND | OR term)*`, and return it and what follows; raises ValueError."""
    if depth > MAX_DEPTH:
        raise ValueError(tokens)
    made, tokens = _term(tokens, depth)
    while tokens and tokens[0].upper() in ("AND", "OR"):
        operator = tokens[0].upper()
        term, tokens = _term(tokens[1:], depth)
        made = f"{made} {operator} {term}"
    return made, tokens


def _term(tokens: list[str], depth: int) -> tuple[str, list[str]]:
    if not tokens:
        raise ValueError(tokens)
    if tokens[0] == "(":
        made, tokens = _alternatives(tokens[1:], depth + 1)
        if not tokens or tokens[0] != ")":
            raise ValueError(tokens)
        return f"({made})", tokens[1:]
    licences, exceptions = _known()
    name = tokens[0]
    made = licences.get(name.lower()) or (name if _OWN.match(name) else "")
    if not made and name.endswith("+"):
        made = f"{licences[name[:-1].lower()]}+" if name[:-1].lower() in licences else ""
    if not made:
        raise ValueError(tokens)
    tokens = tokens[1:]
    if tokens and tokens[0].upper() == "WITH":
        if len(tokens) < 2 or tokens[1].lower() not in exceptions:
            raise ValueError(tokens)
        return f"{made} WITH {exceptions[tokens[1].lower()]}", tokens[2:]
    return made, tokens
