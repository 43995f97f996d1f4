"""Builders of audit events."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Made = dict[str, Any]


@pytest.fixture
def made() -> Callable[..., Made]:
    """Return an event as an API server writes it, but for what is named."""
    numbers = iter(range(1_000_000))

    def make(verb: str = "get", resource: str = "pods", name: str = "", **fields: Any) -> Made:
        target = {"resource": resource, "namespace": "shop", "apiVersion": "v1", **({"name": name} if name else {})}
        account = "system:serviceaccount:shop:web"
        groups = ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]
        event = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": "Metadata",
            "auditID": f"id-{next(numbers)}",
            "stage": "ResponseComplete",
            "requestURI": f"/api/v1/namespaces/shop/{resource}",
            "verb": verb,
            "user": {"username": account, "groups": groups},
            "objectRef": target,
            "responseStatus": {"metadata": {}, "code": 200},
            "requestReceivedTimestamp": "2026-03-01T10:00:00.123456Z",
            "stageTimestamp": "2026-03-01T10:00:00.223456Z",
            "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "because"},
        }
        return event | fields

    return make


@pytest.fixture
def line(made: Callable[..., Made]) -> Callable[..., bytes]:
    """Return such an event as a line of a log."""
    return lambda *words, **fields: json.dumps(made(*words, **fields)).encode() + b"\n"
