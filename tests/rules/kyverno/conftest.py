"""Builders of Kyverno's policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NO_LATEST = "object.spec.containers.all(c, !c.image.endsWith(':latest'))"
POD_RULES = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}


@pytest.fixture
def rule() -> Callable[..., dict[str, Any]]:
    """Build a rule about Pods; keywords are its fields, resources those of its only filter."""

    def build(expression: str = NO_LATEST, name: str = "tag", resources: Any = None, **fields: Any) -> dict[str, Any]:
        filters = {"any": [{"resources": resources or {"kinds": ["Pod"]}}]}
        cel = {"expressions": [{"expression": expression, "message": "latest is used"}]}
        return {"name": name, "match": filters, "validate": {"cel": cel}, **fields}

    return build


@pytest.fixture
def cluster_policy() -> Callable[..., dict[str, Any]]:
    """Build the object of a ClusterPolicy."""

    def build(*rules: dict[str, Any], annotations: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
        metadata = {"name": "images", "annotations": annotations or {}}
        made = {"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": metadata}
        return {**made, "spec": {"rules": list(rules)}, **fields}

    return build


@pytest.fixture
def validating_policy() -> Callable[..., dict[str, Any]]:
    """Build the object of a ValidatingPolicy about Pods; keywords are fields of its spec."""

    def build(*expressions: str, **spec: Any) -> dict[str, Any]:
        spec.setdefault("matchConstraints", {"resourceRules": [POD_RULES]})
        spec.setdefault("validations", [{"expression": each, "message": "it fails"} for each in expressions])
        metadata = {"name": "images"}
        return {"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy", "metadata": metadata, "spec": spec}

    return build


@pytest.fixture
def loaded(pack):
    """Load objects; return their policies by id."""

    def load(*objects: dict[str, Any]) -> dict[str, Any]:
        found = pack(*objects)
        assert not found.problems, [each.reason for each in found.problems]
        return {policy.id: policy for policy in found.policies}

    return load
