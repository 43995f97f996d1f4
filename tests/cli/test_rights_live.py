"""Questions about the rights of a live cluster, and paths through it: as of its files, and as of its snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.cluster.binary import binaries_or_skip
from tests.identity.conftest import Cluster
from transom.cli import main
from transom.kube.scratch import ControlPlane


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A Kubernetes of our own: what is bound here would show in the questions of other tests."""
    with ControlPlane(binaries_or_skip()) as made:
        api = Api(made)
        api.namespace("shop")
        cluster = Cluster().add("v1", "ServiceAccount", "web", "shop").add("v1", "ServiceAccount", "boss", "shop")
        cluster.pod("web", account="web", nodeName="n1").exposed("web").grant("sa:shop/boss", ("*", "*", "*"))
        cluster.grant("sa:shop/web", ("create", "", "serviceaccounts/token"), namespace="shop")
        for each in cluster.objects:
            answer = api.create(each)
            assert answer.status == 201, answer.message
        api.close()
        yield made


@pytest.fixture
def source(plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
    monkeypatch.chdir(tmp_path)
    return "cluster"


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*words, "-o", "json"]) == code
    return json.loads(capsys.readouterr().out)


def test_live_rights_and_those_of_a_snapshot_are_the_same(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    live = told(capsys, "who-can", "create", "serviceaccounts/token", "-n", "shop", "--from", source)
    names = {each["subject"]["name"] for each in live["holders"]}
    assert {"web", "boss", "system:node:n1"} - names == {"system:node:n1"}  # nodes are told of one account by name
    assert main(["snapshot", source, "-o", "kept.transom"]) == 0
    kept = told(capsys, "who-can", "create", "serviceaccounts/token", "-n", "shop", "--from", "kept.transom")
    assert kept["holders"] == live["holders"]
    asked = told(capsys, "can", "node:n1", "create", "sa/web", "--subresource", "token", "-n", "shop", "--from", source)
    assert asked["allowed"] is True


def test_live_paths_and_those_of_a_snapshot_are_the_same(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    live = told(capsys, "paths", source, "--jewel", "admin", "--cut", "2", code=1)
    assert [each["entry"]["name"] for each in live["jewels"][0]["paths"]] == ["web"]
    assert live["jewels"][0]["cut"]["left"] == 0
    assert main(["snapshot", source, "-o", "kept.transom"]) == 0
    assert told(capsys, "paths", "kept.transom", "--jewel", "admin", "--cut", "2", code=1)["jewels"] == live["jewels"]


def test_a_snapshot_of_one_namespace_does_not_know_the_clusters_rights(
    source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["snapshot", source, "-n", "shop", "-o", "shop.transom"]) == 0
    found = told(capsys, "who-can", "get", "secrets", "-n", "shop", "--from", "shop.transom", code=3)
    assert "only one namespace was read" in found["skipped"][0]["reason"]
