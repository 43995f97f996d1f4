"""What is claimed to be an escalation is done to a real API server, and what is claimed to be none is refused by it."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cluster.api import Api
from tests.cluster.binary import NoClusterError, binaries
from tests.identity.conftest import RBAC, Cluster, Rule
from transom.kube.scratch import ControlPlane
from transom.paths.attack import named, story

R, CSR = "rbac.authorization.k8s.io", "certificates.k8s.io"
NAMESPACE = "shop"
Attempt = Callable[[ControlPlane, Api, str], bool]
"""Does what an attacker of a name would do with its connection; tells whether the server let it."""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A Kubernetes of our own: it is taken over again and again."""
    try:
        found = binaries()
    except NoClusterError as reason:
        pytest.skip(str(reason))
    with ControlPlane(found) as made:
        admin = Api(made)
        admin.namespace(NAMESPACE)
        boss = Cluster().add("v1", "ServiceAccount", "boss", NAMESPACE).grant("sa:shop/boss", ("*", "*", "*"))
        for each in boss.objects:
            assert admin.create(each).status == 201
        admin.close()
        yield made


def bind(plane: ControlPlane, api: Api, name: str) -> bool:
    reference = {"apiGroup": R, "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"apiGroup": R, "kind": "User", "name": name}]
    metadata = {"name": f"taken-by-{name}"}
    made = {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": reference}
    return api.create({**made, "subjects": subjects}).status == 201


def escalate(plane: ControlPlane, api: Api, name: str) -> bool:
    everything = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    path = f"/apis/{RBAC}/clusterroles/view-of-{name}"
    return api.request("PATCH", path, {"rules": everything}, "application/merge-patch+json").status == 200


def impersonate(plane: ControlPlane, api: Api, name: str) -> bool:
    headers = {"Impersonate-User": name, "Impersonate-Group": "system:masters"}
    api._connection.request("GET", "/api/v1/secrets", headers=headers)
    answer = api._connection.getresponse()
    answer.read()
    return answer.status == 200


def token(plane: ControlPlane, api: Api, name: str) -> bool:
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/boss/token"
    made = api.request("POST", path, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
    return made.status == 201 and _may_everything(plane, made.body["status"]["token"])


def _may_everything(plane: ControlPlane, bearer: str) -> bool:
    context = ssl.create_default_context(cadata=plane.authority.pem.decode())
    connection = http.client.HTTPSConnection("127.0.0.1", plane.port, timeout=30, context=context)
    connection.request("GET", "/api/v1/secrets", headers={"Authorization": f"Bearer {bearer}"})
    status = connection.getresponse().status
    connection.close()
    return status == 200


def approve(plane: ControlPlane, api: Api, name: str) -> bool:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "system:kube-controller-manager")])
    wish = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    spec = {
        "request": base64.b64encode(wish.public_bytes(serialization.Encoding.PEM)).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    }
    version = f"{CSR}/v1"
    metadata = {"name": f"of-{name}"}
    made = api.create({"apiVersion": version, "kind": "CertificateSigningRequest", "metadata": metadata, "spec": spec})
    if made.status != 201:
        return False
    conditions = [{"type": "Approved", "status": "True", "reason": "Test", "message": "test"}]
    body = {**made.body, "status": {"conditions": conditions}}
    path = f"/apis/{version}/certificatesigningrequests/of-{name}/approval"
    return api.request("PUT", path, body).status == 200


def read(plane: ControlPlane, api: Api, name: str) -> bool:
    found = api.request("GET", "/api/v1/secrets")
    return found.status == 200 and any(each.get("data") for each in found.body["items"])


def pod(plane: ControlPlane, api: Api, name: str) -> bool:
    spec = {"serviceAccountName": "boss", "containers": [{"name": "a", "image": "example.com/a"}]}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"of-{name}", "namespace": NAMESPACE}, "spec": spec}
    return api.create(made).status == 201


REQUESTS = "certificatesigningrequests"
APPROVING: list[Rule] = [("create", CSR, REQUESTS), ("update", CSR, f"{REQUESTS}/approval")]
CLAIMS: list[tuple[str, Attempt, str, list[Rule]]] = [
    ("bind", bind, "admin", [("bind", R, "clusterroles"), ("create", R, "clusterrolebindings")]),
    ("bind-named", bind, "admin", [("bind", R, "clusterroles:cluster-admin"), ("create", R, "clusterrolebindings")]),
    ("bind-other", bind, "admin", [("bind", R, "clusterroles:view"), ("create", R, "clusterrolebindings")]),
    ("bind-nothing", bind, "admin", [("create,update,patch", R, "clusterrolebindings")]),
    ("escalate", escalate, "admin", [("escalate,patch", R, "clusterroles")]),
    ("no-escalate", escalate, "admin", [("patch,update", R, "clusterroles")]),
    ("impersonate", impersonate, "admin", [("impersonate", "", "users,groups")]),
    ("impersonate-half", impersonate, "admin", [("impersonate", "", "groups")]),
    ("impersonate-named", impersonate, "admin", [("impersonate", "", "users"), ("impersonate", "", "groups:system:masters")]),
    ("token", token, "admin", [("create", "", "serviceaccounts/token")]),
    ("token-named", token, "admin", [("create", "", "serviceaccounts/token:boss")]),
    ("token-other", token, "admin", [("create", "", "serviceaccounts/token:web")]),
    ("token-star", token, "admin", [("create", "", "serviceaccounts/*")]),
    ("csr", approve, "admin", [*APPROVING, ("approve", CSR, "signers")]),
    ("csr-half", approve, "admin", APPROVING),
    ("list", read, "secrets", [("list", "", "secrets")]),
    ("no-list", read, "secrets", [("list", "", "configmaps")]),
    ("pod", pod, "admin", [("create", "", "pods")]),
    ("pod-named", pod, "admin", [("create", "", "pods:of-pod-named")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "attempt", "jewel", "rules"), CLAIMS, ids=[claim[0] for claim in CLAIMS])
def test_claim_holds_against_the_server(
    name: str, attempt: Attempt, jewel: str, rules: list[Rule], plane: ControlPlane
) -> None:
    user = f"attacker-{name}"
    cluster = Cluster().add("v1", "ServiceAccount", "boss", NAMESPACE).grant("sa:shop/boss", ("*", "*", "*"))
    own = Cluster().grant(user, *rules)
    claimed = bool(story(_joined(cluster, own).field(), [named(user)], jewel).reached)
    admin = Api(plane)
    objects = [_renamed(each, name) for each in own.objects]
    own_view = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": f"view-of-{user}"}, "rules": []}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": NAMESPACE}}
    admin.create({**secret, "stringData": {"a": "b"}})
    for each in (*objects, own_view):
        assert admin.create(each).status == 201
    attacker = Api(plane, user)
    try:
        assert _tried(attempt, plane, attacker, user, claimed) is claimed
    finally:
        attacker.close()
        admin.close()


def _tried(attempt: Attempt, plane: ControlPlane, attacker: Api, user: str, claimed: bool) -> bool:
    """Try for as long as the authorizer may take to know of the new rights; a claim of nothing is tried as often."""
    for _ in range(20 if claimed else 5):
        if attempt(plane, attacker, user):
            return True
        time.sleep(0.2)
    return False


def _joined(one: Cluster, other: Cluster) -> Cluster:
    joined = Cluster()
    joined.objects = one.objects + [_renamed(each, "own") for each in other.objects]
    return joined


def _renamed(value: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Return a role or binding under a name of its own, and bound to the role of that name."""
    copy: dict[str, Any] = json.loads(json.dumps(value))
    copy["metadata"]["name"] += f"-{suffix}"
    if "roleRef" in copy:
        copy["roleRef"]["name"] += f"-{suffix}"
    return copy
