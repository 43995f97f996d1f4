"""How a container gets out to its node: what it is allowed that the node's own root has."""

from __future__ import annotations

from collections.abc import Iterator

from transom.kube.pods import ContainerView, PodView, Volume, capability_names

WHOLE = (
    "/",
    "/etc",
    "/root",
    "/home",
    "/var",
    "/var/run",
    "/run",
    "/var/lib",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/boot",
)
TREES = (
    "/proc",
    "/sys",
    "/dev",
    "/etc/kubernetes",
    "/etc/cron.d",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/var/lib/docker",
)
SOCKETS = ("docker.sock", "containerd.sock", "crio.sock", "dockershim.sock", "podman.sock")
RUNTIMES = ("/run/containerd", "/var/run/containerd", "/run/crio", "/var/run/crio", "/run/k3s", "/var/lib/containerd")
CAPABILITIES = {
    "SYS_ADMIN": "escape-sys-admin",
    "SYS_MODULE": "escape-sys-module",
    "DAC_READ_SEARCH": "escape-dac-read-search",
    "ALL": "escape-privileged",
}


def escapes(pod: PodView) -> Iterator[str]:
    """Yield the primitives by which somebody in one of a pod's containers gets to the node; the surest first."""
    if pod.own_users or pod.windows:
        yield from ("escape-host-path" for volume in pod.volumes if _opens_the_node(pod, volume))
        return
    found = [each for container in pod.containers for each in _of_container(container, pod)]
    found += ["escape-host-path" for volume in pod.volumes if _opens_the_node(pod, volume)]
    yield from dict.fromkeys(found)


def _of_container(container: ContainerView, pod: PodView) -> Iterator[str]:
    security = container.security
    if security.privileged:
        yield "escape-privileged"
    if security.host_process:
        yield "escape-host-process"
    added = capability_names(security.add)
    yield from (primitive for name, primitive in CAPABILITIES.items() if name in added)
    if "SYS_PTRACE" in added and pod.host_pid:
        yield "escape-sys-ptrace"


def _opens_the_node(pod: PodView, volume: Volume) -> bool:
    """Tell whether a hostPath holds what gives the node away, written to or, of a socket, spoken with."""
    path = volume.fields.get("path")
    if volume.source != "hostPath" or not isinstance(path, str):
        return False
    plain = "/" + path.strip("/")
    mounts = [mount for container in pod.containers for mount in container.mounts if mount.name == volume.name]
    if plain.endswith(SOCKETS) or plain in RUNTIMES or plain in ("/run", "/var/run", "/"):
        return bool(mounts)  # read-only mounts keep no socket from being spoken with
    is_telling = plain in WHOLE or any(plain == tree or plain.startswith(f"{tree}/") for tree in TREES)
    return is_telling and any(not mount.read_only for mount in mounts)
