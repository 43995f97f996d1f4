"""Lists are opened, what is malformed is told, what is foreign is left alone."""

from __future__ import annotations

import io
from typing import Any

import pytest

from transom.kube.documents import Document, read_documents
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
        {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod"}]},
        {"apiVersion": "v1", "kind": "", "metadata": {}},
        {"apiVersion": None, "kind": None},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 5}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": True}},
    ],
)
def test_what_is_malformed_is_told(value: Any) -> None:
    (skipped,) = found(value)
    assert isinstance(skipped, Skipped)
    assert skipped.next_step


def test_an_item_that_lacks_one_of_kind_and_api_version_inherits_both() -> None:
    (item,) = found({"apiVersion": "v1", "kind": "PodList", "items": [{"kind": "Node", "metadata": {"name": "a"}}]})
    assert item[1] == POD


@pytest.mark.parametrize("items", [None, []])
def test_an_empty_list_yields_nothing(items: Any) -> None:
    assert found({"apiVersion": "v1", "kind": "PodList", "items": items}) == []


@pytest.mark.parametrize("metadata", [{}, None])
def test_an_object_may_have_no_name(metadata: Any) -> None:
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    assert found(value) == [((), value)]


def test_lists_in_lists_have_an_end() -> None:
    value: dict[str, Any] = POD
    for _ in range(20):
        value = {"apiVersion": "v1", "kind": "List", "items": [value]}
    (skipped,) = found(value)
    assert isinstance(skipped, Skipped)


def test_what_is_malformed_is_told_with_file_and_line() -> None:
    text = b"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: 5\n- 7\n"
    (document,) = read_documents(io.BytesIO(text), "f.yaml")
    assert isinstance(document, Document)
    name, item = objects(document.value, document=document)
    assert isinstance(name, Skipped)
    assert isinstance(item, Skipped)
    assert [(each.ref.name, each.locator.file, each.locator.line) for each in (name, item)] == [
        ("f.yaml", "f.yaml", 6),
        ("f.yaml", "f.yaml", 8),
    ]
    assert "quoted" in name.reason
