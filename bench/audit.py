"""A generated cluster and its audit log: service accounts that use a part of what they were granted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

ACCOUNTS = 500
NAMESPACES = 50
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 30
RESOURCES = (
    ("", "pods"),
    ("", "configmaps"),
    ("apps", "deployments"),
    ("coordination.k8s.io", "leases"),
    ("", "events"),
)
VERBS = ("get", "list", "watch", "create", "update", "patch")
REASON = 'RBAC: allowed by RoleBinding "%s/%s" of ClusterRole "worker" to ServiceAccount "%s/%s"'
RBAC = "rbac.authorization.k8s.io"


def write_audit(folder: Path, events: int) -> tuple[Path, Path]:
    """Write a policy and a log of so many events, and return where; nothing is done where they are there already."""
    policy, log = folder / "audit-policy.json", folder / f"audit-{events}.log"
    folder.mkdir(parents=True, exist_ok=True)
    policy.write_bytes(msgspec.json.encode({"apiVersion": "v1", "kind": "List", "items": list(_objects())}))
    if not log.exists():
        chance = random.Random(7)
        with log.open("wb") as out:
            for number in range(events):
                out.write(msgspec.json.encode(_event(number, events, chance)) + b"\n")
    return policy, log


def _account(number: int) -> tuple[str, str]:
    return f"team-{number % NAMESPACES}", f"worker-{number}"


def _objects() -> Iterator[dict[str, object]]:
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": [*VERBS, "delete"]} for group, resource in RESOURCES
    ] + [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]
    yield {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "worker"}, "rules": rules}
    for number in range(ACCOUNTS):
        namespace, name = _account(number)
        yield {
            "apiVersion": f"{RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": namespace},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "worker"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        }


def _event(number: int, events: int, chance: random.Random) -> dict[str, object]:
    namespace, name = _account(chance.randrange(ACCOUNTS))
    group, resource = chance.choice(RESOURCES)
    verb = chance.choice(VERBS)
    when = START + timedelta(days=DAYS) * (number / events)
    target = {"resource": resource, "namespace": namespace, "apiGroup": group, "apiVersion": "v1"}
    if verb in ("get", "update", "patch"):
        target["name"] = f"{resource}-{chance.randrange(20)}"
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"{number:032x}",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/{group}/v1/namespaces/{namespace}/{resource}?limit=500",
        "verb": verb,
        "user": {
            "username": f"system:serviceaccount:{namespace}:{name}",
            "uid": f"{number % ACCOUNTS:08x}-0000-4000-8000-000000000000",
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"],
            "extra": {
                "authentication.kubernetes.io/pod-name": [f"{name}-0"],
                "authentication.kubernetes.io/node-name": ["n1"],
            },
        },
        "sourceIPs": ["10.0.0.7"],
        "userAgent": "worker/v1.2.3 (linux/amd64) kubernetes/0000000",
        "objectRef": target,
        "responseStatus": {"metadata": {}, "code": 200 if number % 10 else 404},
        "requestReceivedTimestamp": when.isoformat().replace("+00:00", "Z"),
        "stageTimestamp": when.isoformat().replace("+00:00", "Z"),
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": REASON % (name, namespace, name, namespace),
        },
    }
