"""JSON written piece by piece, so that a report of any length is never one string in memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

import msgspec


def write_list(stream: BinaryIO, records: Iterable[Any], depth: int) -> None:
    """Write records as an indented JSON list; depth: how deep the list itself stands in its document."""
    inner = b"\n" + b" " * (depth + 1)
    separator = b"["
    for record in records:
        stream.write(separator + inner + indented(record, depth + 1))
        separator = b","
    stream.write(b"[]" if separator == b"[" else b"\n" + b" " * depth + b"]")


def indented(record: Any, depth: int) -> bytes:
    """Return one record as indented JSON that stands depth deep in its document."""
    text = msgspec.json.format(msgspec.json.encode(record), indent=1)
    return text.replace(b"\n", b"\n" + b" " * depth)
