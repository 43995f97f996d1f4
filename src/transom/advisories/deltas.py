"""What leads from one index to the next: the new file, packed with the former as the dictionary.

Both are cut into segments, so that nobody needs memory for more than two of them. Whoever applies a delta holds the outcome
to the digest of the whole index: a delta is a way to save bytes, and is believed nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import zstandard
from msgspec import Struct

from transom.advisories.layout import unpacked
from transom.model.errors import TransomError

SEGMENT_BYTES = 8 << 20  # with 16 MB zstd indexes only the end of the dictionary, and a delta is ten times as large
AROUND_BYTES = 8 << 20  # of the former on both sides of a segment: a day moves an index of 1 GB by 3 MB
WINDOW_LOG = 26  # 64 MB: a segment and its dictionary
LEVEL = 12  # 19 takes five times as long for 5 % less
MAX_DELTA_BYTES = 256 << 20
MAX_SEGMENTS = 1_024  # of 8 GB
MAX_SEGMENT_BYTES = 32 << 20


class Patch(Struct, frozen=True, array_like=True):
    """A delta. segment_bytes: how it is cut; around_bytes: of the former on both sides; segments: each packed by itself."""

    segment_bytes: int
    around_bytes: int
    segments: list[bytes]


def write_delta(former: Path, new: Path, target: Path) -> int:
    """Write what leads from the former index to the new one; return its size in bytes."""
    segments: list[bytes] = []
    with former.open("rb") as old, new.open("rb") as file:
        while segment := file.read(SEGMENT_BYTES):
            around = _around(old.fileno(), len(segments), SEGMENT_BYTES, AROUND_BYTES)
            settings = zstandard.ZstdCompressionParameters.from_level(
                LEVEL, source_size=len(segment), dict_size=len(around.as_bytes()), window_log=WINDOW_LOG
            )
            segments.append(zstandard.ZstdCompressor(dict_data=around, compression_params=settings).compress(segment))
    content = msgspec.msgpack.encode(Patch(SEGMENT_BYTES, AROUND_BYTES, segments))
    target.write_bytes(content)
    return len(content)


def apply_delta(former: Path, delta: Path, target: Path) -> None:
    """Write the new index; raises TransomError for a delta that is broken or of another index."""
    try:
        if delta.stat().st_size > MAX_DELTA_BYTES:
            raise ValueError(f"it is larger than {MAX_DELTA_BYTES >> 20} MB")
        patch = msgspec.msgpack.decode(delta.read_bytes(), type=Patch)
        segment, around = patch.segment_bytes, patch.around_bytes
        if len(patch.segments) > MAX_SEGMENTS or not 0 < segment <= MAX_SEGMENT_BYTES or not 0 <= around <= segment * 2:
            raise ValueError("its segments are too many or too large")
        with former.open("rb") as old, target.open("wb") as file:
            for number, packed in enumerate(patch.segments):
                former_part = _around(old.fileno(), number, segment, around)
                file.write(unpacked(packed, segment, former_part))
    except (OSError, ValueError, msgspec.MsgspecError, zstandard.ZstdError) as error:
        raise TransomError(f"cannot apply the delta {delta.name}", str(error), "take the whole index") from None


def _around(former: int, number: int, segment: int, around: int) -> zstandard.ZstdCompressionDict:
    """Return the part of the former index that a segment is packed with."""
    start = max(0, number * segment - around)
    end = (number + 1) * segment + around
    content = os.pread(former, end - start, start) or b"\0" * 8  # behind the former's end there is nothing
    return zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
