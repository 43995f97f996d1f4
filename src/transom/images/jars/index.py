"""The index of jars: an SQLite database that is only read, and looked up for each jar that does not say what it is.

Two tables, as the database of Trivy for Java has them too, so that one may stand for the other:
`artifacts (id, group_id, artifact_id)` and `indices (artifact_id, version, sha1 BLOB, archive_type)`, with an index on `sha1`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from transom.model.errors import TransomError

STEP = "build one: transom db jars ~/.m2/repository"
SHA1_HEX_CHARS = 40
_QUERY = (
    "SELECT a.group_id, a.artifact_id, i.version FROM indices i JOIN artifacts a ON a.id = i.artifact_id"
    " WHERE i.sha1 = ? ORDER BY 1, 2, 3 LIMIT 1"
)

Known = tuple[str, str, str]


class JarIndex:
    """Artifacts by the SHA-1 of their file."""

    def __init__(self, path: str) -> None:
        """Open an index; raises TransomError for what is none."""
        if not Path(path).is_file():
            raise TransomError(f"cannot read {path}", "there is no such file", STEP)
        self._database = sqlite3.connect(f"file:{quote(path)}?mode=ro&immutable=1", uri=True)
        try:
            self._database.execute("PRAGMA trusted_schema = OFF")
            self._database.execute(_QUERY, (b"",))
        except sqlite3.Error as error:
            self._database.close()
            raise TransomError(f"cannot read {path}", f"it is no index of jars: {error}", STEP) from error

    def of(self, sha1: str) -> Known | None:
        """Return group, artifact and version of a file; None where the index does not know it, or is broken."""
        if len(sha1) != SHA1_HEX_CHARS:
            return None
        try:
            with closing(self._database.execute(_QUERY, (bytes.fromhex(sha1),))) as rows:
                found = rows.fetchone()
        except (sqlite3.Error, ValueError):
            return None
        return found if found and all(isinstance(each, str) and each for each in found) else None

    def close(self) -> None:
        """Close the file."""
        self._database.close()
