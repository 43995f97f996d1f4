"""Comments of YAML that are addressed to Transom, and which fields each speaks of.

Parsers drop comments, so they are looked for in a document's own text: a `#` that stands in a scalar is no comment.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.model.limits import MAX_NODES
from transom.model.places import Path

if TYPE_CHECKING:
    from transom.kube.documents import Document

MARK = "transom.dev/allow"
"""How a comment begins that is looked for; a document without these characters costs one search of its bytes."""

MAX_COMMENTS = 10_000  # in one document: a List of as many objects may have one for each
_MARK = MARK.encode()
_CANDIDATE = re.compile(rf"(?:^|(?<=[ \t]))#+[ \t]*(?={re.escape(MARK)})", re.M)
_BEGINS_LATER = re.compile(r"(?:---)?[ \t-]*\Z")  # before a comment on whose line no node begins yet


class Comment(Struct, frozen=True):
    """A comment: its text without `#`, its line and column in the file from 1, and what it speaks of.

    paths: the outermost nodes that begin on its line or, where it has a line of its own, on the next that is no
    comment; empty where none does.
    """

    text: str
    line: int
    column: int
    paths: tuple[Path, ...] = ()


def comments(document: Document) -> tuple[Comment, ...]:
    """Return the comments of a document that begin with MARK, at most MAX_COMMENTS and one more."""
    if _MARK not in document.text:
        return ()
    text = document.text.decode("utf-8", "replace")
    found = list(islice(_outside_scalars(document.text, _CANDIDATE.finditer(text)), MAX_COMMENTS + 1))
    if not found:
        return ()
    from transom.kube.documents import positions

    lines = text.split("\n")
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line) + 1)
    placed = []
    target = 0
    for match in found:
        number = bisect_right(begins, match.start()) - 1
        target = _spoken_of(lines, number, match.start() - begins[number], target)
        placed.append((match, number, target))
    places = positions(document).outermost_on({document.line + target for _, _, target in placed})
    return tuple(
        Comment(
            lines[number][match.end() - begins[number] :].strip(),
            document.line + number,
            match.start() - begins[number] + 1,
            tuple(places.get(document.line + target, ())),
        )
        for match, number, target in placed
    )


def _outside_scalars(text: bytes, candidates: Iterator[re.Match[str]]) -> Iterator[re.Match[str]]:
    """Yield the candidates that stand in no scalar; none of a text that is no YAML, as JSON with odd escapes is."""
    from yaml import YAMLError

    from transom.kube.events import CParser, DocumentEndEvent, ScalarEvent, StreamEndEvent

    parser = CParser(text)
    candidate = next(candidates, None)
    try:
        for _ in range(MAX_NODES):
            event: Any = parser.get_event()
            start, end = event.start_mark.index, event.end_mark.index
            while candidate and candidate.start() < start:
                yield candidate
                candidate = next(candidates, None)
            if type(event) is ScalarEvent:
                while candidate and candidate.start() < end:
                    candidate = next(candidates, None)
            if candidate is None or type(event) is DocumentEndEvent or type(event) is StreamEndEvent:
                return
    except YAMLError:
        return
    finally:
        parser.dispose()


def _spoken_of(lines: list[str], number: int, column: int, before: int) -> int:
    """Return the line on which begins what a comment speaks of; lines count from 0.

    before: that of the comment before; where it lies ahead, both stand in one run of comments.
    """
    if not _BEGINS_LATER.match(lines[number][:column]):
        return number
    following = max(number + 1, before)
    while following < len(lines) and (lines[following].lstrip()[:1] == "#" or lines[following].startswith("---")):
        following += 1
    return following
