"""Where the bytes of an image are, and which of them nobody sees: files that a higher layer removes or writes again.

Files below LARGE_BYTES are not followed one by one; they make a few hundredths of an image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from transom.images.layers.record import LayerRecord, parted


class Wasted(Struct, frozen=True):
    """A large file that is shipped and not there: layer, taken_by: numbers of layers, the lowest 0."""

    path: str
    size_bytes: int
    layer: int
    taken_by: int


def wasted(records: Sequence[LayerRecord]) -> list[Wasted]:
    """Return the large files of layers that higher ones take away, the largest first."""
    there: dict[str, tuple[int, int]] = {}
    found: list[Wasted] = []
    for number, record in enumerate(records):
        for path in _gone(there, record) if there else ():
            size, layer = there.pop(path)
            found.append(Wasted(path, size, layer, number))
        there.update({path: (size, number) for path, size in record.large.items()})
    return sorted(found, key=lambda each: (-each.size_bytes, each.path))


def _gone(there: dict[str, tuple[int, int]], record: LayerRecord) -> Iterator[str]:
    replaced = {*record.whiteouts, *record.links, *parted(record.files)}
    folders = {*record.whiteouts, *record.opaque}
    for path in list(there):
        if path in replaced or any(above in folders for above in _above(path)):
            yield path


def _above(path: str) -> Iterator[str]:
    folder = path.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""
