"""Files that are looked through together tell what each tells alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lang.leaks.test_stream import PATTERN_PARTS, TEXT, TOKEN, ready
from transom.lang.leaks import LeakFinder, LeakRule, LeakRules
from transom.lang.leaks.batches import BATCH_BYTES, Batch
from transom.lang.leaks.encoded import ALPHABETS, PATTERNS
from transom.lang.leaks.prefilter import Hints, Prefilter
from transom.lang.leaks.stream import Found, Searcher, leaks_of

pytest.importorskip("hyperscan", reason="needs the extra leaks")

ANCHORS = st.sampled_from(["^", "$", r"\A", r"\z", "(?m)^", r"\b", r"\B", r"\n", "a", "b+", "[^a]", r"\s", "(?i)c"])
FILES = st.lists(
    st.lists(st.sampled_from(["a", "b", "C", " ", "\n", "\r\n", "é", "\0"]), max_size=12).map("".join), max_size=6
)


def together(searcher: Searcher, files: list[tuple[str, bytes]]) -> list[tuple[str, list[Found]]]:
    batch: Batch[str] = Batch(searcher)
    for path, content in files:
        batch.add(path, path, content)
    return list(batch.leaks())


def alone(searcher: Searcher, files: list[tuple[str, bytes]]) -> list[tuple[str, list[Found]]]:
    told = ((path, list(leaks_of(searcher, path, [content]))) for path, content in files)
    return [(path, found) for path, found in told if found]


@settings(deadline=None, max_examples=80)
@given(st.lists(ANCHORS | PATTERN_PARTS, min_size=1, max_size=5), FILES)
def test_by_any_rule_the_same_is_found(parts: list[str], texts: list[str]) -> None:
    files = [(f"file{number}", text.encode()) for number, text in enumerate(texts)]
    searcher = ready(LeakRule("any", regex="".join(parts)))
    assert together(searcher, files) == alone(searcher, files)


@settings(deadline=None, max_examples=40)
@given(FILES, st.sampled_from([("a",), ("a", "c"), ()]))
def test_rules_that_wait_for_their_keywords_find_the_same(texts: list[str], keywords: tuple[str, ...]) -> None:
    rules = (LeakRule("late", regex="[a-c]{2}", keywords=keywords), LeakRule("wordy", regex="(?i)bc", keywords=("b",)))
    hints = Hints(dict(enumerate(ALPHABETS.values(), 2)), dict(enumerate(rule.keywords for rule in rules)))
    prefilter = Prefilter([*(rule.regex for rule in rules), *PATTERNS.values()], None, hints)
    files = [(f"file{number}", text.encode()) for number, text in enumerate(texts)]
    fast, plain = (Searcher(LeakFinder(LeakRules(rules), each)) for each in (prefilter, None))
    assert together(fast, files) == alone(plain, files)


def test_each_file_keeps_its_own_encoding() -> None:
    files = [("plain", TEXT.encode()), ("wide", TEXT.encode("utf-16")), ("binary", b"\0" + TEXT.encode())]
    searcher = ready(TOKEN)
    assert together(searcher, files) == alone(searcher, files)
    assert [path for path, _ in together(searcher, files)] == ["plain", "wide", "binary"]


def test_a_rule_about_paths_finds_files_without_a_match_in_their_text() -> None:
    searcher = ready(TOKEN, LeakRule("key-file", path=r"(?i)\.p12$"))
    assert [path for path, _ in together(searcher, [("a.txt", b"x"), ("b.P12", b""), ("c.p12.txt", b"")])] == ["b.P12"]


def test_a_batch_is_full_at_its_size_and_empty_afterwards() -> None:
    batch: Batch[int] = Batch(ready(TOKEN))
    batch.add(1, "a", b"x" * BATCH_BYTES)
    assert batch.is_full
    assert list(batch.leaks()) == []
    assert not batch.is_full
