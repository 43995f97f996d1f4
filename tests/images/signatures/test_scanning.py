"""Scans that hold images to their signatures: beside everything else that they tell, and with the workloads that run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_verify import attach, cluster_image_policy, cosign_tag, signature
from tests.images.signatures.signing import new_key, pem
from tests.images.test_running import pod
from tests.registry.conftest import Layout, layout, pushed, registry
from transom.cli import main
from transom.images.opening import ImageOptions
from transom.images.running import fill_from_running
from transom.images.signatures.policies import read_policies
from transom.images.signatures.scanning import SignatureOptions
from transom.images.signatures.trust import now_of, trust_of
from transom.inventory import Inventory, Origin
from transom.model.findings import Finding, Judged

__all__ = ["layout", "pushed", "registry"]


def scanned(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    main(["scan", *words, "-o", "json", "--scanners", "misconfig"])
    return json.loads(capsys.readouterr().out)


def test_a_scan_tells_unsigned_images_too(
    layout: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    image, key = layout.image({"etc/os-release": b"ID=debian\n"}), new_key()
    (tmp_path / "policy.yaml").write_text(cluster_image_policy("**", {"key": {"data": pem(key)}}))
    found = scanned(capsys, "image:layout", "--verify-policy", "policy.yaml")
    rules = {each["rule"] for each in found["findings"]}
    assert "unsigned-image" in rules
    assert len(rules) > 1
    attach(layout, *signature(image["digest"], key), name=cosign_tag(image["digest"]))
    found = scanned(capsys, "image:layout", "--verify-policy", "policy.yaml")
    assert "unsigned-image" not in {each["rule"] for each in found["findings"]}


def test_a_policy_without_an_image_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", str(tmp_path), "--verify-policy", "policy.yaml"]) == 2
    assert "no target is one" in capsys.readouterr().err


def test_an_unsigned_image_is_told_with_the_workloads_that_run_it(layout: Layout, pushed: Any, tmp_path: Path) -> None:
    digest = layout.image({"a": b"1"})["digest"]
    name = pushed("shop/unsigned:1").rpartition(":")[0]
    (tmp_path / "policy.yaml").write_text(
        cluster_image_policy("registry.example.com/**", {"key": {"data": pem(new_key())}})
    )
    asked = SignatureOptions(tuple(read_policies([str(tmp_path / "policy.yaml")])), trust_of(now_of()))
    inventory = Inventory()
    inventory.add(pod("a", f"{name}@{digest}", "registry.example.com/shop/web:1"), Origin("cluster"))
    list(fill_from_running(inventory, "cluster", ImageOptions(cached=False, platform="linux/amd64", signatures=asked)))
    (finding,) = (each for each in inventory.decided if isinstance(each, Finding))
    assert finding.rule == "unsigned-image"
    assert "runs as shop/Pod/a" in finding.message
    assert any(isinstance(each, Judged) for each in inventory.decided)


def test_an_image_on_a_machine_has_no_signatures_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "policy.yaml").write_text(cluster_image_policy("**", {"key": {"data": pem(new_key())}}))
    found = scanned(capsys, f"dir:{tmp_path}/root", "--verify-policy", str(tmp_path / "policy.yaml"))
    assert "no signatures can lie beside" in json.dumps(found)
