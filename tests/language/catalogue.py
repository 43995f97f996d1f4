"""Catalogues as their bytes and as what they hold."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from tests.language.extraction import SOURCES, texts

LANGUAGES_FOLDER = SOURCES / "content" / "languages"
HEADER = "# Transom in the language of this folder. `make language` renews it; only msgstr are written by hand."
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
UNSTABLE = (b'"POT-Creation-Date', b'"PO-Revision-Date', b'"Generated-By', b'"Last-Translator', b'"Language-Team')
"""Headers that change without any text having changed, or say nothing."""


def read(file: Path) -> Catalog:
    """Return a catalogue with everything in its file, obsolete entries too."""
    with file.open("rb") as stream:
        return read_po(stream, locale=file.parts[-3], domain="transom")


def renewed(old: Catalog) -> Catalog:
    """Return the catalogue of the texts that are in the sources now, with the translations that are known."""
    made = Catalog(locale=old.locale, domain="transom", project="Transom", header_comment=HEADER, fuzzy=False)
    for text, places in sorted(texts().items(), key=lambda pair: (pair[1][0][0], pair[0])):
        known = old.get(text)
        files = dict.fromkeys(file for file, _ in places)
        translation = known.string if known and not known.fuzzy else ""
        # as plain messages: these templates are str.format's, of which gettext knows nothing
        made.add(text, translation, locations=[(file, 0) for file in files])
        made[text].flags.clear()
    return made


def written(catalogue: Catalog) -> bytes:
    """Return a catalogue as the bytes of a .po file: files without lines, so that it changes when a text does."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=120, include_lineno=False)
    return b"".join(line for line in stream.getvalue().splitlines(keepends=True) if not line.startswith(UNSTABLE))


def compiled(catalogue: Catalog) -> bytes:
    """Return a catalogue as the bytes of its .mo file."""
    catalogue.creation_date = catalogue.revision_date = UNDATED  # the same texts, the same bytes
    stream = io.BytesIO()
    write_mo(stream, catalogue)
    return stream.getvalue()
