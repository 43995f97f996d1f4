"""What an advisory says in a line."""

from __future__ import annotations

from transom.advisories.summaries import MAX_SUMMARY_CHARS, summary_of


def test_a_paragraph_that_was_broken_into_lines_is_one_line() -> None:
    text = 'When installing a package from a URL  (ie "pip install\nhg+..."), options may be given.\n\nMore follows.'
    assert summary_of(text) == 'When installing a package from a URL (ie "pip install hg+..."), options may be given.'


def test_what_is_longer_than_a_line_is_cut_with_a_mark() -> None:
    told = summary_of("word " * 100)
    assert len(told) <= MAX_SUMMARY_CHARS
    assert told.endswith("word…")
