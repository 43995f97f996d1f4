"""Zips from strangers: few members are read, none unpacked to disk, within limits on size, count and ratio."""

from __future__ import annotations

import io
import zipfile
import zlib

MAX_MEMBERS = 200_000  # of one archive; the largest jars have 60,000
MAX_RATIO = 200  # text packs to a tenth, class files to a half; zlib's own limit is about 1,000
MIN_SUSPECT_BYTES = 1024 * 1024  # small members may pack as well as they like


def opened(content: bytes) -> zipfile.ZipFile:
    """Return a zip's list of members; raises ValueError for what is none, or has too many."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, IndexError, OverflowError) as error:
        raise ValueError(f"no zip: {error}") from error
    if len(archive.infolist()) > MAX_MEMBERS:
        raise ValueError(f"it has more than {MAX_MEMBERS:,} members")
    return archive


def member(archive: zipfile.ZipFile, name: str, limit_bytes: int) -> bytes | None:
    """Return a member's content, None where there is none; raises ValueError for one that passes a limit."""
    try:
        told = archive.getinfo(name)
    except KeyError:
        return None
    return inflated(archive, told, limit_bytes)


def inflated(archive: zipfile.ZipFile, told: zipfile.ZipInfo, limit_bytes: int) -> bytes:
    """Return a member's content; raises ValueError for one that is broken, locked, or larger than it may be."""
    too_large = told.file_size > limit_bytes
    if too_large or told.file_size > MIN_SUSPECT_BYTES + MAX_RATIO * told.compress_size:
        raise ValueError(f"{told.filename} would unpack to {told.file_size:,} bytes")
    try:
        with archive.open(told) as stream:
            content = stream.read(limit_bytes + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        OverflowError,
    ) as error:
        raise ValueError(f"{told.filename} cannot be unpacked: {error}") from error
    if len(content) > limit_bytes:
        raise ValueError(f"{told.filename} is larger than it says")
    return content
