"""Audit events, bare and as clouds wrap them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.audit.records import UnreadableError, records

Make = Callable[..., dict[str, Any]]


def read(value: object) -> list[tuple[str, str, str]]:
    found = records(json.dumps(value).encode())
    return [(each.verb, each.user.username, each.object_ref.name if each.object_ref else "") for each in found]


WEB = "system:serviceaccount:shop:web"


def test_an_event_is_read(made: Make) -> None:
    assert read(made("get", name="a")) == [("get", WEB, "a")]


def test_a_list_of_events_is_opened(made: Make) -> None:
    assert len(read({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": [made(), made()]})) == 2


def test_eks_exports_are_opened(made: Make) -> None:
    message = json.dumps(made("list"))
    assert read({"timestamp": 1, "message": message}) == [("list", WEB, "")]
    assert read({"logGroup": "/aws/eks/a/cluster", "logEvents": [{"id": "1", "message": message}]}) == [
        ("list", WEB, "")
    ]
    (found,) = records(b"2026-03-01T10:00:00Z " + message.encode())
    assert found.verb == "list"


def test_aks_diagnostics_are_opened(made: Make) -> None:
    wrapped = {"category": "kube-audit", "properties": {"log": json.dumps(made("watch"))}}
    assert read(wrapped) == [("watch", WEB, "")]
    assert read({"records": [wrapped, wrapped]}) == [("watch", WEB, "")] * 2


def test_google_entries_tell_what_they_tell_and_nothing_else() -> None:
    entry = {
        "insertId": "i1",
        "timestamp": "2026-03-01T10:00:00Z",
        "protoPayload": {
            "methodName": "io.k8s.apps.v1.deployments.scale.update",
            "resourceName": "apps/v1/namespaces/shop/deployments/web/scale",
            "authenticationInfo": {"principalEmail": "ann@example.com"},
            "authorizationInfo": [{"granted": True, "permission": "io.k8s.apps.v1.deployments.scale.update"}],
        },
    }
    (found,) = records(json.dumps(entry).encode())
    target = found.object_ref
    assert target is not None
    assert (found.verb, found.user.username, found.user.groups) == (
        "update",
        "ann@example.com",
        ["system:authenticated"],
    )
    assert (target.api_group, target.resource, target.subresource) == ("apps", "deployments", "scale")
    assert (target.namespace, target.name) == ("shop", "web")
    assert found.response_status is None
    assert found.annotations == {"authorization.k8s.io/decision": "allow"}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("core/v1/namespaces/shop", ("namespaces", "shop", "shop", "")),
        ("core/v1/namespaces/shop/finalize", ("namespaces", "shop", "shop", "finalize")),
        ("core/v1/namespaces/shop/pods/web/exec", ("pods", "shop", "web", "exec")),
        ("core/v1/namespaces/shop/pods", ("pods", "shop", "", "")),
        ("core/v1/nodes/n/proxy", ("nodes", "", "n", "proxy")),
        ("core/v1/namespaces", ("namespaces", "", "", "")),
    ],
)
def test_google_resources_are_read_as_the_api_server_reads_paths(path: str, told: tuple[str, ...]) -> None:
    payload = {"methodName": "io.k8s.core.v1.pods.get", "resourceName": path}
    (found,) = records(json.dumps({"protoPayload": payload}).encode())
    target = found.object_ref
    assert target is not None
    assert (target.resource, target.namespace, target.name, target.subresource) == told


@pytest.mark.parametrize(
    "text", ["", "[]", "1", "{}", '{"kind": "Pod"}', '{"message": "x"}', '{"kind": "Event", "user": 1}', "{" * 5000]
)
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        list(records(text.encode()))


def test_wrappings_within_wrappings_end() -> None:
    value: object = {"kind": "Event"}
    for _ in range(10):
        value = {"records": [value]}
    with pytest.raises(UnreadableError):
        list(records(json.dumps(value).encode()))


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(text: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        list(records(text))
