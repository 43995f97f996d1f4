"""What is kept of an object, and what is not."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.client.decoding import LAST_APPLIED, decoded, decoded_secret
from transom.kube.client.discovery import Resource

PODS = Resource("", "v1", "Pod", "pods", True)
SECRETS = Resource("", "v1", "Secret", "secrets", True)


def test_bookkeeping_is_not_kept() -> None:
    raw = {
        "metadata": {
            "name": "a",
            "annotations": {LAST_APPLIED: "{}", "team": "x"},
            "managedFields": [{"manager": "kubectl"}],
        },
        "spec": {"a": None, "b": [1, 2.5, "x", True]},
    }
    assert decoded(json.dumps(raw).encode(), PODS) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "annotations": {"team": "x"}},
        "spec": {"a": None, "b": [1, 2.5, "x", True]},
    }


def test_the_keys_of_a_secret_are_those_that_its_writers_own_and_it_has_no_values() -> None:
    fields = {"f:data": {".": {}, "f:password": {}, "f:a.b-c": {}}, "f:type": {}}
    raw = {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "PartialObjectMetadata",
        "metadata": {
            "name": "db",
            "annotations": {LAST_APPLIED: '{"data":{"password":"aHVudGVyMg=="}}'},
            "managedFields": [{"fieldsV1": fields}, {"fieldsV1": {"f:data": {"f:user": {}}}}, {}],
        },
    }
    secret = decoded_secret(json.dumps(raw).encode(), SECRETS)
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "annotations": {}},
        "data": {"a.b-c": "", "password": "", "user": ""},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text().filter(lambda key: key not in ("metadata", "apiVersion", "kind")), JSON))
def test_everything_but_metadata_is_kept_as_it_is(parts: dict[str, object]) -> None:
    kept = decoded(msgspec.json.encode(parts), PODS)
    assert kept == {"apiVersion": "v1", "kind": "Pod", **parts}
