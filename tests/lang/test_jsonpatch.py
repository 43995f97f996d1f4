"""JSON Patch as RFC 6902 and the API server have it."""

from __future__ import annotations

import copy
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.lang.jsonpatch import JsonPatchError, patched

CASES = [
    ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
    ({"a": 1}, [{"op": "add", "path": "/a", "value": 2}], {"a": 2}),
    ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
    ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
    ({"a/b": {"c~d": 1}}, [{"op": "replace", "path": "/a~1b/c~0d", "value": 2}], {"a/b": {"c~d": 2}}),
    ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
    ({"a": {"b": 1}}, [{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": 1}),
    ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}], {}),
    ({"a": 1}, [{"op": "remove", "path": "/a"}, {"op": "test", "path": "", "value": {"x": 1}}], {"a": 1}),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": True}, {"op": "remove", "path": "/a"}], {"a": 1}),
]


@pytest.mark.parametrize(("value", "operations", "wanted"), CASES)
def test_operations_do_what_the_standard_says(value, operations, wanted):
    before = copy.deepcopy(value)
    assert patched(value, operations) == wanted
    assert value == before


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/b"},
        {"op": "replace", "path": "/b", "value": 1},
        {"op": "add", "path": "/b/c", "value": 1},
        {"op": "add", "path": "/l/2", "value": 1},
        {"op": "remove", "path": "/l/-"},
        {"op": "remove", "path": "/l/01"},
        {"op": "remove", "path": ""},
        {"op": "add", "path": "b", "value": 1},
        {"op": "add", "path": "/b"},
        {"op": "eat", "path": "/l"},
    ],
)
def test_what_does_not_fit_is_refused(operation):
    with pytest.raises(JsonPatchError):
        patched({"l": [1]}, [operation])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
)
STEPS = st.lists(st.sampled_from(["a", "0", "-", "~1", "l"]), max_size=3).map(
    lambda steps: "".join(f"/{s}" for s in steps)
)
OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": STEPS,
        "from": STEPS,
        "value": JSON,
    }
)


@given(JSON, st.lists(OPERATIONS, max_size=4))
def test_any_patch_ends_in_a_value_or_is_refused_and_changes_nothing_it_was_given(value, operations):
    before = copy.deepcopy(value)
    with suppress(JsonPatchError):
        patched(value, operations)
    assert value == before
