"""All files below a folder, whatever they are, as texts to look through."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from transom.kube.files import Found, FoundChart, walk
from transom.model.findings import Result
from transom.secrets.search import Text

CHUNK_BYTES = 1024 * 1024


def texts_below(root: str, exclude: Sequence[str] = ()) -> Iterator[Text | Result]:
    """Yield every file below a folder, or the one that root is, and what could not be looked at."""
    for item in walk(root, exclude, every=True):
        if isinstance(item, Found):
            yield Text(item.shown, chunks(item.path))
        elif not isinstance(item, FoundChart):
            yield item


def chunks(path: str) -> Iterator[bytes]:
    """Yield the bytes of a file in order; raises OSError."""
    with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - a path object per file costs as much as opening it
        while content := stream.read(CHUNK_BYTES):
            yield content


def folder_of(path: str) -> str:
    """Return a folder itself, and of a file the one that it is in."""
    return path if os.path.isdir(path) else os.path.dirname(path) or "."  # noqa: PTH112, PTH120
