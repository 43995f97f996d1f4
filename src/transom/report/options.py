"""What a report may show, and where it is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from transom.model.findings import Finding
from transom.model.patches import FilePatch


class Excerpt(Struct, frozen=True):
    """The lines of a source around a finding; first_line and line, the one that is meant, count from 1."""

    first_line: int
    lines: tuple[str, ...]
    line: int


class ReportOptions(Struct, frozen=True):
    """width: columns; unicode: whether more than ASCII may be written; language: as the texts of rules name it.

    made_at: when the scan was made, in UTC as `2026-01-31T12:00:00`, empty where nobody says; excerpts: tells the lines
    around a finding where they may be shown; fixes: tells the edits of files that mend a finding; explains: whether
    `transom explain` knows the rules; group_by: by what vulnerabilities of an image stand together. A report is a function
    of these and of what was found: same bytes each time.
    """

    width: int = 120
    colour: bool = False
    unicode: bool = True
    language: str = "en"
    made_at: str = ""
    excerpts: Callable[[Finding], Excerpt | None] | None = None
    fixes: Callable[[Finding], Sequence[FilePatch]] | None = None
    explains: bool = True
    group_by: str = "package"
