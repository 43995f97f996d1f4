"""Patterns that are given to Python's `re` instead of RE2."""

from __future__ import annotations

import re

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from transom.lang.cel.backtracking import LONGEST, translated

atoms = st.sampled_from(
    [
        "a",
        "b",
        "-",
        "/",
        ".",
        "[a-c]",
        "[^a]",
        "[-a]",
        r"\.",
        r"\d",
        r"\w",
        "(a|b)",
        "(?:ab)",
        "(a*)",
        "[.+]",
        "é",
        "]",
        "}",
    ]
)
pieces = st.tuples(atoms, st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "??", "*+", "{,2}"])).map(
    "".join
)
patterns = st.tuples(
    st.sampled_from(["", "^"]),
    st.lists(st.one_of(pieces, pieces, pieces, st.just("|"), st.just("(")), max_size=5).map("".join),
    st.sampled_from(["", "$"]),
).map("".join)
texts = st.text(alphabet="ab-/.1\né_", max_size=8)


@settings(max_examples=1500, deadline=None)
@given(patterns, texts)
def test_a_translated_pattern_matches_as_re2_does(pattern: str, text: str) -> None:
    plain = translated(pattern)
    if plain is None:
        return
    options = re2.Options()
    options.log_errors = False
    expected = re2.compile(pattern, options).search(text) is not None
    assert (re.compile(plain, re.ASCII).search(text) is not None) is expected, plain


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        "^[a-z0-9./_-]+(:[A-Za-z0-9._-]+)?(@sha256:[0-9a-f]{64})?$",
        "^registry\\.example\\.com/.*$",
        "latest$",
        "",
    ],
)
def test_plain_patterns_are_translated(pattern: str) -> None:
    assert translated(pattern) is not None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a*)*",
        "(a|a)*b",
        "a++",
        "(?i)a",
        "[[:alpha:]]",
        r"\bA",
        r"\pL",
        "a{1001}",
        "x{,3}",
        "^a|b",
        "(?P<n>a)",
        "a(b",
        "a)",
    ],
)
def test_others_stay_with_re2(pattern: str) -> None:
    assert translated(pattern) is None


@pytest.mark.parametrize("pattern", ["^a*a*$", "a*b", "^(a?)(a?)(a?)(a?)a*$", "^[a-z]+[a-z]+x$"])
def test_backtracking_ends_on_texts_made_to_be_slow(pattern: str) -> None:
    plain = translated(pattern)
    assert plain is not None
    assert not re.compile(plain).search("a" * LONGEST + "!")
