"""A layer's bytes as they are stored: unpacked and hashed in one go, whatever packs them."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from transom.images.layers.tar import Stream

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz"}
"""What some tools pack layers by, and no registry or runtime of today unpacks."""
CHUNK = 1024 * 1024
PIECE = 64 * 1024  # packed; a fault takes no more with it, and a quarter of it costs a twentieth more time
FIRST_PIECE, FIRST_PIECES = 2048, 128  # of small layers a fault takes less
GZIP_BITS = 31  # a window of 32 kB, and gzip's own frame around it


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


class _Gzip:
    """gzip, in one member or in several (RFC 1952), unpacked in small pieces: what comes before a fault is not lost."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._given = b""
        self._pieces = 0
        self._member: Any = None

    def read(self, size: int, /) -> bytes:
        """Return some of what is unpacked, nothing at the end; raises EOFError and what isal raises."""
        while self._has_member():
            given, self._given = self._given or self._member.unconsumed_tail or self._packed(), b""
            piece: bytes = self._member.decompress(given, size)
            if piece:
                return piece
            if not given and not self._member.eof:
                raise EOFError("it ends within what is packed")
        return b""

    def _packed(self) -> bytes:
        self._pieces += 1
        return self._stream.read(PIECE if self._pieces > FIRST_PIECES else FIRST_PIECE)

    def _has_member(self) -> bool:
        """Tell whether there is more to unpack, and begin the next member where the last has ended."""
        if self._member is not None and not self._member.eof:
            return True
        given = self._member.unused_data if self._member is not None else b""
        while not given.lstrip(b"\0"):  # tapes are filled up with zeros
            given = self._packed()
            if not given:
                return False
        from isal import isal_zlib

        self._given = given.lstrip(b"\0")
        self._member = isal_zlib.decompressobj(wbits=GZIP_BITS)
        return True


class _AtOnce:
    """An unpacker that is asked for what it has: what it had is not lost when it meets what it cannot read."""

    def __init__(self, unpacker: Any) -> None:
        self._unpacker = unpacker

    def read(self, size: int, /) -> bytes:
        """Return some of what is unpacked, nothing at the end."""
        piece: bytes = self._unpacker.read1(size)
        return piece


def unpacked(stream: Stream) -> Stream:
    """Return the plain tar of a stored layer: gzip (also in several members, as estargz has it), zstd, or plain.

    Raises OSError for one that is packed otherwise.
    """
    buffered = io.BufferedReader(_Raw(stream), CHUNK)
    head = buffered.peek(8)[:8]
    if head.startswith(GZIP):
        return _Gzip(buffered)
    if head.startswith(ZSTD) or head[1:4] == b"\x2a\x4d\x18":  # a skippable frame may come first
        import zstandard

        return _AtOnce(zstandard.ZstdDecompressor().stream_reader(buffered, read_across_frames=True))
    for magic, name in OTHERS.items():
        if head.startswith(magic):
            raise OSError(f"it is packed by {name}, which images are not")
    return buffered
