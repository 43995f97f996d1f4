"""Whatever breaks on the way to a cluster, a scan says so, keeps what was read, and ends with 3."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.cluster.binary import binaries_or_skip
from tests.kube.client.hostile import Exchange, serving
from transom.cli import main
from transom.inventory import cluster
from transom.kube.client import Listing, Resource
from transom.kube.client import lists as client_lists
from transom.kube.client.decoding import OBJECTS, Shape
from transom.kube.scratch import ControlPlane
from transom.kube.scratch.certificates import Authority

BAD = """
apiVersion: v1
kind: Pod
metadata: {name: file-pod, namespace: files}
spec: {containers: [{name: app, image: "example.com/app:1", securityContext: {privileged: true}}]}
"""

Fault = Callable[..., dict[str, Any]]


@pytest.fixture
def fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fault:
    """Scan a good file and a cluster that is broken; returns what was skipped of the cluster, after all else held."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setattr("transom.kube.client.client.PAUSES_S", (0.0, 0.0, 0.0))
    (tmp_path / "pod.yaml").write_text(BAD)

    def scan(target: str = "cluster", *arguments: str) -> dict[str, Any]:
        report_file = tmp_path / "report.json"
        code = main(
            ["scan", str(tmp_path / "pod.yaml"), target, "-o", f"json={report_file}", "-o", "table", *arguments]
        )
        report = json.loads(report_file.read_text())
        shown = capsys.readouterr()
        assert code == 3
        assert "incomplete" in shown.out
        assert "Traceback" not in shown.err
        assert "file-pod" in [each["ref"]["name"] for each in report["findings"]]
        assert report["skipped"]
        assert all(each["next_step"] for each in report["skipped"])
        first: dict[str, Any] = report["skipped"][0]
        return first

    return scan


def kubeconfig(folder: Path, server: str, user: dict[str, Any] | None = None, **settings: Any) -> str:
    value = {
        "clusters": [{"name": "c", "cluster": {"server": server, **settings}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "here",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(value))
    return str(path)


def test_no_kubeconfig_at_all(fault: Fault) -> None:
    told = fault()
    assert "no kubeconfig was found" in told["reason"]
    assert "--kubeconfig" in told["next_step"]


def test_a_context_that_is_not_there(fault: Fault, tmp_path: Path) -> None:
    told = fault("cluster:prod", "--kubeconfig", kubeconfig(tmp_path, "https://127.0.0.1:1"))
    assert "no context 'prod'" in told["reason"]
    assert told["next_step"] == "choose from here"


def test_a_server_that_is_not_there(fault: Fault, tmp_path: Path) -> None:
    told = fault("cluster", "--kubeconfig", kubeconfig(tmp_path, "https://127.0.0.1:1"))
    assert "Connection refused" in told["reason"]


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        ({"command": "no-such-plugin"}, "No such file"),
        ({"command": sys.executable, "args": ["-c", "print('<rubbish>')"]}, "prints no ExecCredential"),
        ({"command": sys.executable, "args": ["-c", "raise SystemExit('not logged in')"]}, "not logged in"),
    ],
)
def test_a_plug_in_that_does_not_log_in(fault: Fault, tmp_path: Path, plugin: dict[str, Any], words: str) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", **plugin}}
    told = fault("cluster", "--kubeconfig", kubeconfig(tmp_path, "https://127.0.0.1:1", user))
    assert words in told["reason"]


def test_a_server_that_another_authority_vouches_for(fault: Fault, tmp_path: Path) -> None:
    with serving(lambda exchange: None, Authority().server("api", ("127.0.0.1",))) as (address, _):
        told = fault("cluster", "--kubeconfig", kubeconfig(tmp_path, address))
    assert "certificate is not trusted" in told["reason"]


def test_a_server_whose_certificate_has_expired(fault: Fault, tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    old = authority.server("api", ("127.0.0.1",), timedelta(seconds=-1))
    with serving(lambda exchange: None, old) as (address, _):
        told = fault("cluster", "--kubeconfig", kubeconfig(tmp_path, address, **{"certificate-authority": "ca.crt"}))
    assert "expired" in told["reason"]


def test_something_that_is_no_api_server(fault: Fault, tmp_path: Path) -> None:
    with serving(lambda exchange: exchange.answer(b"<html>Welcome</html>")) as (address, _):
        told = fault("cluster", "--kubeconfig", kubeconfig(tmp_path, address))
    assert "no JSON of Kubernetes" in told["reason"]


def test_a_server_that_resets_every_connection(fault: Fault, tmp_path: Path) -> None:
    with serving(Exchange.reset) as (address, _):
        told = fault("cluster", "--kubeconfig", kubeconfig(tmp_path, address))
    assert told["reason"]


def test_a_certificate_that_is_not_verified_is_said_loudly(
    tmp_path: Path, control_plane: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    main(
        [
            "scan",
            "cluster",
            "--kubeconfig",
            str(control_plane.kubeconfig()),
            "--insecure-skip-tls-verify",
            "-n",
            "default",
        ]
    )
    shown = capsys.readouterr()
    assert "is not verified" in shown.err
    assert "certificate not verified" in " ".join(shown.out.split())


# a real server that breaks in the middle


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane(binaries_or_skip()) as running:
        api = Api(running)
        api.namespace("shop")
        for index in range(5):
            thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m{index}", "namespace": "shop"}}
            assert api.create(thing).status == 201
        api.close()
        yield running


@pytest.fixture
def in_the_middle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None], str], None]:
    """Do something when the first object of a kind has been read, with pages of two and one list after the other."""

    def arrange(act: Callable[[], None], kind: str) -> None:
        done: list[bool] = []

        def decode(parts: Any, resource: Resource) -> dict[str, Any]:
            value = OBJECTS.make(parts, resource)
            if resource.kind == kind and not done:
                done.append(True)
                act()
            return value

        def list_all(client: Any, resource: Resource, namespace: str = "", *more: Any) -> Listing:
            return client_lists.list_all(client, resource, namespace, shape=Shape(OBJECTS.item, decode))

        monkeypatch.setattr(client_lists, "LIMITS", (2, 2, 0))
        monkeypatch.setattr(cluster, "THREADS", 1)
        monkeypatch.setattr(cluster, "list_all", list_all)

    return arrange


def test_a_server_that_is_killed_within_a_list(
    plane: ControlPlane, fault: Fault, in_the_middle: Callable[[Callable[[], None], str], None]
) -> None:
    in_the_middle(lambda: plane.kill("kube-apiserver"), "ConfigMap")
    told = fault("cluster", "--kubeconfig", str(plane.kubeconfig()))
    assert "broke off" in told["reason"]


def test_an_etcd_that_stops(
    plane: ControlPlane, fault: Fault, in_the_middle: Callable[[Callable[[], None], str], None]
) -> None:
    in_the_middle(lambda: plane.kill("etcd"), "ConfigMap")
    told = fault("cluster", "--kubeconfig", str(plane.kubeconfig()), "--request-timeout", "3s")
    assert "broke off" in told["reason"]


def test_a_definition_that_is_deleted_while_its_objects_are_listed(
    plane: ControlPlane, fault: Fault, in_the_middle: Callable[[Callable[[], None], str], None]
) -> None:
    from tests.cli.test_permissions import definition

    monitor = definition("monitoring.coreos.com", "ServiceMonitor", "servicemonitors")
    api = Api(plane)
    assert api.create(monitor).status == 201
    things = "/apis/monitoring.coreos.com/v1/servicemonitors"
    while api.request("GET", things).status != 200:
        pass

    def delete() -> None:
        api.delete(monitor)
        while api.request("GET", things).status != 404:
            pass

    in_the_middle(delete, "ConfigMap")  # which are read first
    told = fault("cluster", "--kubeconfig", str(plane.kubeconfig()))
    api.close()
    assert told["ref"]["kind"] == "ServiceMonitor"
    assert "no longer served" in told["reason"]


def test_a_token_that_expires_within_a_scan_is_renewed(
    plane: ControlPlane, tmp_path: Path, in_the_middle: Callable[[Callable[[], None], str], None]
) -> None:
    api = Api(plane)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "shop"}}
    assert api.create(account).status == 201
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}],
    }
    assert api.create(binding).status == 201

    def token() -> str:
        path = "/api/v1/namespaces/shop/serviceaccounts/reader/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        made: str = api.request("POST", path, request).body["status"]["token"]
        return made

    file = tmp_path / "token"
    file.write_text(token())

    def expire() -> None:
        """The account is made anew: the server takes no token of the old one any more."""
        assert api.delete(account).status == 200
        assert api.create(account).status == 201
        file.write_text(token())

    in_the_middle(expire, "ConfigMap")
    (tmp_path / "ca.crt").write_bytes(plane.authority.pem)
    settings = {"certificate-authority": "ca.crt"}
    config = kubeconfig(tmp_path, plane.address, {"tokenFile": str(file)}, **settings)
    code = main(["scan", "cluster", "--kubeconfig", config, "-o", f"json={tmp_path / 'report.json'}"])
    api.close()
    report = json.loads((tmp_path / "report.json").read_text())
    assert (code, report["skipped"]) == (1, [])
