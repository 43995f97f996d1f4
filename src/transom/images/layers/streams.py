"""A layer's bytes as they are stored: unpacked and hashed in one go, whatever packs them."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO, cast

from transom.images.layers.tar import Stream

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1024 * 1024


class Hashing:
    """A stream that hashes what is read of it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return what the stream returns."""
        piece = self._stream.read(size if size >= 0 else CHUNK)
        self._hash.update(piece)
        self.size_bytes += len(piece)
        return piece

    def drain(self, limit_bytes: int) -> None:
        """Read to the end: what follows the last entry counts too; raises OSError beyond the limit."""
        while self.read(CHUNK):
            if self.size_bytes > limit_bytes:
                raise OSError(f"it is larger than {limit_bytes // 2**30} GiB")

    @property
    def digest(self) -> str:
        """The digest of what was read."""
        return f"sha256:{self._hash.hexdigest()}"


class _Raw(io.RawIOBase):
    """A stream as Python's unpackers want it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def unpacked(stream: Stream) -> Stream:
    """Return the plain tar of a stored layer: gzip (also in several members, as estargz has it), zstd, or plain."""
    buffered = io.BufferedReader(_Raw(stream), CHUNK)
    head = buffered.peek(4)[:4]
    if head.startswith(GZIP):
        from isal import igzip

        return cast("BinaryIO", igzip.IGzipFile(fileobj=buffered))  # type: ignore[no-untyped-call]
    if head == ZSTD or head[1:4] == b"\x2a\x4d\x18":  # a skippable frame may come first
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(buffered, read_across_frames=True)
    return buffered
