"""An index of jars, made of whatever knows them: written aside, put in place when it is whole."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile

from msgspec import Struct

from transom.images.jars.sources import Row, rows
from transom.model.errors import TransomError

TOGETHER = 10_000  # rows in one statement
SHA1_BYTES = 20
_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE artifacts (id INTEGER PRIMARY KEY, group_id TEXT NOT NULL, artifact_id TEXT NOT NULL, UNIQUE (group_id, artifact_id));
CREATE TABLE indices (artifact_id INTEGER NOT NULL, version TEXT NOT NULL, sha1 BLOB NOT NULL UNIQUE, archive_type TEXT NOT NULL);
"""


class BuiltJars(Struct, frozen=True):
    """An index that was made. jars: how many it knows; artifacts: of how many names."""

    path: str
    jars: int
    artifacts: int


def build_jars(sources: Sequence[str], path: Path) -> BuiltJars:
    """Make an index of sources, the first that knows a jar decides; raises TransomError, and leaves the old one then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as aside:
        made = Path(aside.name)
    try:
        with closing(sqlite3.connect(made)) as database:
            database.executescript(_TABLES)
            for source in sources:
                _add(database, source)
            database.commit()
            jars, artifacts = (
                database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - names of our own
                for table in ("indices", "artifacts")
            )
        if not jars:
            raise TransomError(
                f"cannot make {path}", "none of the sources knows a jar", "name a Maven repository's folder"
            )
        made.replace(path)
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)
    return BuiltJars(str(path), jars, artifacts)


def _add(database: sqlite3.Connection, source: str) -> None:
    names: dict[tuple[str, str], int] = {}
    try:
        for some in _together(rows(source)):
            database.executemany("INSERT OR IGNORE INTO indices VALUES (?, ?, ?, 'jar')", _told(database, names, some))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        step = "name a Maven repository's folder, its published index, a CSV file, or another index of jars"
        raise TransomError(f"cannot read {source}", why, step) from error


def _together(found: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(found, TOGETHER)):
        yield some


def _told(
    database: sqlite3.Connection, names: dict[tuple[str, str], int], some: Iterable[Row]
) -> Iterator[tuple[int, str, bytes]]:
    """Yield rows with the number of their artifact; those that are not whole tell nothing."""
    for sha1, group, artifact, version in some:
        if len(sha1) == SHA1_BYTES and group and artifact and version:
            yield _number(database, names, group, artifact), version, sha1


def _number(database: sqlite3.Connection, names: dict[tuple[str, str], int], group: str, artifact: str) -> int:
    known = names.get((group, artifact))
    if known is None:
        database.execute("INSERT OR IGNORE INTO artifacts (group_id, artifact_id) VALUES (?, ?)", (group, artifact))
        query = "SELECT id FROM artifacts WHERE group_id = ? AND artifact_id = ?"
        known = names[group, artifact] = database.execute(query, (group, artifact)).fetchone()[0]
    return known
