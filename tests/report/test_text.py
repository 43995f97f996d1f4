"""Text for terminals: escaping, widths, where lines break."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from transom.report.text import cut, cut_left, safe, wrapped

VISIBLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x9FFF, exclude_categories=("C", "M", "Z")), max_size=80
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("名前", "名前"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("a\u202eb", "a\\u202eb"),
        ("\x9b31m", "\\x9b31m"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(max_size=200), st.integers(10, 100))
def test_wrapped_lines_lose_no_word(text: str, width: int) -> None:
    plain = safe(text)
    assert "".join("".join(wrapped(plain, width)).split()) == "".join(plain.split())


@given(st.lists(VISIBLE.filter(bool), max_size=12), st.integers(16, 100))
def test_wrapped_lines_fit(words: list[str], width: int) -> None:
    assert all(wcswidth(line) <= width for line in wrapped(" ".join(words), width, "> ", "    "))


@given(st.lists(st.text("aéß名。", min_size=1, max_size=6), min_size=1, max_size=8))
def test_a_line_that_is_wide_enough_keeps_its_spaces_and_gains_none(words: list[str]) -> None:
    text = " ".join(words)
    assert wrapped(text, 200) == [text]


def test_no_line_begins_with_a_closing_mark() -> None:
    assert not any(line.startswith("，") for width in range(10, 30) for line in wrapped("名前，" * 20, width))


def test_a_long_path_breaks_after_a_slash() -> None:
    assert wrapped("deploy/production/europe/web.yaml", 20) == ["deploy/production/", "europe/web.yaml"]


@given(VISIBLE, st.integers(3, 60))
def test_a_cut_text_fits_and_keeps_its_beginning_or_its_end(text: str, width: int) -> None:
    assert wcswidth(cut(text, width)) <= width
    assert wcswidth(cut_left(text, width)) <= width
    assert text.startswith(cut(text, width).removesuffix("…"))
    assert text.endswith(cut_left(text, width).removeprefix("…"))
