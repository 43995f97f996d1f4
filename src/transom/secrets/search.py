"""Leaks in texts of any origin as results: a finding for each value in each file, exceptions, and what was judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from transom.lang.leaks.batches import Batch
from transom.lang.leaks.stream import Found, Searcher, leaks_of
from transom.model.findings import Accepted, Finding, Judged, Provenance, Result, Skipped
from transom.model.places import Locator
from transom.model.refs import file_ref
from transom.rules.leaks import ALLOWED_BY_REMARK, leak_finding
from transom.secrets.ignores import Ignores


class Text(Struct, frozen=True):
    """A text to look through. path: as people see it; content: all of it where it is small, else its bytes in order, read
    when they are asked for.
    """

    path: str
    content: bytes | Iterable[bytes]


def search(searcher: Searcher, texts: Iterable[Text | Result], ignores: Ignores | None) -> Iterator[Result]:
    """Yield what the rules say of the texts; whatever else comes among these is handed on.

    ignores: leaks that are accepted, None where no exception counts.
    """
    tally = Tally(searcher)
    for told in leaks_of_texts(searcher, texts, tally):
        if not isinstance(told, tuple):
            yield told
            continue
        path, leaks = told
        for places in by_value(leaks):
            tally.failed(places[0].rule.id, path)
            yield judged_by(leak_finding(file_ref(path), path, places), places, ignores)
    yield from tally.judged()


def leaks_of_texts(
    searcher: Searcher, texts: Iterable[Text | Result], tally: Tally
) -> Iterator[tuple[str, Sequence[Found]] | Result]:
    """Yield the leaks of each text that has any, small ones looked through together; what is no text is handed on."""
    batch: Batch[str] = Batch(searcher)
    for text in texts:
        if not isinstance(text, Text):
            yield text
        elif isinstance(text.content, bytes):
            tally.texts += 1
            batch.add(text.path, text.path, text.content)
            if batch.is_full:
                yield from batch.leaks()
        else:
            yield from batch.leaks()
            try:
                yield text.path, list(leaks_of(searcher, text.path, text.content))
                tally.texts += 1
            except OSError as error:
                yield unreadable(text.path, error)
    yield from batch.leaks()


def unreadable(path: str, error: OSError) -> Skipped:
    """Return that a file could not be read; path: as people see it."""
    why = f"cannot be read: {error.strerror or error}"
    return Skipped(file_ref(path), why, "make it readable, or exclude it", locator=Locator(path))


def by_value(leaks: Iterable[Found]) -> Iterator[Sequence[Found]]:
    """Yield the places of each value of one file together, in the order of the rules and of the file."""

    def key(found: Found) -> tuple[str, bool, str, int]:
        return found.rule.id, found.allowed, found.tag, found.length

    for _, places in groupby(sorted(leaks, key=key), key):
        yield sorted(places, key=lambda found: (found.line, found.start))


def judged_by(finding: Finding, places: Sequence[Found], ignores: Ignores | None, commit: str = "") -> Result:
    """Return a finding, or that it is accepted: by a remark in its line, or by a list of ignored ones."""
    if ignores is None:
        return finding
    if places[0].allowed:
        return Accepted(finding, ALLOWED_BY_REMARK, finding.place)
    where = ignores.place_of(finding.place.file, finding.rule, places, commit)
    return Accepted(finding, f"{where.file} names it", where) if where else finding


class Tally:
    """How many texts were judged, and in which of them each rule found something."""

    def __init__(self, searcher: Searcher) -> None:
        self.texts = 0
        self._rules = [rule.id for rule in searcher.finder.rules.rules]
        self._failed: set[tuple[str, str]] = set()

    def failed(self, rule: str, path: str) -> None:
        """Note that a rule found something in a text."""
        self._failed.add((rule, path))

    def nothing(self, target: str, why: str) -> Iterator[Result]:
        """Say that there was nothing to look through, which is clean: whoever asks for what is new may get nothing."""
        self.texts = 1
        yield Provenance(target, why)

    def judged(self) -> Iterator[Judged]:
        """Yield a count for each rule."""
        failures = Counter(rule for rule, _ in self._failed)
        for rule in self._rules if self.texts else ():
            yield Judged(rule, max(self.texts, failures[rule]), max(self.texts - failures[rule], 0))
