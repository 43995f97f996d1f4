"""YAML and JSON are read as Kubernetes reads them, and bad input is told, never fatal."""

from __future__ import annotations

import io
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from transom.kube.documents import Document, positions, read_documents
from transom.model.findings import Skipped
from transom.model.limits import MAX_DOCUMENT_BYTES


def read(text: bytes | str) -> list[Document | Skipped]:
    raw = text.encode() if isinstance(text, str) else text
    return list(read_documents(io.BytesIO(raw), "f.yaml"))


def value(text: bytes | str) -> Any:
    (document,) = read(text)
    assert isinstance(document, Document), document
    return document.value


def reason(text: bytes | str) -> Skipped:
    (skipped,) = read(text)
    assert isinstance(skipped, Skipped), skipped
    return skipped


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        ("0644", 420),
        ("0o14", 12),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-7", -7),
        ("on", True),
        ("Off", False),
        ("yes", True),
        ("y", True),
        ("~", None),
        ("null", None),
        ("", None),
        ("12:30:45", "12:30:45"),
        ("2026-11-24", "2026-11-24"),
        ("100m", "100m"),
        ("'on'", "on"),
        ('"0644"', "0644"),
        ("!!str 5", "5"),
        ("!unknown x", "x"),
        ("9223372036854775807", 2**63 - 1),
        ("1.2.3", "1.2.3"),
        ("=", "="),
    ],
)
def test_scalars_as_go_reads_them(scalar: str, expected: object) -> None:
    found = value(f"a: {scalar}\n")["a"]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("key", "expected"), [("1", "1"), ("on", "true"), ("1.5", "1.5"), ("'x'", "x")])
def test_keys_become_strings(key: str, expected: str) -> None:
    assert value(f"{key}: 1\n") == {expected: 1}


def test_merge_keys_are_merged_and_aliases_are_copies() -> None:
    found = value("x: &x {b: 1, c: 2}\nz: {<<: *x, c: 3}\nw: *x\n")
    assert found == {"x": {"b": 1, "c": 2}, "z": {"b": 1, "c": 3}, "w": {"b": 1, "c": 2}}
    assert found["w"] is not found["x"]


def test_a_list_of_merges_is_merged_the_first_first() -> None:
    assert value("z: {<<: [{a: 1}, {a: 2, b: 2}]}\n") == {"z": {"a": 1, "b": 2}}


def test_the_last_of_duplicate_keys_wins_and_is_told() -> None:
    (document,) = read("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n")
    assert isinstance(document, Document)
    assert document.value == {"a": 3, "b": {"c": 2}}
    assert [(each.path, each.line, each.column) for each in document.duplicates] == [(("b", "c"), 4, 3), (("a",), 5, 1)]


def test_documents_know_their_place_in_the_stream() -> None:
    first, second = read("# head\na: 1\n---\nb:\n  c: 2\n")
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    place = positions(second).find(("b", "c"))
    assert (second.index, place.line, place.column, place.start) == (1, 5, 3, 21)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a: 1\n...\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("%YAML 1.1\n---\na: 1\n", [{"a": 1}]),
        ("--- {a: 1}\n--- # note\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("a: |\n  ---\n  text\n---\nb: 1\n", [{"a": "---\ntext\n"}, {"b": 1}]),
        ("a: 1\r\n---\r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
        ("\ufeffa: 1\n", [{"a": 1}]),
        ('{"a": 1}\n{"b": 1.0}', [{"a": 1}, {"b": 1.0}]),
        ('{\n\t"a": [1, 2]\n}', [{"a": [1, 2]}]),
        ("{a: 1}", [{"a": 1}]),
    ],
)
def test_streams(text: str, values: list[Any]) -> None:
    assert [document.value for document in read(text) if isinstance(document, Document)] == values


def test_utf16_is_read() -> None:
    assert value(b"\xff\xfe" + "a: é\n".encode("utf-16-le")) == {"a": "é"}


def test_a_broken_document_costs_no_other() -> None:
    first, broken, last = read("a: 1\n---\nb: [1,\n---\nc: 3\n")
    assert isinstance(first, Document)
    assert isinstance(broken, Skipped)
    assert isinstance(last, Document)
    assert (last.value, broken.locator.file, broken.locator.line) == ({"c": 3}, "f.yaml", 4)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a:\n\tb: 1\n", "tab"),
        ("image: {{ .Values.image }}\n", "template"),
        ("&a [*a]\n", "contains itself"),
        ("a: *nowhere\n", "nowhere"),
        ("a: .inf\n", "JSON"),
        ("? [1]\n: 2\n", "key"),
        (b"a: \xff\n", "UTF-8"),
        (b"\x00\x01\x02", "binary"),
        ("[" * 3_000, "deep"),
        ("\n".join(" " * n + f"k{n}:" for n in range(300)), "deep"),
    ],
)
def test_bad_input_is_told_with_a_next_step(text: bytes | str, says: str) -> None:
    skipped = reason(text)
    assert says in skipped.reason
    assert skipped.next_step


def test_a_bomb_of_aliases_ends_early() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert "values after its aliases" in reason("\n".join(lines)).reason or "aliases" in reason("\n".join(lines)).reason


def test_a_document_that_is_too_large_costs_no_other() -> None:
    found = read(b"a: 1\n---\nb: " + b"x" * (MAX_DOCUMENT_BYTES + 10) + b"\n---\nc: 3\n")
    assert [document.value for document in found if isinstance(document, Document)] == [{"a": 1}, {"c": 3}]
    assert ["larger" in each.reason for each in found if isinstance(each, Skipped)] == [True]


def test_the_last_line_counts_as_ended() -> None:
    assert value("a: |\n  text") == {"a": "text\n"}


def test_numbers_of_json_are_read_as_json_until_a_marker_makes_it_yaml() -> None:
    found = [
        document.value["a"]
        for document in read('{"a": 1.0}\n{"a": 1}\n---\n{"a": 1.0}\n')
        if isinstance(document, Document)
    ]
    assert [type(each) for each in found] == [float, int, int]


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert value('{"a": "\\ud83d\\ude00", "b": "\\ud800", "\\udc00": 1}') == {"a": "😀", "b": "�", "�": 1}


def test_duplicate_keys_of_json_are_told() -> None:
    (document,) = read('{"a": {"b": 1,\n "b": 2}}')
    assert isinstance(document, Document)
    assert document.value == {"a": {"b": 2}}
    assert [(each.path, each.line, each.column) for each in document.duplicates] == [(("a", "b"), 2, 2)]


def test_a_broken_line_of_json_lines_costs_no_other() -> None:
    first, broken, last = read('{"a": 1}\n{"a": [}\n{"a": 3}\n')
    assert isinstance(first, Document)
    assert isinstance(broken, Skipped)
    assert isinstance(last, Document)
    assert (broken.locator.line, last.line, last.value) == (2, 3, {"a": 3})


def test_json_is_as_deep_as_yaml_may_be() -> None:
    assert "deep" in reason('{"a":' * 201 + "1" + "}" * 201).reason
    assert "deep" in reason('{"a":' * 100_000).reason
    assert isinstance(read('{"a":' * 200 + "1" + "}" * 200)[0], Document)


def test_settings_with_comments_are_foreign_and_broken_objects_are_not() -> None:
    broken = '{\n  // comment: a\n  "compilerOptions": {"a"; 1}\n}'
    (document,) = read_documents(io.BytesIO(broken.encode()), "tsconfig.json")
    assert isinstance(document, Document)
    assert document.value == ""
    (skipped,) = read_documents(io.BytesIO(broken.replace("compilerOptions", "apiVersion").encode()), "pod.json")
    assert isinstance(skipped, Skipped)


def test_text_behind_a_document_is_told() -> None:
    document, skipped = read("a: 1\r...\r\rb: 2\r")
    assert isinstance(document, Document)
    assert isinstance(skipped, Skipped)
    assert (document.value, skipped.next_step) == ({"a": 1}, "put a line --- before it")


def test_a_byte_that_is_no_text_costs_one_document() -> None:
    first, broken, last = read(b"a: 1\n---\nb: some text \0\n---\nc: 3\n")
    assert isinstance(first, Document)
    assert isinstance(broken, Skipped)
    assert isinstance(last, Document)
    assert ("0x00" in broken.reason, broken.locator.line, broken.locator.column) == (True, 3, 14)


def test_directives_without_a_document_are_told() -> None:
    assert reason("# c\n%YAML 1.1\n").locator.line


def test_empty_documents_have_no_value_and_marker_lines_may_hold_comments() -> None:
    assert [each.value for each in read("---\n# c\n--- # d\na: 1\n---\n") if isinstance(each, Document)] == [
        None,
        {"a": 1},
        None,
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "step"),
    [
        ("a:\n  b: 1\n\tc: 2\n", 3, 1, "replace the tab with spaces"),
        ("a: b: c\n", 1, 5, "quote"),
        ("a: [1, 2\nb: 1\n", 2, 2, "close it with ]"),
        ("a: 'x\n", 2, 1, "close the quote"),
        ("a: *.yaml\n", 1, 5, "quote the value"),
        ("a: @x\n", 1, 4, "quote the value"),
        ('a: "\\d"\n', 1, 5, "write the backslash twice"),
        ("a: 1\n b: 2\n", 2, 3, "indent the line"),
        ("- a\nb: 1\n", 2, 1, "equally indented"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place_and_what_to_do(text: str, line: int, column: int, step: str) -> None:
    skipped = reason(text)
    assert (skipped.locator.line, skipped.locator.column) == (line, column)
    assert step in skipped.next_step


class Endless(io.RawIOBase):
    """A stream that repeats its unit, and counts what was asked of it."""

    def __init__(self, unit: bytes, size: int) -> None:
        self.unit = unit * (1024 * 1024 // len(unit))
        self.left = size

    def read(self, size: int = -1) -> bytes:
        part = self.unit[: min(size, self.left)]
        self.left -= len(part)
        return part


def test_a_long_stream_is_not_held_whole() -> None:
    unit = b"---\na: |\n" + b"  text\n" * 100
    stream = Endless(unit, 20 * MAX_DOCUMENT_BYTES)
    documents = read_documents(stream, "-")  # type: ignore[arg-type]
    next(documents)
    assert stream.left > 19 * MAX_DOCUMENT_BYTES


def test_a_document_that_is_too_large_ends_at_the_next_marker() -> None:
    large = b"a: |\n" + b"  text\n" * (MAX_DOCUMENT_BYTES // 7 + 1)
    skipped, document = read(large + b"---\nb: 2\n")
    assert isinstance(skipped, Skipped)
    assert isinstance(document, Document)
    assert (document.value, document.index) == ({"b": 2}, 1)


def test_nothing_in_a_stream_is_nothing() -> None:
    assert read("") == []


# words that the YAML of Go and that of Python read differently (y, 1e3) are left out: each begins with a letter of ours
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=12).map("t{}".format),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"k[a-z]{1,6}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.from_regex(r"k[a-z]{1,6}", fullmatch=True), PLAIN, min_size=1, max_size=4), st.booleans())
def test_what_is_dumped_is_read_again(data: dict[str, Any], flow: bool) -> None:
    assert value(yaml.safe_dump(data, default_flow_style=flow, allow_unicode=True)) == data


@given(st.dictionaries(st.from_regex(r"k[a-z]{1,6}", fullmatch=True), PLAIN, min_size=1, max_size=4))
def test_positions_point_at_the_text_that_they_name(data: dict[str, Any]) -> None:
    text = yaml.safe_dump(data, allow_unicode=True).encode()
    (document,) = read(text)
    assert isinstance(document, Document)
    places = positions(document)
    for key, expected in data.items():
        place = places.find((key,))
        assert yaml.safe_load(text[place.start : place.end]) == {key: expected}
        assert text.split(b"\n")[place.line - 1].startswith(key.encode())


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.text("{}[]&*:-,?|>'\"%@`#! \n\tab01", max_size=80).map(str.encode))
def test_no_bytes_do_more_than_skip(raw: bytes) -> None:
    for item in read(raw):
        if isinstance(item, Document):
            positions(item).find(("a", 0, "b"))
        else:
            assert item.reason
