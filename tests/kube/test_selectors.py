"""Label selectors, in objects and on the command line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.selectors import SelectorError, matches, parse_selector
from transom.model.errors import UsageError

LABELS = {"app": "web", "tier": "front", "size": "4"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]}, True),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_selectors_of_objects(selector: Any, expected: bool) -> None:
    assert matches(selector, LABELS) is expected


@pytest.mark.parametrize(
    "selector",
    [
        5,
        {"matchLabels": []},
        {"matchExpressions": [{"key": "a", "operator": "Near"}]},
        {"matchExpressions": [{"key": "a", "operator": "In", "values": []}]},
        {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]},
        {"matchLabels": {"bad key": "x"}},
    ],
)
def test_what_the_api_server_refuses_is_an_error(selector: Any) -> None:
    with pytest.raises(SelectorError):
        matches(selector, LABELS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app=web", True),
        ("app==web,tier!=back", True),
        ("tier in (front, back)", True),
        ("tier notin (front)", False),
        ("app", True),
        ("!app", False),
        ("size>3,size<5", True),
        ("zone!=a", True),
        ("zone=", False),
    ],
)
def test_selectors_as_typed(text: str, expected: bool) -> None:
    assert parse_selector(text)(LABELS) is expected


@pytest.mark.parametrize("text", ["app in (a", "=x", "a b", "a in b", "a,,b", "a in (a b)", "a>x"])
def test_a_mistyped_selector_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_selector(text)


@given(st.text(max_size=40))
def test_no_text_does_more_than_raise_a_usage_error(text: str) -> None:
    try:
        parse_selector(text)(LABELS)
    except UsageError as error:
        assert error.next_step
