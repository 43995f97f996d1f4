"""The catalogues: every text of the sources is there, translated, and what is installed is what was translated."""

from __future__ import annotations

import gettext
import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from tests.language.catalogue import LANGUAGES_FOLDER, read
from tests.language.extraction import texts
from transom.model.language import LANGUAGES
from transom.rules.load import builtin_pack

FILES = sorted(LANGUAGES_FOLDER.glob("*/LC_MESSAGES/transom.po"))
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
WRONG_MARKS = re.compile(r"[一-鿿][,;:?!](\s|$)|[一-鿿][A-Za-z]|[A-Za-z][一-鿿]")
ADVICE = "run `make language`, then write what is missing into the .po file and run it again"

each_language = pytest.mark.parametrize("file", FILES, ids=lambda file: file.parts[-3])


@cache
def catalogue(file: Path) -> Catalog:
    return read(file)


@cache
def sources() -> frozenset[str]:
    return frozenset(texts())


def pairs(file: Path) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in catalogue(file) if message.id}


def placeholders(text: str) -> list[str]:
    """Return the placeholders of a text, those without a name by their numbers, however these are written."""
    found = [each.partition(":") for each in PLACEHOLDER.findall(text)]
    numbers = iter(range(len(found)))
    return sorted((name or str(next(numbers))) + colon + form for name, colon, form in found)


def test_every_language_has_a_catalogue() -> None:
    assert [file.parts[-3].replace("_", "-") for file in FILES] == [each for each in LANGUAGES if each != "en"]


@each_language
def test_every_text_of_the_sources_is_translated(file: Path) -> None:
    missing = {text for text in sources() if not pairs(file).get(text)}
    assert not missing, ADVICE


@each_language
def test_no_translation_is_a_guess_or_left_over(file: Path) -> None:
    fuzzy = [message.id for message in catalogue(file) if message.id and message.fuzzy]
    left_over = set(pairs(file)) - sources()
    assert (fuzzy, list(catalogue(file).obsolete), left_over) == ([], [], set()), ADVICE


@each_language
def test_translations_fill_in_what_the_text_does(file: Path) -> None:
    wrong = {text: said for text, said in pairs(file).items() if said and placeholders(text) != placeholders(said)}
    assert not wrong


@each_language
def test_what_is_installed_is_what_was_translated(file: Path) -> None:
    with file.with_suffix(".mo").open("rb") as stream:
        installed = vars(gettext.GNUTranslations(stream))["_catalog"]
    translated = {text: said for text, said in pairs(file).items() if said}
    assert {text: said for text, said in installed.items() if text} == translated, ADVICE


@each_language
def test_chinese_marks_are_those_of_chinese(file: Path) -> None:
    """Between Chinese characters stand full-width marks; Latin words are set off by a space."""
    assert not [said for said in pairs(file).values() if WRONG_MARKS.search(said)]


def test_chinese_marks_of_rules_are_those_of_chinese() -> None:
    texts = [text for face in builtin_pack().faces.values() for text in face.texts["zh-CN"].values()]
    assert not [text for text in texts if WRONG_MARKS.search(text)]
