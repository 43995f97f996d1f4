"""Attack paths over a generated cluster: from its snapshot to all shortest paths, choke points and a cut."""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec

RBAC = "rbac.authorization.k8s.io/v1"
CONTROL_PLANES = 3


class Size(msgspec.Struct, frozen=True):
    """How much there is of what."""

    pods: int = 10_000
    accounts: int = 5_000
    bindings: int = 10_000
    nodes: int = 1_000
    exposed: int = 500
    namespaces: int = 250

    def times(self, factor: int) -> Size:
        """Return the same cluster, larger."""
        return Size(*(each * factor for each in msgspec.structs.astuple(self)))


class Measured(msgspec.Struct, frozen=True):
    """Seconds of CPU from the snapshot to the end, of the reading, and of one search; what was found; peak memory."""

    whole_s: float
    read_s: float
    query_s: float
    vertices: int
    edges: int
    reached: int
    cut: int
    left: int
    peak_mb: float


def objects(size: Size, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Yield the objects of a cluster in which few rights are dangerous, and some chains lead to everything."""
    random = Random(seed)
    for number in range(size.nodes):
        labels = {"node-role.kubernetes.io/control-plane": ""} if number < CONTROL_PLANES else {}
        yield _object("v1", "Node", {"name": f"node-{number}", "labels": labels})
    for number in range(size.namespaces):
        level = {"pod-security.kubernetes.io/enforce": "restricted"} if number % 3 else {}
        yield _object("v1", "Namespace", {"name": f"team-{number}", "labels": level})
    for number in range(size.accounts):
        yield _object("v1", "ServiceAccount", {"name": f"sa-{number}", "namespace": _team(number, size)})
    for number in range(size.pods):
        yield _pod(random, number, size)
    for number in range(size.exposed):
        spec = {"type": "LoadBalancer", "selector": {"app": f"pod-{number}"}, "ports": [{"port": 80}]}
        yield _object("v1", "Service", {"name": f"service-{number}", "namespace": _team(number, size)}, spec=spec)
    yield from _rights(random, size)


def _team(number: int, size: Size) -> str:
    return f"team-{number % size.namespaces}"


def _object(version: str, kind: str, metadata: dict[str, Any], **body: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def _pod(random: Random, number: int, size: Size) -> dict[str, Any]:
    account = (number % size.namespaces) + size.namespaces * random.randrange(size.accounts // size.namespaces)
    container: dict[str, Any] = {"name": "app", "image": "example.com/app:1"}
    if random.random() < 0.01:
        container["securityContext"] = {"privileged": True}
    spec = {
        "serviceAccountName": f"sa-{account}",
        "nodeName": f"node-{random.randrange(CONTROL_PLANES, size.nodes)}",
        "containers": [container],
    }
    metadata = {"name": f"pod-{number}", "namespace": _team(number, size), "labels": {"app": f"pod-{number}"}}
    return _object("v1", "Pod", metadata, spec=spec)


ROLES: dict[str, tuple[float, list[dict[str, list[str]]]]] = {
    "viewer": (0.70, [{"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list", "watch"]}]),
    "config": (0.15, [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]),
    "secrets": (0.05, [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]),
    "deployer": (0.05, [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "patch"]}]),
    "exec": (0.03, [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}]),
    "binder": (0.02, [{"apiGroups": [RBAC.partition("/")[0]], "resources": ["clusterroles"], "verbs": ["bind"]}]),
}
GRANTER = [{"apiGroups": [RBAC.partition("/")[0]], "resources": ["clusterrolebindings"], "verbs": ["create"]}]


def _rights(random: Random, size: Size) -> Iterator[dict[str, Any]]:
    for name, (_, rules) in ROLES.items():
        yield _object(RBAC, "ClusterRole", {"name": name}, rules=rules)
    yield _object(RBAC, "ClusterRole", {"name": "granter"}, rules=GRANTER)
    names, weights = list(ROLES), [share for share, _ in ROLES.values()]
    for number in range(size.bindings):
        account = random.randrange(size.accounts)
        subjects = [{"kind": "ServiceAccount", "name": f"sa-{account}", "namespace": _team(account, size)}]
        role = random.choices(names, weights)[0]
        cluster = number % 100 == 0
        metadata = {"name": f"binding-{number}"} | ({} if cluster else {"namespace": _team(account, size)})
        kind = "ClusterRoleBinding" if cluster else "RoleBinding"
        yield _object(RBAC, kind, metadata, roleRef={"kind": "ClusterRole", "name": role}, subjects=subjects)
    for number in range(30):
        account = random.randrange(size.accounts)
        subjects = [{"kind": "ServiceAccount", "name": f"sa-{account}", "namespace": _team(account, size)}]
        role = "cluster-admin" if number < 10 else "granter"
        metadata = {"name": f"strong-{number}"}
        body = {"roleRef": {"kind": "ClusterRole", "name": role}, "subjects": subjects}
        yield _object(RBAC, "ClusterRoleBinding", metadata, **body)


def write_snapshot(file: Path, size: Size) -> None:
    """Write the cluster as a snapshot, unless it is there."""
    from transom.inventory import Inventory, Origin
    from transom.inventory.snapshot import write

    if file.exists():
        return
    inventory = Inventory()
    for each in objects(size):
        inventory.add(each, Origin("cluster"))
    file.parent.mkdir(parents=True, exist_ok=True)
    write(inventory, (), file)


def measure(file: Path) -> Measured:
    """Return the figures of one snapshot, in this process."""
    from transom.inventory import Inventory
    from transom.inventory.snapshot import fill_from_snapshot
    from transom.paths.attack import entries_of, field_of, removal, sinks_of, story

    gc.disable()
    start = time.process_time()
    inventory = Inventory()
    list(fill_from_snapshot(inventory, str(file)))
    read_s = time.process_time() - start
    field = field_of(inventory)
    entries = entries_of(field, ())
    found = story(field, entries, "admin")
    taken = removal(field, entries, "admin", 1_000_000)
    whole_s = time.process_time() - start
    start = time.process_time()
    field.graph.distances(sinks_of(field.graph, "admin"))
    query_s = time.process_time() - start
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cut, left = (len(taken.refs), taken.left) if taken else (0, len(found.reached))
    counts = (len(field.graph.vertices), len(field.graph.edges), len(found.reached))
    return Measured(whole_s, read_s, query_s, *counts, cut, left, peak_mb)


def whole(folder: Path, factor: int) -> Measured:
    """Return the figures of the cluster times a factor, measured in a process of its own."""
    file = folder / f"attack-{factor}.transom"
    write_snapshot(file, Size().times(factor))
    words = [sys.executable, "-m", "bench.attack", str(file)]
    done = subprocess.run(words, capture_output=True, check=True, cwd=Path(__file__).parent.parent)
    return msgspec.json.decode(done.stdout, type=Measured)


if __name__ == "__main__":
    print(msgspec.json.encode(measure(Path(sys.argv[1]))).decode())
