"""Leaks are found where gitleaks finds them: keywords wake rules, entropy and allowlists send them to sleep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.lang.leaks import Allowlist, LeakFinder, LeakRule, LeakRules, find, read_rules

TOKEN = LeakRule("token", regex=r"token_([a-z0-9]{8})", keywords=("token_",))
ANY = LeakRule("any", regex=r"[a-z]{4}")


def found(text: str, *rules: LeakRule, path: str = "", allowlists: tuple[Allowlist, ...] = ()) -> list[tuple[str, str]]:
    """Return rule and secret of each leak."""
    data = text.encode()
    leaks = LeakFinder(LeakRules(rules, allowlists)).find(data, path)
    return [(leak.rule.id, data[leak.secret_start : leak.secret_end].decode()) for leak in leaks]


def test_the_first_group_is_the_secret() -> None:
    assert found("a token_1a2b3c4d here", TOKEN) == [("token", "1a2b3c4d")]


def test_the_named_group_is_the_secret() -> None:
    rule = LeakRule("pair", regex="(user)=([a-z]+)", group=2)
    assert found("user=anna", rule) == [("pair", "anna")]


def test_without_groups_the_match_is_the_secret_less_line_breaks_around_it() -> None:
    assert found("\nab\n", LeakRule("all", regex=r"\s*[a-z]+\s*")) == [("all", "ab")]


def test_a_rule_sleeps_until_one_of_its_keywords_stands_in_the_text() -> None:
    rule = LeakRule("id", regex="[0-9]+", keywords=("serial", "number"))
    assert found("12345", rule) == []
    assert found("the NUMBER 12345", rule) == [("id", "12345")]


def test_a_rule_without_keywords_never_sleeps() -> None:
    assert found("word", ANY) == [("any", "word")]


def test_a_secret_that_is_too_regular_is_none() -> None:
    rule = LeakRule("high", regex="[a-z0-9]{8}", entropy=2.5)
    assert found("aaaabbbb a1b2c3d4", rule) == [("high", "a1b2c3d4")]


@pytest.mark.parametrize(
    "allowlist",
    [
        Allowlist(regexes=("^1a",)),
        Allowlist(regexes=("token_1a",), target="match"),
        Allowlist(regexes=("here",), target="line"),
        Allowlist(stopwords=("b3c",)),
        Allowlist(paths=("^docs/",)),
        Allowlist(regexes=("^1a",), paths=("^docs/",), every=True),
    ],
)
def test_what_an_allowlist_names_is_no_leak(allowlist: Allowlist) -> None:
    text = "a token_1a2b3c4d here"
    assert found(text, TOKEN, path="docs/a.md", allowlists=(allowlist,)) == []
    assert len(found("a token_zzzzzzzz away", TOKEN, path="src/a.py", allowlists=(allowlist,))) == 1


@pytest.mark.parametrize(
    "allowlist",
    [
        Allowlist(regexes=("^1a",), stopwords=("zzz",), every=True),
        Allowlist(regexes=("^1a",), commits=True, every=True),
        Allowlist(regexes=("^1a",), paths=("^src/",), every=True),
        Allowlist(regexes=("^1a",), rules=frozenset(("another",))),
    ],
)
def test_an_allowlist_whose_entries_do_not_all_agree_allows_nothing(allowlist: Allowlist) -> None:
    assert len(found("token_1a2b3c4d", TOKEN, path="docs/a.md", allowlists=(allowlist,))) == 1


def test_a_remark_in_the_line_allows_it() -> None:
    assert found("token_1a2b3c4d # gitleaks:allow\ntoken_00000000", TOKEN) == [("token", "00000000")]


def test_a_rule_for_some_paths_is_silent_elsewhere() -> None:
    rule = LeakRule("yaml", regex="[a-z]+", path=r"\.yaml$")
    assert found("word", rule, path="a.txt") == []
    assert found("word", rule, path="a.yaml") == [("yaml", "word")]


def test_a_rule_about_paths_only_finds_the_file() -> None:
    assert found("", LeakRule("key-file", path=r"\.p12$"), path="keys/a.p12") == [("key-file", "")]


def test_a_generic_rule_gives_way_to_one_that_knows_better() -> None:
    generic = LeakRule("generic-key", regex="[a-z0-9]{8}")
    assert found("token_1a2b3c4d\n00000000", TOKEN, generic) == [("token", "1a2b3c4d"), ("generic-key", "00000000")]


def test_offsets_count_bytes_in_text_of_any_language() -> None:
    data = "密钥 token_1a2b3c4d".encode()
    (leak,) = LeakFinder(LeakRules((TOKEN,))).find(data)
    assert data[leak.start : leak.end] == b"token_1a2b3c4d"


def test_a_hostile_number_of_leaks_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "MAX_LEAKS", 5)
    assert len(found("word " * 100, ANY)) == 5


def test_entropy_is_that_of_shannon() -> None:
    assert find.entropy(b"") == 0
    assert find.entropy(b"aaaa") == 0
    assert find.entropy(b"abcd") == 2


@given(st.binary(max_size=300), st.text(max_size=20))
def test_no_bytes_and_no_path_break_the_published_rules(published: Any, data: bytes, path: str) -> None:
    for leak in published.find(data, path):
        assert 0 <= leak.start <= leak.secret_start <= leak.secret_end <= leak.end <= len(data)


@given(st.text(alphabet="abc=:\"' \n", max_size=60), st.text(alphabet="ab \n", max_size=20))
def test_a_leak_does_not_hang_on_what_stands_lines_away(before: str, behind: str) -> None:
    alone = found("token_1a2b3c4d", TOKEN)
    assert found(f"{before}\n token_1a2b3c4d \n{behind}", TOKEN) == alone


@pytest.fixture(scope="module")
def published(corpora: Path) -> LeakFinder:
    return LeakFinder(read_rules(str(corpora / "gitleaks" / "config" / "gitleaks.toml")))


def test_every_published_rule_loads_unmodified(published: LeakFinder) -> None:
    assert published.rules.problems == ()
    assert len(published.rules.rules) == 222
    assert published.rules.allowlists[0].paths


def test_published_rules_find_what_they_are_for(published: LeakFinder) -> None:
    text = b'token = "' + b"ghp_" + b'k7Qm2Zr9Xw4Tn6Vb1Lc8Yp3Hd5Jf0Sg2AaBc"\n'
    assert [leak.rule.id for leak in published.find(text, "a.py")] == ["github-pat"]
    assert published.find(text, "node_modules/a.js") == []
