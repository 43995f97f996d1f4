"""A scan of what was applied says what a scan of the files says, but for what only a cluster, or only a file, can know."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.cluster.binary import binaries_or_skip
from tests.cluster.estates import apply, objects_of
from transom.cli import main
from transom.kube.kinds import kind_of
from transom.kube.scratch import ControlPlane, Wishes

Key = tuple[str, str, str, str, str]
"""Rule, kind, namespace, name and witness of a finding."""

SETTLE_S = 60.0
CONTROLLERS = "kube-controller-manager"


@pytest.fixture
def estate(request: pytest.FixtureRequest, repository: Path) -> Path:
    if request.param == "shop":
        return repository / "examples" / "shop"
    corpora: Path = request.getfixturevalue("corpora")
    return corpora / str(request.param)


@pytest.fixture
def applied(estate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The estate in a cluster of its own, with controllers; what was refused, by kind and name."""
    with ControlPlane(binaries_or_skip(), Wishes(parts=(CONTROLLERS,))) as plane:
        monkeypatch.setenv("KUBECONFIG", str(plane.kubeconfig()))
        api = Api(plane)
        wait_until(lambda: api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default").status == 200)
        refused = apply(api, estate)
        wait_until(lambda: is_settled(api))
        yield refused
        api.close()


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SETTLE_S
    while not holds():
        assert time.monotonic() < end, "the controllers did not come to rest"
        time.sleep(0.2)


def is_settled(api: Api) -> bool:
    """Whether every workload has made the pods that it wants."""
    workloads = [
        each
        for plural in ("deployments", "statefulsets", "daemonsets", "replicasets")
        for each in api.request("GET", f"/apis/apps/v1/{plural}").body["items"]
    ]
    return all(
        each["status"].get("observedGeneration") == each["metadata"]["generation"]
        and (each["status"].get("replicas", 0) >= min(each["spec"].get("replicas", 0), 1))
        for each in workloads
    )


def findings(target: str, file: Path, *more: str) -> dict[Key, dict[str, Any]]:
    main(["scan", target, "-o", f"json={file}", *more])
    report = json.loads(file.read_text())
    found = {}
    for each in report["findings"]:
        ref = each["ref"]
        version = f"{ref['group']}/v1" if ref.get("group") else "v1"
        home = ref.get("namespace", "") or ("default" if kind_of(version, ref["kind"]).namespaced else "")
        found[each["rule"], ref["kind"], home, ref["name"], each.get("witness", "")] = each
    return found


@pytest.mark.parametrize(
    "estate", ["shop", "kubernetes-goat", "microservices-demo/release"], indirect=True, ids=lambda name: name
)
def test_a_cluster_is_judged_as_the_files_that_it_was_made_of(
    estate: Path, applied: dict[str, str], tmp_path: Path
) -> None:
    of_files = findings(str(estate), tmp_path / "files.json")
    of_cluster = findings("cluster", tmp_path / "cluster.json", "--secrets")
    written = {
        (each["kind"], each["metadata"].get("namespace") or "default", each["metadata"].get("name")): each
        for each in objects_of(estate)
    }

    def only_a_file_knows(key: Key) -> bool:
        _, kind, _, name, _ = key
        return f"{kind}/{name}" in applied  # the server refused it

    def only_a_cluster_knows(key: Key) -> bool:
        rule, kind, namespace, name, _ = key
        source = written.get((kind, namespace or "default", name))
        if source is None:  # service accounts and namespaces that Kubernetes makes by itself
            return kind in ("ServiceAccount", "Namespace")
        if rule == "namespace-without-policy":  # the policy that decides about it is one that the server refused
            return any(refused.startswith("ClusterPolicy/") for refused in applied)
        if rule == "default-namespace":  # the file leaves the namespace to whoever applies it
            return "namespace" not in source["metadata"]
        return rule == "replicas-too-few" and "replicas" not in source["spec"]  # one, by default

    missing = [key for key in of_files.keys() - of_cluster.keys() if not only_a_file_knows(key)]
    added = [key for key in of_cluster.keys() - of_files.keys() if not only_a_cluster_knows(key)]
    assert (sorted(missing), sorted(added)) == ([], [])
    same = of_files.keys() & of_cluster.keys()
    assert len(same) > 50
    for key in same:
        assert of_files[key]["severity"] == of_cluster[key]["severity"], key
        assert of_files[key]["message"] == of_cluster[key]["message"], key
