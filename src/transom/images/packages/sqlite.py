"""Rows of an SQLite database that is bytes in memory: nothing is opened, and a query ends in time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

MAGIC = b"SQLite format 3\0"
MAX_STEPS = 500  # of a hundred thousand instructions each: a hostile schema may loop for ever
INSTRUCTIONS = 100_000
WRITE_VERSION, READ_VERSION = 18, 19


def rows(content: bytes, query: str, limit: int) -> Iterator[tuple[Any, ...]]:
    """Yield what a query finds; raises ValueError for what is no database, or does not have the table.

    The log of a database that was written ahead lies in another file: what was not yet merged is not seen.
    """
    import sqlite3

    if not content.startswith(MAGIC) or len(content) < 512:
        raise ValueError("no SQLite database")
    plain = bytearray(content)
    plain[WRITE_VERSION] = plain[READ_VERSION] = 1  # one that is written ahead cannot be read from memory
    database = sqlite3.connect(":memory:")
    left = MAX_STEPS

    def step() -> int:
        nonlocal left
        left -= 1
        return int(left < 0)

    try:
        database.deserialize(bytes(plain))
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA query_only = ON")
        database.set_progress_handler(step, INSTRUCTIONS)
        yield from islice(database.execute(query), limit)
    except (sqlite3.Error, OverflowError) as error:
        raise ValueError(f"the database cannot be read: {error}") from error
    finally:
        database.close()
