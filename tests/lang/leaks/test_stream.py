"""Leaks of whole files: in pieces, in any encoding, wrapped, and told apart by how sure they are; the same in both engines."""

from __future__ import annotations

import base64
import codecs
from binascii import crc32
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lang.leaks.samples import PATHS, TRIES, sample
from transom.lang.leaks import LeakFinder, LeakRule, LeakRules, read_rules, stream
from transom.lang.leaks.checksums import checksum_holds
from transom.lang.leaks.encoded import PATTERNS
from transom.lang.leaks.prefilter import Prefilter
from transom.lang.leaks.rules import Required
from transom.lang.leaks.stream import Found, Searcher, leaks_of
from transom.lang.leaks.widths import width

hyperscan = pytest.importorskip("hyperscan", reason="needs the extra leaks")

TOKEN = LeakRule("token", regex=r"tok_([a-z0-9]{8})\b", keywords=("tok_",))
TEXT = "the key is tok_k7qm2zr9 here"


def ready(*rules: LeakRule, fast: bool = True) -> Searcher:
    """Return what searches by these rules, with Hyperscan or without."""
    prefilter = Prefilter([*(rule.regex for rule in rules), *PATTERNS.values()]) if fast else None
    return Searcher(LeakFinder(LeakRules(rules), prefilter, tells_allowed=True))


def leaks(data: bytes, path: str = "a.txt", *rules: LeakRule) -> list[Found]:
    """Return the leaks of a file in both engines, which must agree."""
    fast, plain = (list(leaks_of(ready(*(rules or (TOKEN,)), fast=each), path, [data])) for each in (True, False))
    assert fast == plain
    return fast


def test_a_leak_has_line_column_length_and_a_hash_but_no_value() -> None:
    (found,) = leaks(f"one\n{TEXT}\n".encode())
    assert (found.line, found.column, found.start, found.end, found.length) == (2, 16, 19, 27, 8)
    assert "k7qm2zr9" not in repr(found)


def test_lines_may_end_as_on_windows() -> None:
    assert [(each.line, each.column) for each in leaks(f"one\r\n{TEXT}\r\n".encode())] == [(2, 16)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_read(encoding: str) -> None:
    marks = {"utf-16-be": codecs.BOM_UTF16_BE}
    (found,) = leaks(marks.get(encoding, b"") + f"one\n{TEXT}\n".encode(encoding))
    assert (found.line, found.start) == (2, 0)


def test_bytes_that_are_no_utf_8_hide_nothing() -> None:
    assert len(leaks(b"\x80\xff\xfd " + TEXT.encode() + b"\xc3")) == 1


def test_in_a_binary_the_byte_is_told_and_no_line() -> None:
    (found,) = leaks(b"\x7fELF\0\x01\n\0\n" + TEXT.encode() + b"\0")
    assert (found.line, found.start) == (0, 24)


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("wrapped", "encodings"),
    [
        (f"data: {in_base64(TEXT)}", ("base64",)),
        (f"data: {in_base64(f'again {in_base64(TEXT)}')}", ("base64", "base64")),
        (f"data: {TEXT.encode().hex()}", ("hex",)),
        (f"url?{quote(TEXT.replace('tok_', '=tok_'), safe='')}".replace("tok_", "t%6Fk_"), ("percent",)),
    ],
)
def test_a_wrapped_leak_is_found_where_its_wrapping_stands(wrapped: str, encodings: tuple[str, ...]) -> None:
    (found,) = leaks(f"x\n{wrapped}\n".encode())
    assert (found.encodings, found.line) == (encodings, 2)


def test_wrapping_is_followed_to_its_limit_only() -> None:
    wrapped = TEXT
    for _ in range(4):
        wrapped = in_base64(f"again {wrapped}")
    assert leaks(wrapped.encode()) == []


@pytest.mark.parametrize("size", [1, 1000, 70_000, 1_200_000])
def test_pieces_find_what_the_whole_finds(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PIECE_BYTES", 5_000)
    monkeypatch.setattr(stream, "OVERLAP_BYTES", 300)
    monkeypatch.setattr(stream, "LINE_BYTES", 100)
    data = b"".join(b"x" * 37 + f" tok_{number:08d}\n".encode() for number in range(500))
    chunks = (data[at : at + size] for at in range(0, len(data), size))
    found = [(each.line, each.start) for each in leaks_of(ready(TOKEN), "a", chunks)]
    assert found == [(at + 1, 51 * at + 42) for at in range(500)]


def test_a_file_of_one_line_is_read_in_pieces() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 1_000_000
        yield b" tok_k7qm2zr9 "
        yield b"y" * 1_000_000

    (found,) = leaks_of(ready(TOKEN), "a", chunks())
    assert (found.line, found.column, found.start) == (1, 20_000_006, 20_000_005)


@pytest.mark.parametrize(
    ("secret", "path", "certainty"),
    [
        ("ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17", "a.py", "proven"),
        ("ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq18", "a.py", "doubtful"),
        ("ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17", "docs/a.md", "elsewhere"),
        ("hunter7qm2zr9", "src/a.py", "likely"),
        ("hunter7qm2zr9", "tests/a.py", "elsewhere"),
        ("hunter7qm2zr9", "vendor/x/a.go", "elsewhere"),
        ("your-password-here", "src/a.py", "doubtful"),
        ("AKIAIOSFODNN7" + "EXAMPLE", "src/a.py", "doubtful"),
        ("aaaaaaaaaaaa", "src/a.py", "doubtful"),
    ],
)
def test_how_sure_a_leak_is_depends_on_checksum_words_and_path(secret: str, path: str, certainty: str) -> None:
    (found,) = leaks(f"key={secret}\n".encode(), path, LeakRule("any", regex=r"key=(\S+)"))
    assert found.certainty == certainty
    assert found.reason or certainty == "likely"


def test_the_checksum_of_grafana_is_known() -> None:
    assert checksum_holds(b"glsa_" + b"a" * 32 + b"_00000000") is False
    assert checksum_holds(b"anything else") is None


NAMED = LeakRule("generic-password", regex=r"(?i)password=([^\n\0]+)")


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        ("None):", "a.txt", "code"),
        ("self.password,", "a.txt", "code"),
        ("load_password()", "a.txt", "code"),
        ("primary_password", "a.txt", "code"),
        ("parent", "a.py", "code"),
        ("argument,", "a.txt", "word"),
        ("für alle Benutzer", "a.txt", "word"),
        ("password", "a.ini", "placeholder"),
        ("{token}", "a.ini", "placeholder"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a", "a.ini", "kept elsewhere"),
        ("hunter", "a.ini", ""),
        ("Tr0ub4dor&3", "a.py", ""),
    ],
)
def test_what_only_a_name_tells_is_doubted_for_what_it_reads_like(value: str, path: str, reason: str) -> None:
    (found,) = leaks(f"password={value}\n".encode(), path, NAMED)
    assert reason in found.reason
    assert found.certainty == ("doubtful" if reason else "likely")


def test_what_only_a_name_tells_in_a_program_is_doubted() -> None:
    (found,) = leaks(b"\x7fELF\0\0password=hunter2zr9\0", "bin", NAMED)
    assert (found.certainty, "in a program" in found.reason) == ("doubtful", True)


def crc36(text: str) -> str:
    number, digits = crc32(text.encode()), ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(7, "0")


ROUTABLE = "glpat-" + "bzoxCnU6Mgw4Zk9xq7RtY2mNcVwPaLs" + ".0v"
AGE = "AGE-SECRET-KEY-" + "1" + "GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"


@pytest.mark.parametrize(
    ("token", "holds"),
    [
        (ROUTABLE + crc36(ROUTABLE), True),
        (ROUTABLE + "0000000", False),
        (AGE, True),
        (AGE[:-1] + "Y", False),
        ("eyJhbGciOiJIUzI1NiJ9." + "a" * 20 + ".", None),
        ("eyJhbmciOiJIUzI1NiJ9." + "a" * 20 + ".", False),
        ("eyJub3QganNvbiBhdCBhbGw." + "a" * 20 + ".", False),
    ],
)
def test_other_checksums_are_known(token: str, holds: bool | None) -> None:
    assert checksum_holds(token.encode()) is holds


def test_letters_behind_a_token_are_none_of_it() -> None:
    token = "ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17"
    (found,) = leaks(f"key={token}N".encode(), "a.pyc", LeakRule("any", regex=r"key=(\w+)"))
    assert (found.length, found.certainty) == (40, "proven")


def test_a_mark_of_a_wide_encoding_hides_no_plain_text() -> None:
    assert len(leaks(codecs.BOM_UTF16_LE + TEXT.encode())) == 1


def test_a_remark_marks_a_leak_as_allowed() -> None:
    assert [each.allowed for each in leaks(f"{TEXT} # gitleaks:allow\n{TEXT}".encode())] == [True, False]


def test_a_rule_that_requires_another_finds_nothing_without_it() -> None:
    user = LeakRule("user", regex="user=[a-z]+", silent=True)
    near = LeakRule("pair", regex="pass=([a-z]+)", required=(Required("user", lines=1),))
    assert [each.rule.id for each in leaks(b"user=anna\npass=word", "a", user, near)] == ["pair"]
    assert leaks(b"user=anna\n\n\npass=word", "a", user, near) == []


@pytest.mark.parametrize(
    ("pattern", "widest"),
    [("ab{2,5}", 6), (r"(?i)a(?-i:b)[\s\S]{3}", 5), ("[[:alpha:]x]{4}", 4), (r"a+", None), (r"x{20000}", None)],
)
def test_the_width_of_an_expression_is_known(pattern: str, widest: int | None) -> None:
    assert width(pattern) == widest


PATTERN_PARTS = st.sampled_from(
    ["a", "b+", "[ab]{1,3}", r"\s", r"\S", r"\b", "(?i)c", ".", "[^a]", r"[\s\S]{0,4}?", "(a|bc)", "x?", "$", r"\w{2,}"]
)
WORDS = st.lists(st.sampled_from(["a", "b", "bc", "C", "x", " ", "\n", "\v", "é", "\r\n", "_"]), max_size=40)


@settings(deadline=None, max_examples=200)
@given(st.lists(PATTERN_PARTS, min_size=1, max_size=6), WORDS)
def test_both_engines_find_the_same_by_any_rule(parts: list[str], words: list[str]) -> None:
    leaks("".join(words).encode(), "a", LeakRule("any", regex="".join(parts)))


@pytest.fixture(scope="module")
def published(corpora: Path) -> tuple[Searcher, Searcher]:
    rules = read_rules(str(corpora / "gitleaks" / "config" / "gitleaks.toml"))
    prefilter = Prefilter([*(rule.regex for rule in rules.rules), *PATTERNS.values()])
    return Searcher(LeakFinder(rules, prefilter)), Searcher(LeakFinder(rules))


def test_both_engines_find_the_same_in_the_corpora(published: tuple[Searcher, Searcher], corpora: Path) -> None:
    files = [each for name in ("kubernetes-goat", "microservices-demo") for each in (corpora / name).rglob("*")]
    texts = [(str(each), each.read_bytes()) for each in files if each.is_file()]
    fast, plain = ([list(leaks_of(each, path, [text])) for path, text in texts] for each in published)
    assert fast == plain
    assert any(fast)


def test_samples_of_every_published_rule_are_found(published: tuple[Searcher, Searcher]) -> None:
    unfound = []
    for rule in published[0].finder.rules.rules:
        random = Random(rule.id)
        path, word = PATHS.get(rule.id, ""), "".join(rule.keywords[:1])
        texts = [f"{word}\n{sample(rule.regex, random)} \n".encode() for _ in range(TRIES if rule.regex else 0)]
        found = [{leak.rule.id for leak in published[0].finder.find(text, path)} for text in texts]
        assert not texts or found[0] == {leak.rule.id for leak in published[1].finder.find(texts[0], path)}
        if texts and not any(rule.id in ids for ids in found):
            unfound.append(rule.id)
    assert unfound == []
