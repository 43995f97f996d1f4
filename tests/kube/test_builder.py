"""Values of documents: anchors, merges, duplicate keys, and limits that no text passes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from transom.kube.builder import TextError, build
from transom.model.limits import MAX_ALIASES, MAX_DEPTH


def value(text: str) -> Any:
    return build(text.encode()).value


def test_entries_and_merges_count_in_the_order_in_which_they_are_written() -> None:
    assert value("a: 1\n<<: {a: 2}\n") == {"a": 2}
    assert value("<<: {a: 2}\na: 1\n") == {"a": 1}
    assert value("<<: {a: 1}\nb: 1\n<<: {b: 2}\n") == {"a": 1, "b": 2}


def test_of_a_list_of_merges_the_first_wins() -> None:
    assert value("x: &x {a: 1}\nz: {<<: [*x, {a: 2, b: 2}]}\n")["z"] == {"a": 1, "b": 2}


def test_a_merged_map_is_merged_with_what_it_merged_itself() -> None:
    assert value("<<: {<<: {a: 1, b: 1}, a: 2}\n") == {"a": 2, "b": 1}


@pytest.mark.parametrize("text", ["<<: 1\n", "<<: [1]\n", "x: &x [{a: 1}]\ny: {<<: *x}\n", "<<: [[{a: 1}]]\n"])
def test_only_maps_are_merged(text: str) -> None:
    with pytest.raises(TextError, match="merge"):
        value(text)


@pytest.mark.parametrize("text", ["'<<': 1\n", "!!str <<: 1\n"])
def test_a_merge_key_in_quotes_is_a_key(text: str) -> None:
    assert value(text) == {"<<": 1}


def test_a_key_that_came_by_a_merge_is_no_duplicate_until_it_is_written_twice() -> None:
    built = build(b"<<: {a: 1}\na: 2\na: 3\nb: {<<: {a: 1}, a: 2}\n")
    assert [(each.path, each.line) for each in built.duplicates] == [(("a",), 2)]


def test_duplicates_know_their_way_through_lists_and_maps() -> None:
    built = build(b"a:\n- 1\n- {b: {c: 1, d: 2, c: 3}}\n")
    assert [(each.path, each.line, each.column) for each in built.duplicates] == [(("a", 1, "b", "c"), 2, 19)]


def test_an_anchor_means_what_it_was_last_given_to() -> None:
    assert value("- &a 1\n- *a\n- &a 2\n- *a\n") == [1, 1, 2, 2]
    assert value("- &a\n  - &a x\n- *a\n") == [["x"], "x"]


def test_anchors_may_stand_on_keys_and_aliases_in_the_place_of_keys() -> None:
    assert value("&k a: 1\nb: *k\n*k : 2\n") == {"a": 2, "b": "a"}
    assert value("x: &n 0x10\n*n : 1\n") == {"x": 16, "16": 1}


def test_a_key_known_from_before_still_sets_its_anchor() -> None:
    assert value("name: 1\n") == {"name": 1}
    assert value("&k name: *k\n") == {"name": "name"}


@pytest.mark.parametrize("text", ["x: &m {a: 1}\n*m : 1\n", "x: &n ~\n*n : 1\n", "? {a: 1}\n: 2\n", "~: 1\n"])
def test_keys_that_kubernetes_cannot_make_strings_of_are_refused(text: str) -> None:
    with pytest.raises(TextError):
        value(text)


@pytest.mark.parametrize("text", ["&a [*a]\n", "a: &a\n  b: {c: *a}\n", "a: &a\n  <<: *a\n"])
def test_an_anchor_that_contains_itself_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="contains itself"):
        value(text)


def test_two_aliases_of_one_map_are_two_maps() -> None:
    found = value("a: &a {b: [1]}\nc: *a\nd: *a\n")
    assert found["c"] == found["d"]
    assert found["c"] is not found["d"]
    assert found["c"]["b"] is not found["a"]["b"]


def test_tags_are_obeyed_where_kubernetes_obeys_them() -> None:
    assert value("- !!str 5\n- ! 5\n- !x on\n- !!int '7'\n- !!set {a}\n- !y [1]\n") == [
        "5",
        "5",
        "on",
        7,
        {"a": None},
        [1],
    ]


def bomb(levels: int) -> str:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_aliases_that_multiply_a_document_are_refused_as_kubernetes_does() -> None:
    assert len(value(bomb(3))["l2"]) == 10
    with pytest.raises(TextError, match="multiply"):
        value(bomb(9))


def test_one_large_anchor_used_often_is_refused_too() -> None:
    with pytest.raises(TextError, match="multiply"):
        value("a: &a [" + "x," * 5_000 + "]\nb: [" + "*a," * 500 + "]\n")


def test_too_many_aliases_of_something_small_are_refused() -> None:
    assert len(value("a: &a 1\nb: [" + "*a," * MAX_ALIASES + "]\n")["b"]) == MAX_ALIASES
    with pytest.raises(TextError, match="aliases"):
        value("a: &a 1\nb: [" + "*a," * (MAX_ALIASES + 1) + "]\n")


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 3_000])
def test_depth_is_limited_in_every_style(levels: int) -> None:
    for text in ("[" * levels, "{a: " * levels, "- " * levels, "".join(f"{' ' * n}a:\n" for n in range(levels))):
        with pytest.raises(TextError, match="deep"):
            value(text)
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)


def test_aliases_cannot_be_used_to_pass_the_depth() -> None:
    half = MAX_DEPTH // 2
    steps = "\n".join(f"l{n}: &l{n} {'[' * half}*l{n - 1}{']' * half}" for n in range(1, 4))
    with pytest.raises(TextError, match="deep"):
        value(f"l0: &l0 []\n{steps}\n")


def test_what_follows_the_document_is_pointed_at() -> None:
    built = build(b"a: 1\n...\nb: 2\n")
    assert (built.value, built.rest) == ({"a": 1}, (2, 0))
    assert build(b"a: 1\n").rest is None


NAMES = st.from_regex(r"k[a-z]{0,4}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), max_size=10).map("t{}".format)
LEAVES = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | TEXTS | st.text("'\" \n\\:#-a", max_size=8)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=30
)


@settings(max_examples=200)
@given(VALUES, st.sampled_from([None, True, False]), st.integers(2, 6), st.booleans(), st.booleans())
def test_both_readers_agree_where_both_yamls_do(
    value_: Any, flow: bool | None, indent: int, wide: bool, crlf: bool
) -> None:
    shared = [value_, {"k": value_, "again": value_}]  # dumped with anchors and aliases where it is a map or list
    width = 1_000 if wide else 20
    text = yaml.safe_dump(shared, default_flow_style=flow, indent=indent, width=width, allow_unicode=True)
    raw = text.replace("\n", "\r\n").encode() if crlf else text.encode()
    assert build(raw).value == yaml.load(raw, yaml.CSafeLoader)
