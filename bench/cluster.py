"""A cluster of 5,000 pods and 2,000 other objects, created in a real API server, to be listed and scanned."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import local
from typing import Any

from tests.cluster.api import Api, collection
from tests.cluster.binary import NoClusterError, binaries
from transom.kube.scratch import ControlPlane, Wishes

WORKLOADS, PODS_EACH = 100, 50
OTHERS = {"ConfigMap": 700, "Service": 500, "ServiceAccount": 300, "Role": 300}  # beside Deployments and ReplicaSets
WRITERS = 16
NAMESPACES = 20
QUICK = {"max-requests-inflight": "3000", "max-mutating-requests-inflight": "2000"}

LIST_OURS = """
import gc; gc.disable()
from transom.inventory import Inventory
from transom.inventory.cluster import ClusterOptions, fill_from_cluster
from transom.kube.client import Access
inventory = Inventory()
wanted = {wanted!r}
options = ClusterOptions(Access(kubeconfig={kubeconfig!r}), reads=lambda _, kind: kind in wanted)
problems = [told for told in fill_from_cluster(inventory, "cluster", options) if type(told).__name__ == "Skipped"]
assert not problems, problems
assert len(inventory) >= {count}, len(inventory)
"""
LIST_THEIRS = """
from kubernetes import client, config
config.load_kube_config({kubeconfig!r})
core, apps, rbac = client.CoreV1Api(), client.AppsV1Api(), client.RbacAuthorizationV1Api()
lists = [core.list_pod_for_all_namespaces, core.list_config_map_for_all_namespaces, core.list_service_for_all_namespaces,
         core.list_service_account_for_all_namespaces, apps.list_deployment_for_all_namespaces,
         apps.list_replica_set_for_all_namespaces, rbac.list_role_for_all_namespaces]
count = sum(len(each().items) for each in lists)
assert count >= {count}, count
"""


@contextmanager
def populated() -> Iterator[tuple[Path, int]]:
    """Run a server with all of these objects; yields its kubeconfig and how many there are at least.

    In a process of its own: what is measured would else count the memory of whoever made 7,000 objects as its own.
    """
    command = [sys.executable, "-m", "bench.cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdin is not None
        assert maker.stdout is not None
        config, _, count = maker.stdout.readline().rpartition(" ")
        try:
            yield Path(config), int(count)
        finally:
            maker.stdin.close()


def main() -> None:
    """Run the server, print its kubeconfig and the count, and stop when standard input ends."""
    with ControlPlane(binaries(), Wishes(flags={"kube-apiserver": QUICK})) as plane:
        count = _populate(plane)
        print(plane.kubeconfig(), count, flush=True)
        sys.stdin.read()


def script(text: str, kubeconfig: Path, count: int) -> str:
    """Return one of the programs above, for a cluster."""
    wanted = ("Pod", "Deployment", "ReplicaSet", *OTHERS)
    return text.format(kubeconfig=str(kubeconfig), count=count, wanted=wanted)


def _populate(plane: ControlPlane) -> int:
    api = Api(plane)
    for number in range(NAMESPACES):
        api.namespace(f"team-{number}")
    deployments = [_deployment(number) for number in range(WORKLOADS)]
    with _Writers(plane) as writers:
        made = writers.create(deployments)
        replicas = writers.create([_owned(each, "apps/v1", "ReplicaSet", "1", each["spec"]) for each in made])
        pods = [_pod(each, number) for each in replicas for number in range(PODS_EACH)]
        others = [_other(kind, number) for kind, many in OTHERS.items() for number in range(many)]
        count = len(made) + len(replicas) + len(writers.create([*pods, *others]))
    api.close()
    return count


class _Writers:
    """Threads that create objects, each over a connection of its own."""

    def __init__(self, plane: ControlPlane) -> None:
        self._context = ssl.create_default_context(cadata=plane.authority.pem.decode())
        pair, file = plane.user(), plane.folder / "writers.pem"
        file.write_bytes(pair.certificate + pair.key)
        self._context.load_cert_chain(file)
        self._port = plane.port
        self._own = local()
        self._pool = ThreadPoolExecutor(WRITERS)

    def __enter__(self) -> _Writers:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def create(self, things: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return list(self._pool.map(self._one, things))

    def _one(self, thing: dict[str, Any]) -> dict[str, Any]:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=self._context)
        connection = self._own.connection
        connection.request("POST", collection(thing), json.dumps(thing), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        made: dict[str, Any] = json.loads(answer.read())
        assert answer.status == 201, made
        return made


def _metadata(name: str, number: int) -> dict[str, Any]:
    labels = {
        "app.kubernetes.io/name": f"app-{number}",
        "app.kubernetes.io/part-of": "estate",
        "team": f"team-{number}",
    }
    return {
        "name": name,
        "namespace": f"team-{number % NAMESPACES}",
        "labels": labels,
        "annotations": {"owner": "team"},
    }


def _template(number: int) -> dict[str, Any]:
    environment = [{"name": f"SETTING_{each}", "value": f"value-{each}"} for each in range(12)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    container = {
        "name": "app",
        "image": f"registry.example/team/app-{number}:1.{number}.0",
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": environment,
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "livenessProbe": probe,
        "readinessProbe": probe,
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/app"}, {"name": "scratch", "mountPath": "/tmp"}],
    }
    volumes = [{"name": "settings", "configMap": {"name": "settings"}}, {"name": "scratch", "emptyDir": {}}]
    spec = {"containers": [container], "volumes": volumes, "serviceAccountName": f"app-{number}"}
    return {"metadata": {"labels": {"app": f"app-{number}"}}, "spec": spec}


def _deployment(number: int) -> dict[str, Any]:
    spec = {"replicas": PODS_EACH, "selector": {"matchLabels": {"app": f"app-{number}"}}, "template": _template(number)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(f"app-{number}", number), "spec": spec}


def _owned(owner: dict[str, Any], version: str, kind: str, suffix: str, spec: dict[str, Any]) -> dict[str, Any]:
    of = owner["metadata"]
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": of["name"], "uid": of["uid"]}
    metadata = {
        "name": f"{of['name']}-{suffix}",
        "namespace": of["namespace"],
        "labels": {**of["labels"], **spec.get("selector", {}).get("matchLabels", {})},
        "ownerReferences": [{**reference, "controller": True, "blockOwnerDeletion": True}],
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _pod(replicas: dict[str, Any], number: int) -> dict[str, Any]:
    spec = {**replicas["spec"]["template"]["spec"], "nodeName": f"node-{number}"}
    return _owned(replicas, "v1", "Pod", f"{number:05}", spec)


def _other(kind: str, number: int) -> dict[str, Any]:
    metadata = _metadata(f"thing-{number}", number)
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "watch"], "resourceNames": ["settings"]}
    bodies: dict[str, dict[str, Any]] = {
        "ConfigMap": {"data": {f"key-{each}": "value " * 20 for each in range(5)}},
        "Service": {
            "spec": {
                "clusterIP": "None",
                "selector": {"app": f"app-{number}"},
                "ports": [{"port": 80, "targetPort": 8080}],
            }
        },
        "ServiceAccount": {"automountServiceAccountToken": False},
        "Role": {"rules": [rule]},
    }
    version = "rbac.authorization.k8s.io/v1" if kind == "Role" else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **bodies[kind]}


def why_not() -> str:
    """Return why there is no cluster to measure; "" where there is one."""
    try:
        binaries()
    except NoClusterError as reason:
        return str(reason)
    return ""


if __name__ == "__main__":
    main()
