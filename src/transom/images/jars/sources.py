"""Where jars are known from: a Maven repository in a folder, the index that one publishes, a table of text, another index.

Each source yields `(sha1, group, artifact, version)`; what cannot be read raises ValueError, and single entries without all
four are passed by.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote

from transom.images.packages.selectors import JAVA

Row = tuple[bytes, str, str, str]
MAX_FIELDS = 1_000  # of one document of a published index; real ones have about ten
MAX_FIELD_BYTES = 16 * 1024 * 1024  # names of all classes of a jar
CHUNK = 1024 * 1024
SQLITE = b"SQLite format 3\0"
GZIP = b"\x1f\x8b"
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_NO_JAR = ("-sources", "-javadoc", "-tests", "-test-sources")


def rows(path: str) -> Iterator[Row]:
    """Yield what a source knows, whichever it is; raises ValueError for what is none, OSError where it cannot be read."""
    if Path(path).is_dir():
        yield from of_repository(Path(path))
        return
    with Path(path).open("rb") as stream:
        head = stream.read(16)
    yield from _reader(head)(path)


def _reader(head: bytes) -> Callable[[str], Iterator[Row]]:
    if head.startswith(SQLITE):
        return of_database
    return of_published if head.startswith(GZIP) else of_table


def of_repository(root: Path) -> Iterator[Row]:
    """Yield the archives below a folder that is laid out as Maven does: `GROUP/ARTIFACT/VERSION/ARTIFACT-VERSION.jar`."""
    for folder, names, files in os.walk(root):
        names.sort()
        steps = Path(folder).relative_to(root).parts
        if len(steps) < 3:
            continue
        *group, artifact, version = steps
        for name in sorted(files):
            stem, dot, suffix = name.rpartition(".")
            is_named = stem.startswith(f"{artifact}-") and not stem.endswith(_NO_JAR)
            if dot and is_named and f".{suffix}" in JAVA:
                yield _sha1_of(Path(folder) / name), ".".join(group), artifact, version


def _sha1_of(path: Path) -> bytes:
    """Return what the file beside a jar says its SHA-1 is, else what it is."""
    beside = path.with_name(f"{path.name}.sha1")
    if beside.is_file():
        match = _SHA1.search(beside.read_text(errors="replace")[:200])
        if match:
            return bytes.fromhex(match[0])
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.sha1(usedforsecurity=False)).digest()


def of_table(path: str) -> Iterator[Row]:
    """Yield the lines `SHA1,GROUP,ARTIFACT,VERSION` or `SHA1,GROUP:ARTIFACT:VERSION` of a text; a first line may name them."""
    with Path(path).open(newline="", encoding="utf-8", errors="replace") as stream:
        try:
            for number, line in enumerate(csv.reader(stream), 1):
                fields = [each.strip() for each in line]
                if len(fields) == 2:
                    fields = [fields[0], *fields[1].split(":")]
                if len(fields) >= 4 and _SHA1.fullmatch(fields[0]):
                    yield bytes.fromhex(fields[0]), fields[1], fields[2], fields[3]
                elif fields and number > 1 and any(fields):
                    raise ValueError(f"line {number} is not SHA1,GROUP,ARTIFACT,VERSION")
        except csv.Error as error:
            raise ValueError(str(error)) from error


def of_database(path: str) -> Iterator[Row]:
    """Yield what another index knows, Trivy's for Java among them."""
    query = (
        "SELECT i.sha1, a.group_id, a.artifact_id, i.version FROM indices i JOIN artifacts a ON a.id = i.artifact_id"
    )
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)) as database:
            database.execute("PRAGMA trusted_schema = OFF")
            for sha1, *names in database.execute(query):
                if isinstance(sha1, bytes) and all(isinstance(each, str) for each in names):
                    yield (sha1, *names)
    except sqlite3.Error as error:
        raise ValueError(f"no index of jars: {error}") from error


def of_published(path: str) -> Iterator[Row]:
    """Yield the artifacts of `nexus-maven-repository-index.gz`: after a version and a time, documents of fields.

    A document is a count of fields; a field is flags (one byte), a name (two bytes of length), a value (four).
    `u` is `GROUP|ARTIFACT|VERSION|CLASSIFIER|EXTENSION`, `1` the SHA-1.
    """
    import gzip

    try:
        with gzip.open(path) as unpacked:
            stream = cast("IO[bytes]", unpacked)
            _exactly(stream, 9)
            while head := stream.read(4):
                yield from _document(stream, struct.unpack(">i", head)[0])
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise ValueError(f"no index of a Maven repository: {error}") from error


def _document(stream: IO[bytes], count: int) -> Iterator[Row]:
    if not 0 <= count <= MAX_FIELDS:
        raise ValueError("no index of a Maven repository: a document has too many fields")
    fields: dict[bytes, str] = {}
    for _ in range(count):
        _, size = struct.unpack(">BH", _exactly(stream, 3))
        name = _exactly(stream, size)
        (size,) = struct.unpack(">i", _exactly(stream, 4))
        value = _exactly(stream, size)
        if name in (b"u", b"1"):
            fields[name] = value.decode("utf-8", "replace")
    names = fields.get(b"u", "").split("|")
    if len(names) >= 3 and _SHA1.fullmatch(fields.get(b"1", "")):
        yield bytes.fromhex(fields[b"1"]), names[0], names[1], names[2]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    if not 0 <= size <= MAX_FIELD_BYTES:
        raise ValueError("no index of a Maven repository: a field is too large")
    found = stream.read(size)
    if len(found) < size:
        raise EOFError("it breaks off")
    return found
