"""From kinds with a pod template to pods; null fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.kinds import TEMPLATE_PATHS
from transom.rules.expand import pod_view, without_nulls

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(":null"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def _nulls(value):
    if isinstance(value, dict):
        return any(each is None or _nulls(each) for each in value.values())
    return isinstance(value, list) and any(map(_nulls, value))


@given(JSON)
def test_no_null_entry_is_left(value):
    assert not _nulls(without_nulls(value))


@given(JSON.filter(lambda value: not _nulls(value)))
def test_a_value_without_null_entries_is_kept_as_it_is(value):
    assert without_nulls(value) == value


def test_parts_keep_their_identity_where_nothing_is_null():
    value = {"a": {"b": [1]}}
    assert without_nulls(value) is value


@pytest.mark.parametrize("value", [{"a": "\ud800", "b": None}, {"a": 2**70, "b": None}])
def test_what_is_no_json_is_looked_at_too(value):
    assert "b" not in without_nulls(value)


@pytest.mark.parametrize(("group", "kind", "path"), [(*key, path) for key, path in TEMPLATE_PATHS.items() if path])
def test_every_kind_with_a_template_makes_a_pod_that_shares_its_parts(group, kind, path):
    template = {"metadata": {"labels": {}}, "spec": {"containers": []}}
    value: dict = template
    for step in reversed(path):
        value = {step: value}
    view = pod_view(value, group, kind)
    assert view.prefix == path
    assert view.object["kind"] == "Pod"
    assert view.object["spec"] is template["spec"]
    assert view.object["metadata"] is template["metadata"]


@pytest.mark.parametrize(
    "value", [{}, {"spec": None}, {"spec": {"template": 1}}, {"spec": {"template": {"metadata": 1}}}]
)
def test_a_missing_template_makes_an_empty_pod(value):
    assert pod_view(value, "apps", "Deployment").object == {"apiVersion": "v1", "kind": "Pod", "metadata": {}}


def test_a_kind_without_a_template_makes_no_pod():
    assert pod_view({}, "", "Service") is None
    assert pod_view({}, "", "Pod") is None
