"""A blob of a registry as a stream, whatever its connection does: it goes on where it broke, and is given up in time."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import urllib3

from transom.model.errors import TransomError

MAX_RESUMES = 5
PAUSES_S = (0.5, 2.0, 8.0)
SLOWEST_BYTES_S = 4096.0  # on average, after the first minutes; modems were quicker
FIRST_S = 300.0  # however slow
CHUNK = 1024 * 1024
Ask = Callable[[int], urllib3.BaseHTTPResponse]


class BlobStream(io.RawIOBase):
    """A blob that goes on where its connection broke.

    ask: for the answer that has the blob from a byte on, raising TransomError; size_bytes: what its manifest tells, 0 for
    nothing; start: the first byte that is wanted.
    """

    def __init__(self, ask: Ask, size_bytes: int, start: int = 0) -> None:
        self._ask = ask
        self._size_bytes = size_bytes
        self._at = start
        self._begun_s = time.monotonic()
        self._read_bytes = 0
        self._resumes = 0
        self._reply: urllib3.BaseHTTPResponse | None = ask(start)
        self._skip()

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read some of it, nothing at its end; raises OSError."""
        piece = self._piece(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _piece(self, size: int) -> bytes:
        size_bytes = self._size_bytes
        if size_bytes and self._at > size_bytes:
            raise OSError(f"it is longer than the {size_bytes:,} bytes that its manifest tells")
        while True:
            try:
                assert self._reply is not None
                piece = self._reply.read1(size)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                self._resume(reason(error))
                continue
            if not piece and size_bytes and self._at < size_bytes:
                if self._is_whole():
                    raise OSError(f"it ends after {self._at:,} of {size_bytes:,} bytes")
                self._resume("the connection ended")
                continue
            self._at += len(piece)
            self._read_bytes += len(piece)
            taken_s = time.monotonic() - self._begun_s
            if taken_s > FIRST_S and self._read_bytes < SLOWEST_BYTES_S * taken_s:
                raise OSError(f"it comes slower than {SLOWEST_BYTES_S:.0f} bytes a second")
            return piece

    def _is_whole(self) -> bool:
        """Tell whether the registry sent all that it said it has: then nothing more comes, however often it is asked."""
        assert self._reply is not None
        told = self._reply.headers.get("Content-Length", "")
        return self._reply.status == 200 and told.isdecimal() and self._at >= int(told[:19])

    def _resume(self, why: str) -> None:
        self._resumes += 1
        if self._resumes > MAX_RESUMES:
            raise OSError(f"it broke off {MAX_RESUMES} times: {why}")
        if self._reply is not None:
            self._reply.close()
        time.sleep(PAUSES_S[min(self._resumes, len(PAUSES_S)) - 1])
        try:
            self._reply = self._ask(self._at)
        except TransomError as error:
            raise OSError(str(error)) from error
        self._skip()

    def _skip(self) -> None:
        """Read over what was read before, where the registry knows no ranges and sends it again."""
        assert self._reply is not None
        if self._reply.status == 206:
            return
        left = self._at
        try:
            while left:
                left -= len(self._reply.read(min(left, CHUNK))) or left
        except urllib3.exceptions.HTTPError as error:
            raise OSError(reason(error)) from error

    def close(self) -> None:
        """End its connection."""
        if self._reply is not None:
            self._reply.close()
            self._reply = None
        super().close()


def reason(error: Exception) -> str:
    """Return why a connection failed, without the words of the libraries around it."""
    return str(getattr(error, "reason", None) or error).rpartition(": ")[2]
