"""Many small files looked through at once: a pass over half a megabyte costs no more than one over a kilobyte does twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from transom.lang.leaks.stream import Form, Found, Piece, Searcher, converted, form_of, leaks_in, leaks_of_path

if TYPE_CHECKING:
    from transom.lang.leaks.prefilter import Regions

BATCHED_BYTES = 128 * 1024  # of a file up to here; a larger one gains nothing by company
PLAIN = Form()
BATCH_BYTES = 512 * 1024  # of all files of a batch: what a processor keeps near
Key = TypeVar("Key")


class _Held(Struct, Generic[Key], frozen=True):
    """A file that waits: what the caller knows it by, its path and its content."""

    key: Key
    path: str
    content: bytes


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
        self._held.append(_Held(key, path, content))
        self._size += len(content) + 1

    def leaks(self) -> Iterator[tuple[Key, list[Found]]]:
        """Look through what waits; yield the leaks of each file that has any, in the order in which they were added."""
        held, self._held, self._size = self._held, [], 0
        finder = self._searcher.finder
        texts, forms, joined = _read([each.content for each in held])
        told = finder.prefilter.regions_of(texts, joined) if finder.prefilter else None
        everywhere = told is None or bool(finder.untold) or finder.paths_matter([each.path for each in held])
        for at in range(len(held)) if everywhere or told is None else sorted(told):
            regions = None if told is None else told.get(at, {})
            found = list(self._leaks(held[at].path, texts[at], forms.get(at, PLAIN), regions))
            if found:
                yield held[at].key, found

    def _leaks(self, path: str, text: bytes, form: Form, regions: Mapping[int, Regions] | None) -> Iterator[Found]:
        if self._searcher.finder.allows(path):
            return
        yield from leaks_of_path(self._searcher, path)
        yield from leaks_in(self._searcher, path, Piece(text, 0, 0, len(text) + 1), regions, form)


def _read(contents: list[bytes]) -> tuple[list[bytes], dict[int, Form], bytes]:
    """Return the texts of files, how those are read that are no plain text, by number, and all texts joined.

    What is no plain text has a NUL, and most batches have none.
    """
    joined = b"\n".join(contents)
    if b"\0" not in joined:
        return contents, {}, joined
    forms = dict(enumerate(map(form_of, contents)))
    if not any(form.encoding for form in forms.values()):
        return contents, forms, joined
    texts = [
        converted(content, forms[at].encoding) if forms[at].encoding else content for at, content in enumerate(contents)
    ]
    return texts, forms, b"\n".join(texts)
