"""What a fresh API server has by itself, kept as content: its bootstrap RBAC policy, and the resources that it serves.

`python -m tests.cluster.defaults` writes it anew; a parity test holds it against the server.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster.api import Api
from tests.cluster.binary import KUBERNETES, binaries
from transom.kube.scratch import ControlPlane

CONTENT = Path(__file__).parents[2] / "src" / "transom" / "content" / "kubernetes"
RBAC = "rbac.authorization.k8s.io/v1"
KINDS = {
    "clusterroles": "ClusterRole",
    "roles": "Role",
    "clusterrolebindings": "ClusterRoleBinding",
    "rolebindings": "RoleBinding",
}
KEPT = ("rules", "aggregationRule", "roleRef", "subjects")


def policy(api: Api) -> Iterator[dict[str, Any]]:
    """Yield the objects of the bootstrap policy, without what differs from server to server."""
    for plural, kind in KINDS.items():
        for each in api.request("GET", f"/apis/{RBAC}/{plural}").body["items"]:
            metadata = {
                key: each["metadata"][key] for key in ("name", "namespace", "labels") if key in each["metadata"]
            }
            if metadata["labels"].get("kubernetes.io/bootstrapping") == "rbac-defaults":
                body = {key: each[key] for key in KEPT if each.get(key)}
                yield {"apiVersion": RBAC, "kind": kind, "metadata": metadata, **body}


def resources(api: Api) -> Iterator[dict[str, Any]]:
    """Yield every resource and subresource, each in the preferred version of its group that has it."""
    seen = set()
    for group, path in _versions(api):
        for each in api.request("GET", path).body["resources"]:
            if (group, each["name"]) in seen:
                continue
            seen.add((group, each["name"]))
            yield {
                "group": group,
                "name": each["name"],
                "kind": each["kind"],
                "namespaced": each["namespaced"],
                "singular": each["singularName"],
                "short": each.get("shortNames", []),
                "verbs": each["verbs"],
            }


def _versions(api: Api) -> Iterator[tuple[str, str]]:
    yield "", "/api/v1"
    for group in api.request("GET", "/apis").body["groups"]:
        preferred = group["preferredVersion"]["groupVersion"]
        others = [each["groupVersion"] for each in group["versions"] if each["groupVersion"] != preferred]
        for version in (preferred, *others):
            yield group["name"], f"/apis/{version}"


def main() -> int:
    """Write the content."""
    folder = CONTENT / ".".join(KUBERNETES.split(".")[:2])
    folder.mkdir(parents=True, exist_ok=True)
    with ControlPlane(binaries()) as plane:
        api = Api(plane)
        for name, rows in (("rbac", policy(api)), ("resources", resources(api))):
            lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
            (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n")
        api.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
