"""Objects that the API server would refuse are found, and their values are never told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from transom.inventory import Inventory, Origin
from transom.model.findings import Finding, Judged
from transom.rules.load import builtin_pack
from transom.scan import assess
from transom.workloads import schemas

CHECK = next(check for check in builtin_pack().checks if check.id == "schema-invalid")
pytestmark = pytest.mark.skipif(not schemas.is_installed(), reason="the extra schemas is not installed")


def pod(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "example.com/app:1"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers, **spec}}


def results(value: dict[str, Any], version: tuple[int, int] = (1, 36)) -> list[Any]:
    inventory = Inventory()
    inventory.add(value, Origin("here"))
    return list(assess(inventory, [replace(CHECK, version=version)]))


def paths(value: dict[str, Any], version: tuple[int, int] = (1, 36)) -> list[str]:
    return [each.place.path for each in results(value, version) if isinstance(each, Finding)]


def test_an_unknown_field_is_found_at_its_place() -> None:
    assert paths(pod(hostPId=True)) == ["spec.hostPId"]


def test_a_field_is_known_from_the_release_on_that_has_it() -> None:
    resources = pod(resources={"limits": {"cpu": "1"}})
    assert paths(resources, (1, 25)) == ["spec.resources"]
    assert paths(resources, (1, 36)) == []


def test_a_release_without_schemas_is_judged_by_the_nearest() -> None:
    assert paths(pod(hostPId=True), (1, 20)) == ["spec.hostPId"]


def test_a_kind_that_the_release_has_not_is_not_judged() -> None:
    old = {"apiVersion": "extensions/v1beta1", "kind": "Deployment", "metadata": {"name": "a"}}
    assert results(old) == [Judged("schema-invalid", 0, 0)]


def test_a_value_is_never_told() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"password": 47114711}}
    (finding, _) = results(secret)
    assert "4711" not in repr(finding)


def test_findings_of_two_containers_differ() -> None:
    container = {"name": "app", "imagee": "example.com/app:1"}
    found = [
        each for each in results(pod(containers=[container, {**container, "name": "b"}])) if isinstance(each, Finding)
    ]
    assert len({finding.fingerprint for finding in found}) == len(found) == 2


def test_without_the_extra_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "is_installed", lambda: False)
    assert results(pod(hostPId=True)) == [Judged("schema-invalid", 0, 0)]
