"""Lists are opened, what is malformed is told, what is foreign is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from transom.kube.objects import objects
from transom.model.findings import Skipped


def found(value: Any) -> list[Any]:
    return list(objects(value))


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}


def test_an_object_is_itself() -> None:
    assert found(POD) == [((), POD)]


def test_a_list_is_its_items() -> None:
    assert found({"apiVersion": "v1", "kind": "List", "items": [POD, POD]}) == [
        (("items", 0), POD),
        (("items", 1), POD),
    ]


def test_items_of_a_typed_list_inherit_its_kind() -> None:
    (item,) = found({"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "a"}}]})
    assert item == (("items", 0), POD)


def test_lists_in_lists_are_opened() -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [POD]}
    assert found({"apiVersion": "v1", "kind": "List", "items": [inner]})[0][0] == ("items", 0, "items", 0)


@pytest.mark.parametrize(
    "value", [None, 5, "x", [], [POD], {}, {"kind": "Pod"}, {"apiVersion": "v1"}, {**POD, "$patch": "delete"}]
)
def test_what_is_no_object_yields_nothing(value: Any) -> None:
    assert found(value) == []


@pytest.mark.parametrize(
    "value",
    [
        {"apiVersion": 1, "kind": "Pod"},
        {"apiVersion": "v1", "kind": ["Pod"]},
        {"apiVersion": "v1", "kind": "Pod", "metadata": "web"},
        {"apiVersion": "v1", "kind": "List", "items": {"a": 1}},
        {"apiVersion": "v1", "kind": "List", "items": [5]},
        {"apiVersion": "v1", "kind": "List", "items": [{"a": 1}]},
    ],
)
def test_what_is_malformed_is_told(value: Any) -> None:
    (skipped,) = found(value)
    assert isinstance(skipped, Skipped)
    assert skipped.next_step
