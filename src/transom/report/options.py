"""What a report may show, and where it is shown."""

from __future__ import annotations

from msgspec import Struct


class ReportOptions(Struct, frozen=True):
    """width: columns; unicode: whether more than ASCII may be written; language: as the texts of rules name it."""

    width: int = 120
    colour: bool = False
    unicode: bool = True
    language: str = "en"
