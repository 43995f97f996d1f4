"""Roles proposed from a real API server's audit log allow what was done, refuse what was not, by that server's own word."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from transom.kube.scratch import ControlPlane, Wishes

POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
RBAC = "rbac.authorization.k8s.io"
USER = "ann"
NAMESPACE = "shop"
GRANTED = [
    {"apiGroups": [""], "resources": ["*"], "verbs": ["*"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "create", "delete"]},
    {"nonResourceURLs": ["/metrics", "/version"], "verbs": ["get"]},
]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    from tests.cluster.binary import NoClusterError, binaries

    try:
        found = binaries()
    except NoClusterError as reason:
        pytest.skip(str(reason))
    with ControlPlane(found, Wishes(audit_policy=POLICY)) as made:
        yield made


@pytest.fixture
def connect(plane: ControlPlane) -> Iterator[Callable[[str], Api]]:
    with contextlib.ExitStack() as opened:
        yield lambda user: opened.enter_context(contextlib.closing(Api(plane, user)))


def test_what_is_proposed_allows_what_was_done_and_nothing_else(
    plane: ControlPlane, connect: Callable[[str], Api], tmp_path: Path
) -> None:
    admin = connect("")
    admin.namespace(NAMESPACE)
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "much"}, "rules": GRANTED}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "much"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "much"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": USER}],
    }
    for each in (role, binding):
        assert admin.create(each).status == 201
    (tmp_path / "rbac.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, binding]}))

    done = _work(connect(USER))
    proposed = _proposal(plane, tmp_path)
    assert proposed["replay"]["denied"] == []
    assert proposed["proposal"]["covered"]
    (subject,) = (each for each in proposed["subjects"] if each["subject"]["name"] == USER)
    assert subject["unused"] > 0

    for each in proposed["proposal"]["objects"]:
        answer = admin.create(each, validation="Strict")
        assert answer.status == 201, answer.message
    for each in proposed["proposal"]["delete"]:
        assert admin.request("DELETE", f"/apis/{RBAC}/v1/{each['kind'].lower()}s/{each['name']}").status == 200

    again = _work(connect(USER))
    assert 403 not in again
    assert len(again) == len(done)
    ann = connect(USER)
    for method, path in (
        ("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/other"),
        ("GET", "/api/v1/nodes"),
        ("GET", "/api/v1/namespaces/default/configmaps"),
        ("DELETE", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web"),
        ("GET", "/metrics"),
    ):
        assert ann.request(method, path).status == 403, path


def _work(ann: Api) -> list[int]:
    """Do some things, some of which fail for other reasons than rights, and return the statuses."""
    settings = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"a": "b"},
    }
    return [
        ann.request("POST", settings, made).status,
        ann.request("GET", f"{settings}/settings").status,
        ann.request("GET", settings).status,
        ann.request("DELETE", f"{settings}/settings").status,
        ann.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/gone").status,  # 404, and still a use
        ann.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments").status,
        ann.request("GET", "/version").status,
    ]


def _proposal(plane: ControlPlane, folder: Path) -> dict[str, Any]:
    words = ["least", "rbac", "--audit", str(plane.audit_log), "--from", str(folder / "rbac.json"), "--min-days", "0"]
    command = [sys.executable, "-m", "transom", *words, "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def whole_plane() -> Iterator[ControlPlane]:
    """A control plane whose controllers and scheduler work."""
    from tests.cluster.binary import NoClusterError, binaries

    try:
        found = binaries()
    except NoClusterError as reason:
        pytest.skip(str(reason))
    parts = ("kube-controller-manager", "kube-scheduler")
    with ControlPlane(found, Wishes(audit_policy=POLICY, parts=parts)) as made:
        yield made


@pytest.fixture(scope="module")
def snapshot(whole_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot of a cluster in which nobody but Kubernetes itself holds anything, and controllers have had work."""
    with contextlib.closing(Api(whole_plane)) as admin:
        admin.namespace(NAMESPACE)
        labels = {"app": "web"}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "example.com/a:1"}]}}
        spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": pod}
        service = {"type": "LoadBalancer", "selector": labels, "ports": [{"port": 80}]}
        for version, kind, body in (("apps/v1", "Deployment", spec), ("v1", "Service", service)):
            metadata = {"name": "web", "namespace": NAMESPACE}
            assert admin.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": body}).status == 201
        for _ in range(300):
            if len(admin.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods").body["items"]) == 2:
                break
            time.sleep(0.2)
    file = tmp_path_factory.mktemp("whole") / "cluster.transom"
    assert (
        _transom("snapshot", "cluster", "--kubeconfig", str(whole_plane.kubeconfig()), "-o", str(file)).returncode == 0
    )
    return file


def _transom(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "transom", *words], capture_output=True, text=True, check=False)


def test_what_is_proposed_for_kubernetes_own_controllers_allows_all_that_they_did(
    whole_plane: ControlPlane, snapshot: Path
) -> None:
    audit = str(whole_plane.audit_log)
    done = _transom(
        "least", "rbac", "--audit", audit, "--from", str(snapshot), "--min-days", "0", "--all", "-o", "json"
    )
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    assert found["replay"]["requests"] > 300
    assert found["replay"]["denied"] == found["replay"]["unexplained"] == []
    assert found["proposal"]["covered"]


def test_a_default_cluster_has_no_path_worth_telling(snapshot: Path) -> None:
    for entry in ("exposed", "pods", "subjects"):
        done = _transom("paths", str(snapshot), "--entry", entry, "-o", "json")
        assert done.returncode == 0, done.stdout + done.stderr
    scanned = _transom("scan", str(snapshot), "--only", "paths", "--only", "identity", "-o", "json")
    told = {each["rule"] for each in json.loads(scanned.stdout)["findings"]}
    assert not {each for each in told if each.startswith("exposed-path") or each == "default-role-widened"}
