"""Kustomizations as a source: what they build, found in the files that say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from transom.inventory import Inventory
from transom.inventory.sources import fill
from transom.kube.kustomize.build import find_builder
from transom.model.findings import Finding, Provenance, Skipped

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: side
        image: example.com/side:1
      - name: app
        image: example.com/app:1
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: app
        securityContext:
          privileged: true
"""


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    if not find_builder():
        pytest.skip("nothing here builds kustomizations: there is no kubectl")
    base, over = tmp_path / "base", tmp_path / "over"
    base.mkdir()
    over.mkdir()
    (base / "web.yaml").write_text(DEPLOYMENT)
    (base / "kustomization.yaml").write_text("resources: [web.yaml]\n")
    (over / "privileged.yaml").write_text(PATCH)
    (over / "kustomization.yaml").write_text(
        "resources: [../base]\nnamePrefix: prod-\nnamespace: shop\npatches:\n- path: privileged.yaml\n"
        "images:\n- name: example.com/app\n  newTag: '2'\nreplicas:\n- {name: web, count: 3}\n"
    )
    return over


def read(folder: Path) -> tuple[Inventory, list[object]]:
    inventory = Inventory()
    return inventory, list(fill(inventory, str(folder)))


def test_each_field_is_found_where_it_was_set(overlay: Path) -> None:
    inventory, told = read(overlay)
    (entry,) = inventory.entries()
    assert [type(each) for each in told] == [Provenance]
    assert entry.ref.short == "shop/Deployment/prod-web"
    assert "annotations" not in entry.metadata

    def place(*path: str | int) -> tuple[str, int]:
        found = inventory.locate(entry, path)
        return str(Path(found.file).relative_to(overlay.parent)), found.line

    app = ("spec", "template", "spec", "containers", 0)
    side = ("spec", "template", "spec", "containers", 1)
    if entry.object["spec"]["template"]["spec"]["containers"][0]["name"] == "side":
        app, side = side, app
    assert place(*side, "image") == ("base/web.yaml", 11)
    assert place(*app, "name") == ("base/web.yaml", 12)
    assert place(*app, "securityContext", "privileged") == ("over/privileged.yaml", 11)
    assert place(*app, "image") == ("over/kustomization.yaml", 6)
    assert place("spec", "replicas") == ("over/kustomization.yaml", 9)
    assert place("metadata", "namespace") == ("over/kustomization.yaml", 3)
    assert place(*side, "securityContext", "privileged") == ("base/web.yaml", 10)


def test_one_that_does_not_build_is_a_finding_and_its_files_are_judged_as_they_stand(overlay: Path) -> None:
    (overlay / "kustomization.yaml").write_text("resources: [gone.yaml]\n")
    inventory, told = read(overlay)
    assert [each.rule for each in told if isinstance(each, Finding)] == ["kustomization-does-not-build"]
    assert any(isinstance(each, Skipped) for each in told)
    assert len(inventory) == 1  # the patch


def test_nothing_is_fetched(overlay: Path) -> None:
    (overlay / "kustomization.yaml").write_text("resources: ['https://example.com/x.yaml']\n")
    _, told = read(overlay)
    (skipped,) = (each for each in told if isinstance(each, Skipped))
    assert "https://example.com/x.yaml" in skipped.reason


def test_without_kubectl_the_files_are_judged_as_they_stand(overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.inventory.kustomizations.find_builder", lambda: ())
    inventory, told = read(overlay)
    (skipped,) = (each for each in told if isinstance(each, Skipped))
    assert "install kubectl" in skipped.next_step
    assert len(inventory) == 1


def test_public_kustomizations_build_and_are_found_in_their_files(corpora: Path) -> None:
    if not find_builder():
        pytest.skip("nothing here builds kustomizations: there is no kubectl")
    for name in ("kustomize", "kustomize/tests/spanner-with-all-components"):
        inventory, told = read(corpora / "microservices-demo" / name)
        assert not [each for each in told if isinstance(each, Skipped | Finding)]
        assert len(inventory) > 20
        for entry in inventory.entries():
            assert Path(inventory.locate(entry, ("kind",)).file).is_file()
