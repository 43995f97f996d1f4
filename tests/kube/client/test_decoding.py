"""What is kept of an object, and what is not."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transom.kube.client.decoding import SECRETS as SHAPE_OF_SECRETS
from transom.kube.client.decoding import decoded, shape_of
from transom.kube.client.discovery import Resource
from transom.kube.sight import LAST_APPLIED

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
    item = msgspec.json.decode(json.dumps(raw).encode(), type=SHAPE_OF_SECRETS.item)
    secret = SHAPE_OF_SECRETS.make(item, SECRETS)
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "annotations": {}},
        "data": {"a.b-c": "", "password": "", "user": ""},
    }


def pods_of(*specs: dict[str, object]) -> list[dict[str, Any]]:
    shape = shape_of(PODS)
    texts = [json.dumps({"metadata": {"name": "a"}, "spec": spec, "status": {"phase": "Running"}}) for spec in specs]
    return [shape.make(msgspec.json.decode(text, type=shape.item), PODS) for text in texts]


def test_pods_of_one_template_share_what_they_say_alike() -> None:
    container = {"name": "app", "env": [{"name": "A", "value": "1"}], "volumeMounts": [{"name": "token-x"}]}
    other = {**container, "volumeMounts": [{"name": "token-y"}]}
    one, two = pods_of({"containers": [container], "nodeName": "n1"}, {"containers": [other], "nodeName": "n2"})
    assert one["spec"]["containers"][0]["env"] is two["spec"]["containers"][0]["env"]
    assert one["spec"] == {"containers": [container], "nodeName": "n1"}
    assert two["spec"] == {"containers": [other], "nodeName": "n2"}
    assert one["status"] == {"phase": "Running"}


def test_within_one_pod_nothing_is_shared() -> None:
    security = {"capabilities": {"add": ["SYS_ADMIN"]}}
    (pod,) = pods_of(
        {"containers": [{"name": "a", "securityContext": security}, {"name": "b", "securityContext": security}]}
    )
    first, second = pod["spec"]["containers"]
    assert first["securityContext"] == second["securityContext"]
    assert first["securityContext"] is not second["securityContext"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text().filter(lambda key: key not in ("metadata", "apiVersion", "kind")), JSON))
def test_everything_but_metadata_is_kept_as_it_is(parts: dict[str, object]) -> None:
    kept = decoded(msgspec.json.encode(parts), PODS)
    assert kept == {"apiVersion": "v1", "kind": "Pod", **parts}
