"""The languages that people read: English is written in the code, the others come from catalogues (GNU gettext)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh-CN")
"""Every language that reports are written in, as BCP 47 names it."""

CATALOGUES = Path(__file__).parent.parent / "content" / "languages"


def mark(text: str) -> str:
    """Return a text as it is: it is said in the reader's language later, and this is how the catalogue learns of it."""
    return text


@lru_cache(maxsize=8)
def translator(language: str) -> Callable[[str], str]:
    """Return the function that says an English text in a language; what has no translation stays English."""
    if language == ENGLISH:
        return str
    from gettext import translation

    folder = language.replace("-", "_")
    return translation("transom", CATALOGUES, [folder], fallback=True).gettext
