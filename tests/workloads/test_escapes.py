"""Which pods give their node away."""

from __future__ import annotations

from typing import Any

import pytest

from transom.kube.pods import pod_view
from transom.workloads.escapes import escapes


def of(container: dict[str, Any] | None = None, **spec: Any) -> list[str]:
    containers = [{"name": "a", "image": "example.com/a", **(container or {})}]
    view = pod_view({"spec": {"containers": containers, **spec}}, "", "Pod")
    assert view is not None
    return list(escapes(view))


def host_path(path: str, read_only: bool = False) -> list[str]:
    mount = {"name": "h", "mountPath": "/h", "readOnly": read_only}
    return of({"volumeMounts": [mount]}, volumes=[{"name": "h", "hostPath": {"path": path}}])


def test_a_plain_pod_stays_in() -> None:
    assert of() == []


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ({"privileged": True}, ["escape-privileged"]),
        ({"capabilities": {"add": ["CAP_SYS_ADMIN"]}}, ["escape-sys-admin"]),
        ({"capabilities": {"add": ["sys_module"]}}, ["escape-sys-module"]),
        ({"capabilities": {"add": ["NET_ADMIN"]}}, []),
        ({"capabilities": {"add": ["SYS_PTRACE"]}}, []),
    ],
)
def test_security_context(security: dict[str, Any], expected: list[str]) -> None:
    assert of({"securityContext": security}) == expected


def test_tracing_needs_the_nodes_processes() -> None:
    assert of({"securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}, hostPID=True) == ["escape-sys-ptrace"]


@pytest.mark.parametrize(
    ("path", "read_only", "expected"),
    [
        ("/", True, True),
        ("/etc", False, True),
        ("/etc", True, False),
        ("/var/run/docker.sock", True, True),
        ("/run/containerd", True, True),
        ("/var/lib/kubelet/pods", False, True),
        ("/srv/data", False, False),
        ("/etc/ssl/certs", False, False),
    ],
)
def test_host_paths(path: str, read_only: bool, expected: bool) -> None:
    assert bool(host_path(path, read_only)) is expected


def test_a_volume_that_no_container_mounts_is_no_way_out() -> None:
    assert of(volumes=[{"name": "h", "hostPath": {"path": "/"}}]) == []


def test_users_of_ones_own_keep_privileges_in() -> None:
    assert of({"securityContext": {"privileged": True}}, hostUsers=False) == []
