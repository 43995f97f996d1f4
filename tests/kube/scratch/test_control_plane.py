"""A control plane of one's own: what it is asked to be, and that nothing of it stays."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.kube.scratch.leftovers import parts_running_in, wait_until
from tests.kube.scratch.receiver import kubeconfig_of, receiver
from transom.kube.scratch import Binaries, ControlPlane, Wishes
from transom.kube.scratch.certificates import Authority
from transom.model.errors import TransomError


@pytest.fixture(scope="module")
def binaries(control_plane: ControlPlane) -> Binaries:
    return control_plane.binaries


def audit_everything() -> dict[str, Any]:
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


def secret(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"key": "plain words"}}


def test_nothing_is_left_after_the_end(binaries: Binaries) -> None:
    with ControlPlane(binaries) as plane:
        assert len(parts_running_in(plane.folder)) == 3  # etcd, the API server, and who cleans up after them
    assert parts_running_in(plane.folder) == []
    assert not plane.folder.exists()


def test_nothing_is_left_after_an_error(binaries: Binaries) -> None:
    plane = ControlPlane(binaries)
    with pytest.raises(ZeroDivisionError), plane:
        raise ZeroDivisionError
    assert parts_running_in(plane.folder) == []
    assert not plane.folder.exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_is_left_when_its_owner_is_killed(binaries: Binaries, tmp_path: Path, how: int) -> None:
    source = f"""
        import time
        from transom.kube.scratch import ControlPlane, Binaries
        with ControlPlane(Binaries({binaries.commands!r}), folder={str(tmp_path)!r}):
            print("ready", flush=True)
            time.sleep(60)
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        os.kill(owner.pid, how)
    assert wait_until(lambda: parts_running_in(tmp_path) == [])


def test_no_file_is_left_when_its_owner_is_killed(binaries: Binaries) -> None:
    source = f"""
        import time
        from transom.kube.scratch import ControlPlane, Binaries
        with ControlPlane(Binaries({binaries.commands!r})) as plane:
            print(plane.folder, flush=True)
            time.sleep(60)
    """
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().decode().strip())
        assert folder.is_dir()
        os.kill(owner.pid, signal.SIGKILL)
    assert wait_until(lambda: not folder.exists() and not parts_running_in(folder))


def test_a_part_that_refuses_its_flags_is_told_with_its_own_words(binaries: Binaries) -> None:
    plane = ControlPlane(binaries, Wishes(flags={"kube-apiserver": {"no-such-flag": "1"}}))
    with pytest.raises(TransomError) as failure, plane:
        pass
    assert "no-such-flag" in failure.value.why
    assert parts_running_in(plane.folder) == []


def test_a_missing_part_is_named() -> None:
    plane = ControlPlane(Binaries({}))
    with pytest.raises(TransomError, match="etcd, kube-apiserver"), plane:
        pass


def test_users_are_who_their_certificates_say(control_plane: ControlPlane) -> None:
    api = Api(control_plane, "ada", ("engineers",))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {"name": "who"}}
    user = api.create(review).body["status"]["userInfo"]
    refused = api.request("GET", "/api/v1/secrets")
    api.close()
    assert user["username"] == "ada"
    assert "engineers" in user["groups"]
    assert refused.status == 403


def test_a_kubeconfig_holds_all_that_a_client_needs(control_plane: ControlPlane) -> None:
    config = json.loads(control_plane.kubeconfig("ada", ("engineers",)).read_text())
    (cluster,), (user,) = config["clusters"], config["users"]
    assert cluster["cluster"]["server"] == control_plane.address
    assert b"BEGIN CERTIFICATE" in base64.b64decode(cluster["cluster"]["certificate-authority-data"])
    assert {"client-certificate-data", "client-key-data"} <= set(user["user"])


def test_wishes_are_fulfilled_and_can_change(binaries: Binaries) -> None:
    key = base64.b64encode(b"0" * 32).decode()
    provider = {"secretbox": {"keys": [{"name": "first", "secret": key}]}}
    encryption = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [provider, {"identity": {}}]}],
    }
    defaults = {"enforce": "restricted", "enforce-version": "latest"}
    configuration = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": defaults,
    }
    admission = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "configuration": configuration}],
    }
    wishes = Wishes(encryption=encryption, admission=admission, audit_policy=audit_everything())
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "default"},
        "spec": {"containers": [{"name": "a", "image": "a"}]},
    }
    with ControlPlane(binaries, wishes) as plane:
        api = Api(plane)
        assert api.create(secret("hidden")).status == 201
        refusal = api.create(pod)
        api.close()
        assert 'violates PodSecurity "restricted:latest"' in refusal.message
        events = [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
        assert any(event["requestURI"].startswith("/api/v1/namespaces/default/secrets") for event in events)
        plane.kill("etcd")
        stored = b"".join(path.read_bytes() for path in (plane.folder / "etcd").rglob("*") if path.is_file())
        assert b"k8s:enc:secretbox:v1:first:" in stored
        assert b"plain words" not in stored
        plane.restart("etcd")
        plane.restart("kube-apiserver", Wishes(encryption=encryption))
        again = Api(plane)
        assert again.create(pod, dry_run=True).status == 201
        kept = again.request("GET", "/api/v1/namespaces/default/secrets/hidden")
        again.close()
        assert base64.b64decode(kept.body["data"]["key"]) == b"plain words"


def test_controllers_make_pods_of_deployments(binaries: Binaries) -> None:
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "default"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template},
    }
    with ControlPlane(binaries, Wishes(parts=("kube-controller-manager", "kube-scheduler"))) as plane:
        api = Api(plane)
        assert api.create(deployment).status == 201
        end, pods = time.monotonic() + 60, []
        while len(pods) < 2 and time.monotonic() < end:
            time.sleep(0.3)
            pods = api.request("GET", "/api/v1/namespaces/default/pods").body["items"]
        api.close()
    assert {pod["metadata"]["ownerReferences"][0]["kind"] for pod in pods} == {"ReplicaSet"}


def test_images_are_asked_of_a_webhook_and_events_are_sent_to_one(binaries: Binaries, tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> dict[str, Any]:
        images = [each["image"] for each in body.get("spec", {}).get("containers", ())]
        return {**body, "status": {"allowed": "evil" not in images, "reason": "evil is not allowed"}}

    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"}}
    authority = Authority("receiver")
    with receiver(tmp_path, authority, reply) as (url, received):
        (tmp_path / "images.json").write_text(json.dumps(kubeconfig_of(url, authority)))
        policy = {"kubeConfigFile": str(tmp_path / "images.json"), "allowTTL": -1, "denyTTL": -1, "defaultAllow": False}
        admission = {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AdmissionConfiguration",
            "plugins": [{"name": "ImagePolicyWebhook", "configuration": {"imagePolicy": policy}}],
        }
        wishes = Wishes(
            admission=admission,
            audit_policy=audit_everything(),
            audit_webhook=url,
            audit_webhook_authority=authority.pem,
            flags={"kube-apiserver": {"enable-admission-plugins": "NodeRestriction,ImagePolicyWebhook"}},
        )
        with ControlPlane(binaries, wishes) as plane:
            api = Api(plane)
            taken = api.create({**pod, "spec": {"containers": [{"name": "a", "image": "good"}]}}, dry_run=True)
            refused = api.create({**pod, "spec": {"containers": [{"name": "a", "image": "evil"}]}}, dry_run=True)
            api.close()
            assert wait_until(lambda: any(body.get("kind") == "EventList" for body in received))
    assert taken.status == 201, taken.message
    assert "evil is not allowed" in refused.message
    assert {"ImageReview", "EventList"} <= {body["kind"] for body in received}


def test_a_feature_gate_is_set(binaries: Binaries) -> None:
    with ControlPlane(binaries, Wishes(features={"ClusterTrustBundle": True})) as plane:
        api = Api(plane)
        metrics = api.request("GET", "/metrics").message
        api.close()
    assert 'kubernetes_feature_enabled{name="ClusterTrustBundle",stage="BETA"} 1' in metrics


def test_service_account_tokens_are_signed_by_its_own_key(control_plane: ControlPlane) -> None:
    api = Api(control_plane)
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "signed", "namespace": "default"}})
    path = "/api/v1/namespaces/default/serviceaccounts/signed/token"
    made = api.request("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {"name": "a"}}
    told = api.create({**review, "spec": {"token": made.body["status"]["token"]}}).body["status"]
    api.close()
    assert told["user"]["username"] == "system:serviceaccount:default:signed"
