"""The languages that people read: English is written in the code, the others come from catalogues (GNU gettext).

Words of our own are said where they are shown. What travels through a scan (why something was skipped, what is not
applicable, an error) stays English, as machine formats carry it, and is translated when a person is told: whole, or by
the template that it was made from, whose `{}` stand for what was filled in. Joined texts are translated one by one:
`what: why`, and the steps of a way, `gain (how) -> gain (how)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh-CN")
"""Every language that reports are written in, as BCP 47 names it."""

DOMAIN = "transom"
PAIR, STEP = "{}: {}", "{} ({})"  # how what is joined is written: `what: why`, `gain (how)`
MAX_TRANSLATED_CHARS = 2_000  # a sentence of ours; what is longer carries somebody else's text
MAX_NESTING = 4  # a reason within a reason within a reason, or a gain in a step of a way
TRANSLATIONS_KEPT = 10_000  # the same few reasons come again and again over a large estate
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
ARROW = " -> "  # between the steps of a way
LISTED = "; "  # between several things that are wrong
_LETTERS = re.compile(r"[^\W\d_]{2}")


def mark(text: str) -> str:
    """Return a text as it is: it is said in the reader's language later, and this is how the catalogue learns of it."""
    return text


@lru_cache(maxsize=8)
def translator(language: str) -> Callable[[str], str]:
    """Return the function that says an English text in a language; what has no translation stays English."""
    if language == ENGLISH:
        return str
    messages = _messages(language)
    return lambda text: messages.get(text, text)


def translated(text: str, language: str) -> str:
    """Return a text that the code made in English, in a language: what was filled into it is kept, or translated too."""
    if language == ENGLISH or not text:
        return text
    return _translated(text, language, MAX_NESTING)


@lru_cache(TRANSLATIONS_KEPT)
def _translated(text: str, language: str, depth: int) -> str:
    messages = _messages(language)
    known = messages.get(text)
    if known is not None or len(text) > MAX_TRANSLATED_CHARS or not depth:
        return known or text
    listed = text.split(LISTED)
    if len(listed) > 1:
        said = [_translated(each, language, depth - 1) for each in listed]
        if all(one != other for one, other in zip(said, listed, strict=True)):
            return messages[LISTED].join(said)
    joined = _joined(text, language, depth - 1)
    if joined is not None:
        return joined
    for parts, names, translation in _templates(language):
        filled = _filled(parts, text)
        if filled is not None and not any(each.startswith(" ") for each in filled):  # `file:line` is not `what: why`
            said = [_translated(each, language, depth - 1) for each in filled]
            return translation.format(*said, **{name: each for name, each in zip(names, said, strict=True) if name})
    return _behind_a_name(text, language, depth - 1)


def _behind_a_name(text: str, language: str, depth: int) -> str:
    """Return what is told behind a name of somebody else's, such as a policy's: the name stays, what is said of it does not."""
    name, colon, why = text.partition(": ")
    said = _translated(why, language, depth)
    return _messages(language)[PAIR].format(name, said) if colon and said != why else text


def _joined(text: str, language: str, depth: int) -> str | None:
    """Return what is joined of texts that are known as a whole, of which no template may take a part; None for another."""
    messages = _messages(language)
    what, colon, why = text.partition(": ")
    if colon:
        known = what in messages and (" " in what or messages[what] == what)
        return messages[PAIR].format(messages[what], _translated(why, language, depth)) if known else None
    if ARROW in text:
        return ARROW.join(_translated(each, language, depth) for each in text.split(ARROW))
    gain, paren, how = text.removesuffix(")").rpartition(" (")
    if paren and " " in how and how in messages:
        return messages[STEP].format(_translated(gain, language, depth), messages[how])
    return None


def _filled(parts: Sequence[str], text: str) -> list[str] | None:
    """Return what stands between the literal parts of a template in a text that it made; None for another text."""
    first, *middle, last = parts
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return None
    filled, start, end = [], len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, start, end)
        if found < 0:
            return None
        filled.append(text[start:found])
        start = found + len(part)
    return [*filled, text[start:end]]


@lru_cache(maxsize=8)
def _templates(language: str) -> list[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """Return the messages with placeholders: the literal parts around these, their names, and the translation.

    Those with the most words of their own stand first.
    """
    made = []
    for message, translation in _messages(language).items():
        names = tuple(PLACEHOLDER.findall(message))
        parts = tuple(PLACEHOLDER.split(message)[::2])
        if names and all(not name or name.isidentifier() for name in names) and _LETTERS.search("".join(parts)):
            made.append((parts, names, translation))
    return sorted(made, key=lambda each: -sum(map(len, each[0])))


@lru_cache(maxsize=8)
def _messages(language: str) -> dict[str, str]:
    """Return the translations of a catalogue by their English; none where there is no catalogue."""
    from gettext import GNUTranslations, NullTranslations, translation
    from pathlib import Path

    class Catalogue(GNUTranslations):
        """A catalogue that can be walked: gettext documents _catalog as the protected dictionary of all its pairs."""

        @property
        def messages(self) -> dict[str, str]:
            pairs: dict[object, str] = vars(self)["_catalog"]
            return {text: said for text, said in pairs.items() if isinstance(text, str) and text}

    catalogues = Path(__file__).parent.parent / "content" / "languages"
    found: NullTranslations = translation(
        DOMAIN, catalogues, [language.replace("-", "_")], class_=Catalogue, fallback=True
    )
    return found.messages if isinstance(found, Catalogue) else {}
