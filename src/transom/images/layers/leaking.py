"""Credentials in the files of a layer, looked for while these pass by: no file is read for it a second time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from transom.images.layers.record import LayerRecord, Leaked
from transom.images.layers.tar import Content
from transom.images.packages.brought import MAX_LIST_BYTES, is_list, told
from transom.images.packages.sums import is_verified
from transom.lang.leaks.batches import BATCHED_BYTES, Batch
from transom.lang.leaks.stream import Found, Searcher, leaks_of

HELD_BYTES = 8 * 1024 * 1024  # of a file that is held whole; few texts are larger
MAX_LINKS = 40  # that lead from one name to another; honest layers name the file itself
CHUNK = 1024 * 1024


class Tapped:
    """The content of an entry, of which all that anybody reads is kept for whoever looks for leaks."""

    def __init__(self, source: Content) -> None:
        self._source = source
        self._pieces: list[bytes] = []

    def content(self, limit: int = -1) -> bytes:
        """Return the content, or so much of it; asked again, what follows."""
        piece = self._source.content(limit)
        if piece:
            self._pieces.append(piece)
        return piece

    def chunks(self) -> Iterator[bytes]:
        """Yield all of the content once: what was read, then what was not."""
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            yield from (piece[at : at + CHUNK] for at in range(0, len(piece), CHUNK))
        while piece := self._source.content(CHUNK):
            yield piece


class _Digests:
    """What the lists of OS packages tell of a file: MD5 (dpkg), SHA-1 (apk) and SHA-256 (RPM)."""

    def __init__(self) -> None:
        self._running = [hashlib.new(name, usedforsecurity=False) for name in ("md5", "sha1", "sha256")]

    def add(self, piece: bytes) -> None:
        for each in self._running:
            each.update(piece)

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Hash pieces while they pass by."""
        for piece in chunks:
            self.add(piece)
            yield piece

    def told(self) -> frozenset[bytes]:
        return frozenset(each.digest() for each in self._running)


class _File(Struct, frozen=True):
    path: str
    content: bytes


class Seeker:
    """What looks for leaks in the files of one layer; those of files that their OS packages brought so are only counted."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._batch: Batch[_File] = Batch(searcher)
        self._lists: list[tuple[str, bytes]] = []
        self._held: dict[str, frozenset[bytes]] = {}
        self._links: dict[str, str] = {}
        self._leaks: dict[str, list[Leaked]] = {}

    def tap(self, source: Content) -> Tapped:
        """Return the content of a file as others are to read it."""
        return Tapped(source)

    def note(self, path: str, size_bytes: int, source: Tapped, is_hashed: bool) -> None:
        """Look through a file, of which others read what they wanted before; is_hashed: whether they hashed it."""
        listed = size_bytes <= MAX_LIST_BYTES and is_list(path)
        if size_bytes > HELD_BYTES and not listed:
            digests = _Digests() if is_verified(path) and not is_hashed else None
            chunks = digests.through(source.chunks()) if digests else source.chunks()
            if self._keep(path, leaks_of(self._searcher, path, chunks)) and digests:
                self._held[path] = digests.told()
            return
        file = _File(path, b"".join(source.chunks()))
        if listed:
            self._lists.append((path, file.content))
        if size_bytes <= BATCHED_BYTES:
            self._batch.add(file, path, file.content)
            if self._batch.is_full:
                self._look()
        else:
            self._keep_whole(file, leaks_of(self._searcher, path, _parted(file.content)))

    def link(self, path: str, target: str) -> None:
        """Note another name of a file."""
        self._links[path] = target

    def close(self, record: LayerRecord) -> None:
        """Look through what waits, and tell a record what leaks; what packages brought is only counted."""
        self._look()
        as_brought = set(_unaltered(self._lists, self._held)) if self._held else set()
        as_brought.update(path for path in self._leaks.keys() - self._held.keys() if _is_borne_out(path, record))
        for path in as_brought:
            record.shipped += len(self._leaks.pop(path, ()))
        record.leaks = self._leaks
        for path, target in self._links.items():
            real, followed = target, 0
            while real in self._links and followed < MAX_LINKS:
                real, followed = self._links[real], followed + 1
            if real in self._leaks:
                record.leaking[path] = real

    def _look(self) -> None:
        for file, found in self._batch.leaks():
            self._keep_whole(file, found)

    def _keep_whole(self, file: _File, found: Iterable[Found]) -> None:
        if self._keep(file.path, found):
            digests = _Digests()
            digests.add(file.content)
            self._held[file.path] = digests.told()

    def _keep(self, path: str, found: Iterable[Found]) -> bool:
        """Keep the leaks of a file; one that the layer brings twice keeps those of both, since both are in it."""
        kept = [
            Leaked(
                each.rule.id,
                each.line,
                each.column,
                each.length,
                each.tag,
                each.certainty,
                each.reason,
                each.encodings,
                each.allowed,
            )
            for each in found
        ]
        if kept:
            self._held.pop(path, None)
            self._leaks.setdefault(path, []).extend(kept)
        return bool(kept)


def _parted(content: bytes) -> Iterator[bytes]:
    return (content[at : at + CHUNK] for at in range(0, len(content), CHUNK))


def _unaltered(lists: Iterable[tuple[str, bytes]], held: Mapping[str, frozenset[bytes]]) -> Iterator[str]:
    """Yield the held files that are what an OS package's list says of them; held: their digests by path."""
    for path, content in lists:
        for file, digest in told(path, content):
            if file in held and digest in held[file]:
                yield file


def _is_borne_out(path: str, record: LayerRecord) -> bool:
    """Tell whether a program was hashed, and is what all lists of its layer say."""
    listed = any(path in sums.files for lists in record.sums.values() for sums in lists)
    return listed and not any(path in found for found in record.digests.values())
