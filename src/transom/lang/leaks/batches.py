"""Many small files looked through at once: a pass over half a megabyte costs no more than one over a kilobyte does twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from transom.lang.leaks.stream import Form, Found, Piece, Searcher, converted, form_of, leaks_in, leaks_of_path

if TYPE_CHECKING:
    from transom.lang.leaks.prefilter import Regions

BATCHED_BYTES = 128 * 1024  # of a file up to here; a larger one gains nothing by company
BATCH_BYTES = 512 * 1024  # of all files of a batch: what a processor keeps near
Key = TypeVar("Key")


class _Held(Struct, Generic[Key], frozen=True):
    """A file that waits: what the caller knows it by, its path, its text, and how that is read."""

    key: Key
    path: str
    text: bytes
    form: Form


class Batch(Generic[Key]):
    """Files that wait to be looked through together, by whatever keys their owner knows them."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._held: list[_Held[Key]] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time to look through what waits."""
        return self._size >= BATCH_BYTES

    def add(self, key: Key, path: str, content: bytes) -> None:
        """Add a whole file; path: as people see it."""
        form = form_of(content)
        text = converted(content, form.encoding) if form.encoding else content
        self._held.append(_Held(key, path, text, form))
        self._size += len(text) + 1

    def leaks(self) -> Iterator[tuple[Key, list[Found]]]:
        """Look through what waits; yield the leaks of each file that has any, in the order in which they were added."""
        held, self._held, self._size = self._held, [], 0
        finder = self._searcher.finder
        told = finder.prefilter.regions_of([each.text for each in held]) if finder.prefilter else None
        everywhere = told is None or bool(finder.untold) or finder.paths_matter([each.path for each in held])
        for at in range(len(held)) if everywhere or told is None else sorted(told):
            found = list(self._leaks(held[at], None if told is None else told.get(at, {})))
            if found:
                yield held[at].key, found

    def _leaks(self, held: _Held[Key], regions: Mapping[int, Regions] | None) -> Iterator[Found]:
        if self._searcher.finder.allows(held.path):
            return
        yield from leaks_of_path(self._searcher, held.path)
        piece = Piece(held.text, 0, 0, len(held.text) + 1)
        yield from leaks_in(self._searcher, held.path, piece, regions, held.form)
