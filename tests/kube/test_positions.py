"""Places of nodes: the line and column of the key, and the bytes of the whole entry."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.documents import Document, positions, read_documents
from transom.model.places import Locator, Path

POD = """\
apiVersion: v1
kind: Pod  # a comment
metadata:
  name: "wéb"
spec:
  containers:
  - name: a
    args: [--x, 'ü', {deep: 1}]

  # another
  - name: b
    securityContext:
      privileged: true
    script: |
      echo
      exit

volumes:
"""


def read(text: str | bytes) -> Document:
    raw = text.encode() if isinstance(text, str) else text
    (document,) = read_documents(io.BytesIO(raw), "f.yaml")
    assert isinstance(document, Document)
    return document


def find(text: str, *path: str | int) -> tuple[int, int, str]:
    place = positions(read(text)).find(path)
    return place.line, place.column, text.encode()[place.start : place.end].decode()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("kind",), (2, 1, "kind: Pod")),
        (("metadata", "name"), (4, 3, 'name: "wéb"')),
        (("spec", "containers", 0, "args", 1), (8, 17, "'ü'")),
        (("spec", "containers", 0, "args", 2), (8, 22, "{deep: 1}")),
        (("spec", "containers", 0, "args", 2, "deep"), (8, 23, "deep: 1")),
        (("spec", "containers", 0), (7, 5, "name: a\n    args: [--x, 'ü', {deep: 1}]")),
        (
            ("spec", "containers", 1, "securityContext"),
            (12, 5, "securityContext:\n      privileged: true"),
        ),
        (("spec", "containers", 1, "script"), (14, 5, "script: |\n      echo\n      exit")),
        (("volumes",), (18, 1, "volumes:")),
    ],
)
def test_an_entry_stands_where_its_key_begins_and_ends_with_its_value(
    path: Path, expected: tuple[int, int, str]
) -> None:
    assert find(POD, *path) == expected


def test_what_is_absent_stands_where_its_deepest_ancestor_does() -> None:
    place = positions(read(POD)).find(("spec", "containers", 1, "securityContext", "runAsUser"))
    assert (place.line, place.path) == (12, "spec.containers[1].securityContext.runAsUser")
    assert positions(read(POD)).find(("spec", "containers", 7)).line == 6
    assert positions(read(POD)).find(("spec", "containers", "x")).line == 6
    assert positions(read(POD)).find(("status",)).line == 1


def test_an_alias_stands_where_it_is_written_and_what_is_below_it_where_that_is() -> None:
    text = "a: &x\n  b: 1\nc: *x\n"
    assert find(text, "c") == (3, 1, "c: *x")
    assert find(text, "c", "b") == (2, 3, "b: 1")


def test_merged_entries_stand_where_the_value_that_counts_is_written() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  c: 3\n  <<: [*x, *y]\n  a: 4\n"
    assert read(text).value["z"] == {"c": 2, "a": 4, "b": 1}
    assert [find(text, "z", key)[:2] for key in "abc"] == [(6, 3), (1, 14), (2, 14)]


def test_of_duplicate_keys_the_one_that_counts_is_found() -> None:
    assert find("a: 1\na: 2\n", "a") == (2, 1, "a: 2")


def test_keys_are_found_by_what_kubernetes_makes_of_them() -> None:
    text = "on: 1\n0644: 2\nk: &k v\n*k : &k 3\n"
    assert [find(text, key)[0] for key in ("true", "420", "v")] == [1, 2, 4]


def test_json_with_escapes_that_yaml_does_not_know_has_places() -> None:
    text = '{\n\t"a": "\\ud83d\\ude00",\n\t"b\\u0063": [1, {"d": "x y"}],\n\t"e": {}\n}'
    assert find(text, "bc", 1, "d") == (3, 18, '"d": "x y"')
    assert find(text, "e") == (4, 2, '"e": {}')


def test_json_documents_on_one_line_have_their_own_columns() -> None:
    first, second = read_documents(io.BytesIO('{"é": 1} {"b": 2}'.encode()), "f.json")
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    place = positions(second).find(("b",))
    assert (place.line, place.start, place.end) == (1, 11, 17)


def test_a_byte_order_mark_and_carriage_returns_are_counted_as_bytes() -> None:
    text = "\ufeffa: é\r\nb:\r\n  c: 1\r\n"
    assert find(text, "b", "c") == (3, 3, "c: 1")


def test_text_that_was_utf16_has_lines_but_no_bytes() -> None:
    raw = b"\xff\xfe" + "a: é\nb: 1\n".encode("utf-16-le")
    assert positions(read(raw)).find(("b",)) == Locator("f.yaml", 2, 1, 0, 0, "b")


def test_places_far_into_a_long_text_are_right() -> None:
    text = "a: |\n" + "  äöü\n" * 5_000 + "b: ü\n"
    assert find(text, "b") == (5_002, 1, "b: ü")


NAMES = st.from_regex(r"[a-z]{1,4}", fullmatch=True).filter(
    lambda name: name not in ("y", "n", "no", "on", "yes", "off")
)
LEAVES = st.none() | st.booleans() | st.integers(-99, 99) | st.text("aé :#'\"-\n😀", max_size=6)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=15,
)


def paths(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(path, value), *(each for step, child in below for each in paths(child, (*path, step)))]


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), st.sampled_from([None, False, True]), st.integers(1, 4))
def test_the_text_of_an_entry_is_read_as_its_value(value: dict[str, Any], flow: bool | None, indent: int) -> None:
    text = yaml.safe_dump(value, default_flow_style=flow, indent=indent, allow_unicode=True, width=30)
    document = read(text)
    places = positions(document)
    for path, expected in paths(document.value)[1:]:
        place = places.find(path)
        # the rest of a block is as far from the margin as its first line was
        entry = " " * (place.column - 1) + text.encode()[place.start : place.end].decode()
        read_again = yaml.safe_load(f"{{{entry.strip()}}}" if flow and isinstance(path[-1], str) else entry)
        assert read_again == ({path[-1]: expected} if isinstance(path[-1], str) else expected)
        assert place.line == text.encode()[: place.start].count(b"\n") + 1


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), st.sampled_from([None, 1, "\t"]), st.booleans())
def test_the_text_of_a_json_entry_is_read_as_its_value(value: dict[str, Any], indent: Any, escape: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escape)
    places = positions(read(text))
    for path, expected in paths(value)[1:]:
        place = places.find(path)
        entry = text.encode()[place.start : place.end].decode()
        assert json.loads(f"{{{entry}}}" if isinstance(path[-1], str) else entry) == (
            {path[-1]: expected} if isinstance(path[-1], str) else expected
        )
