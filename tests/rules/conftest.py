"""Builders of policies, objects and inventories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from transom.inventory import Inventory, Origin
from transom.kube.kinds import kind_of
from transom.model.findings import Finding, Judged, Skipped
from transom.rules.evaluate import Subject
from transom.rules.judge import judge
from transom.rules.load import read_pack
from transom.rules.match import Request

if TYPE_CHECKING:
    from collections.abc import Callable

PODS = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}]


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    """Keep compiled rules of tests out of the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def policy_object() -> Callable[..., dict[str, Any]]:
    """Build the object of a policy about pods; keywords are fields of its spec, expressions its validations."""

    def build(*expressions: str, name: str = "rule", annotations: dict[str, str] | None = None, **spec: Any) -> Any:
        spec.setdefault("matchConstraints", {"resourceRules": PODS})
        spec.setdefault("validations", [{"expression": each, "message": f"{name} fails"} for each in expressions])
        metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata,
            "spec": spec,
        }

    return build


@pytest.fixture
def pack(tmp_path):
    """Load objects as one file of policies."""

    def load(*objects: dict[str, Any], ours: bool = False, version: tuple[int, int] = (1, 36)):
        file = tmp_path / "workloads" / "policies.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text("\n---\n".join(map(json.dumps, objects)))
        return read_pack([file], version, ours=ours)

    return load


@pytest.fixture
def policy(pack, policy_object):
    """Compile one policy; arguments as of policy_object, beside: further objects of its file."""

    def build(*expressions: str, ours: bool = False, beside: tuple[Any, ...] = (), **fields: Any):
        loaded = pack(policy_object(*expressions, **fields), *beside, ours=ours)
        hindrances = [each.reason for each in loaded.problems if "annotations are missing" not in each.reason]
        assert not hindrances, hindrances
        return loaded.policies[0]

    return build


@pytest.fixture
def pod() -> Callable[..., dict[str, Any]]:
    """Build a pod with one container; keywords are fields of its spec."""

    def build(*containers: dict[str, Any], name: str = "web", namespace: str = "shop", labels=None, **spec: Any) -> Any:
        metadata: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels or {}}
        metadata = {key: value for key, value in metadata.items() if value}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": {"containers": list(containers) or [{"name": "app", "image": "app:1"}], **spec},
        }

    return build


@pytest.fixture
def deployment(pod) -> Callable[..., dict[str, Any]]:
    """Build a Deployment of a pod; arguments as of pod."""

    def build(*containers: dict[str, Any], **fields: Any) -> Any:
        made = pod(*containers, **fields)
        template = {"metadata": {"labels": {"app": "web"}}, "spec": made["spec"]}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": made["metadata"],
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
        }

    return build


class Results:
    """What judge yields, sorted by what it is."""

    def __init__(self, found: list[Any]) -> None:
        self.findings = [each for each in found if isinstance(each, Finding)]
        self.skipped = [each for each in found if isinstance(each, Skipped)]
        self.judged = {each.rule: (each.judged, each.passed) for each in found if isinstance(each, Judged)}

    @property
    def paths(self) -> list[str]:
        return [each.place.path for each in self.findings]


@pytest.fixture
def judged() -> Callable[..., Results]:
    """Judge objects of one target by policies."""

    def run(policies: Any, *objects: dict[str, Any]) -> Results:
        inventory = Inventory()
        for value in objects:
            inventory.add(value, Origin("here", "all.yaml"))
        return Results(list(judge(inventory, policies if isinstance(policies, list | tuple) else [policies])))

    return run


@pytest.fixture
def subject() -> Callable[..., Subject]:
    """Build the subject that an object is; keywords are fields of its request, or of the subject."""

    def build(value: dict[str, Any] | None = None, *, of: dict[str, Any] | None = None, **fields: Any) -> Subject:
        shape = value if value is not None else (of or {"apiVersion": "v1", "kind": "Pod", "metadata": {}})
        metadata = shape.get("metadata", {})
        own = {key: fields.pop(key) for key in ("old_object", "namespace_object", "user") if key in fields}
        fields.setdefault("labels", (metadata.get("labels", {}),))
        fields.setdefault("namespace", metadata.get("namespace", ""))
        request = Request(kind_of(shape["apiVersion"], shape["kind"]), metadata.get("name", ""), **fields)
        return Subject(value, request, **own)

    return build
