"""A node of one's own: pods really run on it, and nothing of it stays on the machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.cluster.images import BUSYBOX, images, missing
from tests.kube.scratch.leftovers import traces_of, wait_until
from transom.kube.scratch import Binaries, ControlPlane, Node, Wishes, obstacle
from transom.kube.scratch.reaper import TUNED, free_name
from transom.model.errors import TransomError

KUBECTL = Path(sys.executable).with_name("kubectl")
PARTS = ("kube-controller-manager", "kube-scheduler")
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture(scope="module")
def binaries(control_plane: ControlPlane) -> Binaries:
    reason = obstacle(control_plane.binaries) or missing()
    if reason:
        pytest.skip(reason)
    return control_plane.binaries


@pytest.fixture(scope="module")
def node(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    archives = images(tmp_path_factory.mktemp("images"))
    with ControlPlane(binaries, Wishes(parts=PARTS)) as plane, Node(plane, archives) as running:
        yield running


@pytest.fixture(scope="module")
def api(node: Node) -> Iterator[Api]:
    connection = Api(node.plane)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def pods(node: Node, api: Api) -> list[dict[str, Any]]:
    """Two pods of a Deployment, each of which serves its own name."""
    assert api.create(_web()).status == 201
    assert wait_until(lambda: len(_running(api)) == 2, 60), api.request("GET", PODS).body
    return _running(api)


def _web() -> dict[str, Any]:
    serve = "hostname > /www/index.html; exec httpd -f -p 8080 -h /www"
    container = {
        "name": "web",
        "image": BUSYBOX,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", serve],
        "readinessProbe": {"httpGet": {"path": "/index.html", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": "www", "mountPath": "/www"}],
    }
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "volumes": [{"name": "www", "emptyDir": {}}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }


def _running(api: Api) -> list[dict[str, Any]]:
    found = api.request("GET", PODS).body["items"]
    return [pod for pod in found if {"type": "Ready", "status": "True"}.items() <= _condition(pod).items()]


def _condition(pod: dict[str, Any]) -> dict[str, Any]:
    conditions = pod["status"].get("conditions", [])
    return next((each for each in conditions if each["type"] == "Ready"), {})


def kubectl(node: Node, *arguments: str) -> str:
    if not KUBECTL.exists():
        pytest.skip("there is no kubectl beside this Python")
    command = [str(KUBECTL), "--kubeconfig", str(node.plane.kubeconfig()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else done.stderr


def test_the_pods_of_a_deployment_run_and_become_ready(pods: list[dict[str, Any]]) -> None:
    assert {pod["spec"]["nodeName"] for pod in pods} == {"scratch-node"}
    assert len({pod["status"]["podIP"] for pod in pods}) == 2


def test_kubectl_runs_commands_in_pods(node: Node, pods: list[dict[str, Any]]) -> None:
    name = pods[0]["metadata"]["name"]
    assert kubectl(node, "exec", name, "--", "hostname").strip() == name


def test_pods_reach_each_other(node: Node, pods: list[dict[str, Any]]) -> None:
    here, there = pods
    url = f"http://{there['status']['podIP']}:8080/index.html"
    said = kubectl(node, "exec", here["metadata"]["name"], "--", "wget", "-qO-", url)
    assert said.strip() == there["metadata"]["name"]


def test_logs_and_service_account_tokens_are_there(node: Node, pods: list[dict[str, Any]]) -> None:
    name = pods[0]["metadata"]["name"]
    token = kubectl(node, "exec", name, "--", "cat", "/var/run/secrets/kubernetes.io/serviceaccount/token")
    assert token.count(".") == 2
    assert kubectl(node, "logs", name) == ""


def test_a_container_of_a_pod_is_read_by_its_name_with_what_it_changed(node: Node, pods: list[dict[str, Any]]) -> None:
    from transom.images.containers.inspecting import inspect_container

    name = pods[0]["metadata"]["name"]
    kubectl(node, "exec", name, "--", "sh", "-c", "cat /bin/busybox > /tmp-tool; echo x > /www/volume")
    root, state = f"{node.folder}/containerd", f"{node.folder}/containerd-state"
    made = inspect_container(f"default/{name}/web", root, state)
    assert _container(pods[0])["containerID"] == f"containerd://{made.container.id}"
    assert made.container.image == BUSYBOX
    assert made.drift is not None
    assert [each.path for each in made.drift.programs] == ["tmp-tool"]


def test_containers_outlive_the_kubelet_and_containerd(node: Node, api: Api, pods: list[dict[str, Any]]) -> None:
    for part in ("kubelet", "containerd"):
        node.kill(part)
    for part in ("containerd", "kubelet"):
        node.run(part)
    name = pods[0]["metadata"]["name"]
    assert wait_until(lambda: kubectl(node, "exec", name, "--", "hostname").strip() == name)
    before = {pod["metadata"]["name"]: _container(pod)["containerID"] for pod in pods}
    assert wait_until(lambda: {e["metadata"]["name"]: _container(e)["containerID"] for e in _running(api)} == before)


def _container(pod: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = pod["status"]["containerStatuses"][0]
    return found


# what stays: nothing

OWNER = """
    import json, sys, time
    from pathlib import Path
    from tests.cluster.api import Api
    from tests.cluster.images import images
    from transom.kube.scratch import Binaries, ControlPlane, Node, Wishes
    with ControlPlane(Binaries({commands!r}), Wishes(parts={parts!r})) as plane:
        with Node(plane, images(Path(plane.folder, "images"))) as node:
            api = Api(plane)
            while api.create({pod!r}).status != 201:
                time.sleep(0.2)  # its service account is being made
            while api.request("GET", "{pods}/alone").body["status"].get("phase") != "Running":
                time.sleep(0.2)
            print(json.dumps([str(plane.folder), node.traces]), flush=True)
            if {fails}:
                raise ValueError("as the test wants it")
            time.sleep(120)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, 0], ids=["killed", "Ctrl-C", "an error"])
def test_nothing_is_left_however_its_owner_ends(binaries: Binaries, how: int) -> None:
    before = _tuned()
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "alone", "namespace": "default"},
        "spec": {"containers": [{"name": "a", "image": BUSYBOX}], "automountServiceAccountToken": False},
    }
    source = textwrap.dedent(OWNER).format(
        commands=dict(binaries.commands), parts=PARTS, pod=pod, pods=PODS, fails=not how
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path.cwd()
    )
    with owner:
        assert owner.stdout is not None
        folder, name = json.loads(owner.stdout.readline())
        assert traces_of(Path(folder), name)
        if how:
            os.kill(owner.pid, how)
    assert wait_until(lambda: not traces_of(Path(folder), name)), traces_of(Path(folder), name)
    assert _tuned() == before


def _tuned() -> dict[str, str]:
    return {name: Path("/proc/sys", name).read_text() for name in TUNED}


def test_names_fit_a_network_interface() -> None:
    assert len(free_name()) <= 15


def test_a_node_in_a_folder_that_it_hides_is_refused(binaries: Binaries) -> None:
    plane = ControlPlane(binaries, folder="/var/lib/never-made")
    with pytest.raises(TransomError, match="below /var/lib"):
        Node(plane, ()).start()
