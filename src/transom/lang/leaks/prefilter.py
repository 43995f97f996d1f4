"""Where rules may match: all their expressions in one pass of Hyperscan, where the extra `transom[leaks]` is installed.

Hyperscan tells at which bytes matches end; RE2 then looks only where they can have begun, so that with it and without the
same is found. Measured: 222 published rules over 34 MB of manifests and advisories at 450 MB/s on one core.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from itertools import accumulate
from typing import Any

import msgspec

from transom.lang.leaks.widths import has_word, width

MAX_ENDS = 10_000  # of one expression in one text; beyond, all of the text is looked through, which finds the same
REACH_BYTES = (
    2 * 1024
)  # before the end of a match, where its expression sets no bound; whoever finds none goes back further
RUN_BYTES = 256  # of a run of letters, at first: most are shorter
_SPACE = "\\t\\n\\f\\r\\x20"
"""What RE2 calls space; Hyperscan counts the vertical tab as well."""

_ANCHORS = {"\\A": "^", "\\z": "$"}
_STEP = re.compile(r"\\Q.*?(?:\\E|\Z)|\\.|\[:\^?[a-z]+:\]|\[\^?\]?|.", re.DOTALL)

_NO_LINES = re.compile(r"\(\?[a-zA-Z]*-[a-zA-Z]*m[a-zA-Z]*[:)]")
"""A flag that holds anchors to the ends of the text."""

FLAGS = 4
"""HS_FLAG_MULTILINE: anchors hold at every line, which is more than they say, so that many texts can be one."""

WORD_FLAGS = 1 | 8
"""Of a keyword: HS_FLAG_CASELESS, HS_FLAG_SINGLEMATCH."""

WORD_CHARS = 2  # in a row that an expression must have, for Hyperscan to look for these first
Asked = tuple[bytes, int]
"""An expression as Hyperscan writes it, and its flags."""

Regions = Sequence[tuple[int, int]]
"""Parts of a text, in their order and apart from each other."""


class Kept(msgspec.Struct, frozen=True):
    """Where compiled sets are kept between runs: what reads the one of a key, and what writes it."""

    read: Callable[[str], bytes | None]
    write: Callable[[str, bytes], None]


class Hints(msgspec.Struct, frozen=True):
    """What else is known of some expressions, by their numbers.

    alphabets: of which a match is made, but for a byte before and behind it; keywords, in lower case: at least one must
    stand in the text for a match to count.
    """

    alphabets: Mapping[int, bytes] = {}
    keywords: Mapping[int, Sequence[str]] = {}


class Prefilter:
    """A set of expressions made ready; takes: the numbers of those that Hyperscan takes, the others must be tried.

    Expressions that match without any word of their own, like 40 hexadecimal digits, wait until a keyword of theirs was met:
    one of them costs as much as a hundred others.
    """

    def __init__(self, patterns: Sequence[str], kept: Kept | None = None, hints: Hints | None = None) -> None:
        import hyperscan

        self._module = hyperscan
        self._hints = hints or Hints()
        self._count = len(patterns)
        widths = [width(pattern) for pattern in patterns]
        self.unbounded = frozenset(number for number, widest in enumerate(widths) if widest is None)
        self._widths = [REACH_BYTES if widest is None else widest for widest in widths]
        asked = {number: _translated(pattern) for number, pattern in enumerate(patterns)}
        told = {number: (pattern, FLAGS) for number, pattern in asked.items() if pattern is not None}
        self._wakers = self._numbered_keywords()
        late = {number for number in told.keys() & self._wakers.keys() if not has_word(patterns[number], WORD_CHARS)}
        words = {number: (_literal(word), WORD_FLAGS) for word, number in self._words.items()}
        self._late, taken_late = self._restored({number: told[number] for number in late}, kept)
        first = {number: each for number, each in told.items() if number not in late}
        self._database, taken = self._restored(first | words, kept)
        self.takes = frozenset(number for number in taken | taken_late if number < self._count)
        self._waits = [(number, self._wakers[number]) for number in taken_late]

    def _numbered_keywords(self) -> dict[int, frozenset[int]]:
        """Return the numbers of the keywords of each expression, which follow those of the expressions."""
        self._words: dict[str, int] = {}
        found = {}
        for number, keywords in self._hints.keywords.items():
            if keywords and all(keyword and keyword.isascii() for keyword in keywords):
                for keyword in keywords:
                    self._words.setdefault(keyword, self._count + len(self._words))
                found[number] = frozenset(self._words[keyword] for keyword in keywords)
        return found

    def regions(self, text: bytes) -> Mapping[int, Regions]:
        """Return, by the number of each expression that matches, the parts of a text in which all its matches lie.

        Those of an unbounded expression may begin before the part in which they end.
        """
        return {number: self._parts(number, ends, text) for number, ends in self._ends(text).items()}

    def regions_of(self, texts: Sequence[bytes], joined: bytes = b"") -> Mapping[int, Mapping[int, Regions]]:
        """Return the regions of many texts in one pass, by the number of each text in which anything matches.

        The texts are joined by line breaks, at which anchors and borders of words hold as at the ends of a text; what
        matches only beyond a text's end is none of its. joined: the texts so joined, where somebody has done it.
        """
        found: dict[int, dict[int, list[int]]] = {}
        starts = [0, *accumulate(len(text) + 1 for text in texts[:-1])]
        for number, ends in self._ends(joined or b"\n".join(texts)).items():
            if len(ends) > MAX_ENDS:
                for at in range(len(texts)):
                    found.setdefault(at, {})[number] = ends
                continue
            for end in ends:
                at = bisect_left(starts, end) - 1
                if end - starts[at] <= len(texts[at]):
                    found.setdefault(at, {}).setdefault(number, []).append(end - starts[at])
        return {
            at: {number: self._parts(number, ends, texts[at]) for number, ends in told.items()}
            for at, told in found.items()
        }

    def _ends(self, text: bytes) -> Mapping[int, list[int]]:
        """Return where matches end, by the number of their expression, of those that may count in this text."""
        ends = self._scanned(self._database, text)
        if any(not wakers.isdisjoint(ends) for _, wakers in self._waits):
            ends.update(self._scanned(self._late, text))
        return {
            number: places
            for number, places in ends.items()
            if number < self._count and (number not in self._wakers or not self._wakers[number].isdisjoint(ends))
        }

    def _scanned(self, database: Any, text: bytes) -> dict[int, list[int]]:
        """Return where matches end, by the number of their expression; at most one more than MAX_ENDS of each."""
        ends: dict[int, list[int]] = {}

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found = ends.get(number)
            if found is None:
                ends[number] = [end]
            elif len(found) <= MAX_ENDS:
                found.append(end)

        if database is not None and text:
            database.scan(text, match_event_handler=note)
        return ends

    def _parts(self, number: int, ends: list[int], text: bytes) -> Regions:
        if len(ends) > MAX_ENDS:
            return [(0, len(text))]
        alphabet, widest = self._hints.alphabets.get(number), self._widths[number]
        found: list[tuple[int, int]] = []
        for end in sorted(ends):
            start = max(end - widest, 0) if alphabet is None else _run_start(text, end, alphabet)
            if found and start <= found[-1][1]:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
        return found

    def _restored(self, asked: Mapping[int, Asked], kept: Kept | None) -> tuple[Any, frozenset[int]]:
        if kept is None or not asked:
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

    def _compiled(self, asked: Mapping[int, Asked]) -> tuple[Any, frozenset[int]]:
        """Return the database of what is taken: of all at once, and one by one only where something is not."""
        database = self._made(asked)
        if database is None:
            asked = {number: each for number, each in asked.items() if self._made({number: each}) is not None}
            database = self._made(asked)
        return database, frozenset() if database is None else frozenset(asked)

    def _made(self, asked: Mapping[int, Asked]) -> Any:
        if not asked:
            return None
        database = self._module.Database()
        expressions, flags = zip(*asked.values(), strict=True)
        try:
            database.compile(expressions=list(expressions), ids=list(asked), flags=list(flags))
        except self._module.error:
            return None
        return self._ready(database)

    def _ready(self, database: Any) -> Any:
        database.scratch = self._module.Scratch(database)
        return database


def _run_start(text: bytes, end: int, alphabet: bytes) -> int:
    """Return where the byte stands before the run of an alphabet that ends at a place, or at the byte before it."""
    stop = end - (text[end - 1] not in alphabet)
    start, size = stop, RUN_BYTES
    while start:
        start = max(stop - size, 0)
        left = text[start:stop].rstrip(alphabet)
        if left:
            return start + len(left) - 1
        size *= 16
    return 0


def _literal(word: str) -> bytes:
    return "".join(f"\\x{each:02x}" for each in word.encode()).encode()


def _translated(pattern: str) -> bytes | None:
    """Return an expression of RE2 as Hyperscan writes it, None where the two may read it differently.

    Hyperscan may match more than RE2, never less: anchors hold at every line, for one.
    """
    if not pattern or not pattern.isascii() or _NO_LINES.search(pattern):
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
    if step in _ANCHORS and not inside:
        return _ANCHORS[step]
    if step == "\\v":
        return "\\x0b"
    return None if step[1] in "pPCXQ" else step
