"""Images that run in a cluster are known by the digests that nodes tell, and judged with the workloads that run them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.images.test_source import OPTIONS, SYSTEM
from tests.registry.conftest import Layout, layout, pushed, registry  # noqa: F401 - fixtures
from transom import scan as scanning
from transom.images.opening import ImageOptions
from transom.images.running import Running, fill_from_running, running
from transom.inventory import Inventory, Origin
from transom.model.clusters import ClusterFacts
from transom.model.findings import Finding, Provenance, Skipped

DIGEST = f"sha256:{'a' * 64}"
NODE = {
    "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
    "status": {"nodeInfo": {"operatingSystem": "linux", "architecture": "arm64"}},
}  # fmt: skip


def pod(name: str, identity: str, image: str = "web:1", phase: str = "Running") -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"}, "spec": {"nodeName": "n1"},
        "status": {"phase": phase, "containerStatuses": [{"name": "a", "image": image, "imageID": identity}]},
    }  # fmt: skip


def inventory_of(*objects: dict[str, Any]) -> Inventory:
    made = Inventory()
    for each in objects:
        made.add(each, Origin("cluster"))
    return made


def test_an_image_is_told_once_with_all_that_run_it() -> None:
    inventory = inventory_of(
        NODE, pod("a", f"example.com/web@{DIGEST}"), pod("b", f"docker-pullable://example.com/web@{DIGEST}", "web:2")
    )
    found = running(inventory, "cluster")
    assert list(found) == [Running(f"example.com/web@{DIGEST}", "web:1", "linux/arm64")]
    assert sorted(ref.name for ref in found[next(iter(found))]) == ["a", "b"]


def test_pods_that_ended_run_nothing() -> None:
    assert not running(inventory_of(pod("a", f"web@{DIGEST}", phase="Succeeded"), pod("b", "")), "cluster")


def test_statuses_of_other_types_are_passed_by() -> None:
    odd = pod("a", "")
    odd["status"] = {"containerStatuses": [3, {"imageID": 4}], "initContainerStatuses": {}}
    assert not running(inventory_of(odd), "cluster")


def test_an_image_without_a_digest_is_told() -> None:
    (told,) = fill_from_running(inventory_of(pod("a", DIGEST)), "cluster", ImageOptions())
    assert isinstance(told, Skipped)
    assert "no digest" in told.reason


def test_a_running_image_is_judged_with_its_workloads(
    pushed: Any,  # noqa: F811
    layout: Layout,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digest = layout.image(SYSTEM)["digest"]
    name = pushed("shop/web:1").rpartition(":")[0]

    def fill(inventory: Inventory, *_: Any) -> Any:
        inventory.clusters["cluster"] = ClusterFacts(context="prod", version="v1.36.0")
        inventory.add(pod("a", f"{name}@{digest}"), Origin("cluster"))
        return iter(())

    monkeypatch.setattr(scanning, "fill", fill)
    from msgspec.structs import replace

    options = replace(OPTIONS, images=ImageOptions(cached=False, running=True))
    inventory = Inventory()
    results = list(scanning.scan(["cluster"], options, inventory))
    assert "image-root-user" in {each.rule for each in results if isinstance(each, Finding)}
    assert any("runs as shop/Pod/a" in str(each) for each in results if isinstance(each, Provenance))
    (image,) = inventory.of_kind("transom.dev", "Image")
    assert image.object["workloads"] == ["shop/Pod/a"]
