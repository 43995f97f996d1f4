"""All files below a folder, whatever they are, as texts to look through."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from transom.kube.files import Found, FoundChart, walk
from transom.lang.leaks.batches import BATCHED_BYTES
from transom.model.findings import Result
from transom.secrets.search import Text, unreadable

CHUNK_BYTES = 1024 * 1024


def texts_below(root: str, exclude: Sequence[str] = ()) -> Iterator[Text | Result]:
    """Yield every file below a folder, or the one that root is, and what could not be looked at."""
    for item in walk(root, exclude, every=True):
        if isinstance(item, Found):
            yield _text(item)
        elif not isinstance(item, FoundChart):
            yield item


def _text(file: Found) -> Text | Result:
    """Return a file, read now where it is small: a stream for each costs more than looking through it."""
    if not 0 < file.size_bytes <= BATCHED_BYTES:
        return Text(file.shown, chunks(file.path))
    try:
        handle = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            content = os.read(handle, BATCHED_BYTES + 1)
        finally:
            os.close(handle)
    except OSError as error:
        return unreadable(file.shown, error)
    whole = file.size_bytes <= len(content) <= BATCHED_BYTES  # else it changed since it was looked at
    return Text(file.shown, content if whole else chunks(file.path))


def chunks(path: str) -> Iterator[bytes]:
    """Yield the bytes of a file in order; raises OSError."""
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - a path object per file costs as much as opening it
        while content := stream.read(CHUNK_BYTES):
            yield content


def folder_of(path: str) -> str:
    """Return a folder itself, and of a file the one that it is in."""
    return path if os.path.isdir(path) else os.path.dirname(path) or "."  # noqa: PTH112, PTH120
