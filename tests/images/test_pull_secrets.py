"""Images that run are fetched with the pull secrets of their pods, where a person asks for that."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.api import Api
from tests.images.test_source import SYSTEM
from tests.registry.conftest import Layout, _wait, layout  # noqa: F401 - a fixture
from transom.cli import main
from transom.images.pull_secrets import PullSecrets, secrets_of
from transom.inventory import Inventory, Origin
from transom.inventory.cluster import ClusterOptions
from transom.kube.scratch import ControlPlane

PASSWORD = "hunter2-of-the-registry"
CRYPTED = "$2b$04$soMC2I3Y4KJDudTwO2.URuPXdD42O14yA3X2bECPYWv7xPmeXPXSi"  # by bcrypt, as htpasswd -B does
SPACE = "pulling"


def test_a_pod_is_pulled_with_its_own_secrets_or_those_of_its_account() -> None:
    inventory = Inventory()
    account = {"metadata": {"name": "default", "namespace": "a"}, "imagePullSecrets": [{"name": "of-account"}, {}]}
    inventory.add({"apiVersion": "v1", "kind": "ServiceAccount", **account}, Origin("cluster"))
    for name, own in (("one", [{"name": "own"}]), ("two", [])):
        spec = {"imagePullSecrets": own, "containers": []}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a"}, "spec": spec}
        inventory.add(pod, Origin("cluster"))
    one, two = inventory.of_kind("", "Pod")
    assert list(secrets_of(one, inventory, "cluster")) == [("a", "own")]
    assert list(secrets_of(two, inventory, "cluster")) == [("a", "of-account")]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that asks for a user and a password."""
    missing = [each for each in ("docker-registry", "skopeo") if not shutil.which(each)]
    if missing:
        pytest.skip(f"there is no {', '.join(missing)} here: apt-get install {' '.join(missing)}")
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "users").write_text(f"puller:{CRYPTED}\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\nauth: {{htpasswd: {{realm: here, path: '{folder}/users'}}}}\n"
    )
    program = shutil.which("docker-registry") or ""
    with subprocess.Popen([program, "serve", f"{folder}/config.yml"], stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def running(api: Api, guarded: str, layout: Layout) -> Iterator[str]:  # noqa: F811
    """A namespace with a pod that runs an image of the guarded registry; yields the image's reference."""
    digest = layout.image(SYSTEM)["digest"]
    target = f"docker://{guarded}/shop/web:1"
    words = ["skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds", f"puller:{PASSWORD}"]
    subprocess.run([*words, f"oci:{layout.folder}:latest", target], check=True, capture_output=True)
    api.namespace(SPACE)
    config = {"auths": {f"http://{guarded}": {"username": "puller", "password": PASSWORD}}}
    image = f"{guarded}/shop/web@{digest}"
    pod = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": SPACE},
        "spec": {"containers": [{"name": "web", "image": image}], "imagePullSecrets": [{"name": "pull"}]},
    }  # fmt: skip
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull", "namespace": SPACE},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()},
    }  # fmt: skip
    for each in (secret, pod):
        assert api.create(each).status == 201, api.create(each).body
    status = {"phase": "Running", "containerStatuses": [_status(image)]}
    path = f"/api/v1/namespaces/{SPACE}/pods/web/status"
    assert api.request("PATCH", path, {"status": status}, "application/merge-patch+json").status == 200
    yield image
    api.delete(pod)
    api.delete(secret)


def _status(image: str) -> dict[str, Any]:
    told = {"name": "web", "image": image, "imageID": image, "ready": True, "restartCount": 0}
    return {**told, "state": {"running": {}}}


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    main(["scan", "cluster", "-n", SPACE, "--images", "--no-cache", "--scanners", "misconfig", "-o", "json", *words])
    shown = "".join(capsys.readouterr())
    report = json.loads(shown[shown.index("{") :])
    return report["findings"], report["skipped"], shown


def test_an_image_is_fetched_with_the_pull_secret_of_its_pod(
    running: str, control_plane: ControlPlane, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig()))
    findings, skipped, shown = told(capsys, "--pull-secrets")
    assert "image-root-user" in {each["rule"] for each in findings}
    assert not [each for each in skipped if "does not let" in str(each)]
    assert PASSWORD not in shown
    assert base64.b64encode(f"puller:{PASSWORD}".encode()).decode() not in shown


def test_no_pull_secret_is_read_where_nobody_asks(
    running: str, control_plane: ControlPlane, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig()))
    findings, skipped, _ = told(capsys)
    assert "image-root-user" not in {each["rule"] for each in findings}
    assert [each for each in skipped if "does not let" in str(each)]


def test_a_refusal_to_read_it_is_told(
    running: str,
    control_plane: ControlPlane,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig("nobody-of-note", ())))
    (skipped,) = PullSecrets("cluster", ClusterOptions()).read([(SPACE, "pull")])
    assert "permission to get secrets" in skipped.reason
    assert "transom permissions scan --pull-secrets" in skipped.next_step


def test_one_that_is_not_there_is_passed_by_as_the_kubelet_does(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig()))
    assert not list(PullSecrets("cluster", ClusterOptions()).read([("default", "gone")]))


def test_the_role_that_it_needs_has_it_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for words, wanted in ((), False), (("--pull-secrets",), True):
        main(["permissions", "scan", *words])
        rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
        assert (rule in yaml.safe_load(capsys.readouterr().out)["rules"]) == wanted


def test_it_is_for_images_that_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "cluster", "--pull-secrets"]) == 2
    assert "--images" in capsys.readouterr().err
