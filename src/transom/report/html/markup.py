"""Pieces of markup: every text escaped, every word of ours in all languages, of which the page shows one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

from transom.model.findings import Rule
from transom.model.language import LANGUAGES, translated, translator
from transom.model.severity import Severity
from transom.report.text import safe
from transom.report.words import SEVERITY_WORDS, seen

MAX_NAME_CHARS = 300  # of a name, path or value: Kubernetes' own names end at 253
MAX_TEXT_CHARS = 2_000  # of a message or reason: a long paragraph


def shown(text: str, limit: int = MAX_NAME_CHARS) -> str:
    """Return a text of at most limit characters with everything hostile made visible; not yet escaped for HTML."""
    if len(text) <= limit:
        return safe(text)
    return f"{safe(text[:limit])}… ({len(text):,})"


def text(content: str, limit: int = MAX_NAME_CHARS) -> str:
    """Return foreign text as HTML; its own direction of writing does not reach beyond it."""
    return escape(shown(content, limit))


def told(content: str, limit: int = MAX_NAME_CHARS) -> str:
    """Return a text that the code made in English as HTML, in each language; what was filled into it is foreign."""
    return in_each_language(lambda language: text(translated(content, language), limit))


def seen_told(observed: str) -> str:
    """Return what was seen as HTML; words of ours in it in each language."""
    return in_each_language(lambda language: text(seen(observed, language), MAX_TEXT_CHARS))


def say(words: str, **values: object) -> str:
    """Return words of ours as HTML, once in each language; texts among the values are foreign, and escaped."""

    def said(language: str) -> str:
        translate = translator(language)
        return escape(translate(words), quote=False).format(
            **{name: _value(value, translate) for name, value in values.items()}
        )

    return in_each_language(said)


def _value(value: object, translate: Callable[[str], str]) -> object:
    if isinstance(value, Severity):
        return translate(SEVERITY_WORDS[value])
    return text(value) if isinstance(value, str) else value


def in_each_language(write: Callable[[str], str]) -> str:
    """Return what write says in each language, each marked with it; once where all say the same."""
    said = {language: write(language) for language in LANGUAGES}
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "".join(f'<span lang="{language}">{words}</span>' for language, words in said.items())


def rule_text(rule: Rule, field: str) -> str:
    """Return a text of a rule as HTML, in each language."""
    texts: Mapping[str, str] = {"title": rule.title or rule.id, "why": rule.why, "fix": rule.fix}

    def said(language: str) -> str:
        return text(rule.texts.get(language, {}).get(field) or translated(texts[field], language), MAX_TEXT_CHARS)

    return in_each_language(said)
