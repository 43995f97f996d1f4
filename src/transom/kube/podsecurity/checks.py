"""The checks of Pod Security: each yields the places in a pod that it forbids.

Followed: the Pod Security Standards and pod-security-admission's policy package, whose ids and reasons are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from transom.kube.podsecurity.fields import Pod, bool_at, int_at, map_at, maps_at, text_at, texts_at
from transom.model.places import Path


class Place(Struct, frozen=True):
    """A forbidden place: what is wrong there, and the container it is in, "" for the pod itself."""

    path: Path
    what: str
    container: str = ""


Checker = Callable[[Pod], Iterator[Place]]

SECURITY: Path = ("spec", "securityContext")
CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
SELINUX_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t"))
SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
    ]
)
SYSCTLS_1_27 = SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
SYSCTLS_1_29 = SYSCTLS_1_27 | {
    f"net.ipv4.tcp_{name}" for name in ("keepalive_time", "fin_timeout", "keepalive_intvl", "keepalive_probes")
}
SYSCTLS_1_32 = SYSCTLS_1_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]
)
RESTRICTED_VOLUMES = (
    *("hostPath", "gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd"),
    *("flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte", "azureDisk"),
    *("photonPersistentDisk", "portworxVolume", "scaleIO", "storageos"),
)
"""Every other source that a volume may have; one without any source becomes an emptyDir."""
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP_POD_ANNOTATION = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_ANNOTATION = "container.seccomp.security.alpha.kubernetes.io/"
PROFILES = frozenset(("RuntimeDefault", "Localhost"))


def unless_windows(check: Checker) -> Checker:
    """Return a check that lets pods for Windows pass: they cannot have what it asks for."""
    return lambda pod: iter(()) if pod.windows else check(pod)


def unless_own_users(check: Checker) -> Checker:
    """Return a check that lets pods in a user namespace pass."""
    return lambda pod: iter(()) if pod.own_users else check(pod)


# baseline


def privileged(pod: Pod) -> Iterator[Place]:
    """Privileged containers."""
    for container in pod.containers:
        path = (*container.path, "securityContext")
        if bool_at(container.security, path, "privileged"):
            yield Place((*path, "privileged"), "must not set privileged to true", container.name)


def host_namespaces(pod: Pod) -> Iterator[Place]:
    """Namespaces shared with the host."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if bool_at(pod.spec, ("spec",), field):
            yield Place(("spec", field), f"must not set {field} to true")


def host_path_volumes(pod: Pod) -> Iterator[Place]:
    """Volumes of the host's file system."""
    for index, volume in enumerate(maps_at(pod.spec, ("spec",), "volumes")):
        if volume.get("hostPath") is not None:
            yield Place(
                ("spec", "volumes", index, "hostPath"), f"volume {volume.get('name', '')!r} must not be a hostPath"
            )


def host_ports(pod: Pod) -> Iterator[Place]:
    """Ports of the host."""
    for container in pod.containers:
        for index, port in enumerate(maps_at(container.fields, container.path, "ports")):
            path = (*container.path, "ports", index)
            if int_at(port, path, "hostPort"):
                yield Place((*path, "hostPort"), f"must not use hostPort {port['hostPort']}", container.name)


def probe_hosts(pod: Pod) -> Iterator[Place]:
    """Hosts in probes and lifecycle hooks, which make the kubelet send requests anywhere."""
    for container in pod.containers:
        hooks = map_at(container.fields, container.path, "lifecycle")
        parents: list[tuple[Any, Path, tuple[str, ...]]] = [
            (container.fields, container.path, ("livenessProbe", "readinessProbe", "startupProbe"))
        ]
        parents.append((hooks, (*container.path, "lifecycle"), ("postStart", "preStop")))
        for parent, path, fields in parents:
            for field in fields:
                handler = map_at(parent, path, field)
                for action in ("httpGet", "tcpSocket"):
                    here = (*path, field, action)
                    host = text_at(map_at(handler, (*path, field), action), here, "host")
                    if host:
                        yield Place((*here, "host"), f"must not set host {host!r} in {field}", container.name)


def capabilities(pod: Pod) -> Iterator[Place]:
    """Capabilities beyond those that runtimes give anyway."""
    yield from _added(pod, CAPABILITIES)


def _added(pod: Pod, allowed: frozenset[str]) -> Iterator[Place]:
    for container in pod.containers:
        path = (*container.path, "securityContext")
        found = map_at(container.security, path, "capabilities")
        for index, name in enumerate(texts_at(found, (*path, "capabilities"), "add")):
            if name not in allowed:
                yield Place((*path, "capabilities", "add", index), f"must not add capability {name}", container.name)


def proc_mount(pod: Pod) -> Iterator[Place]:
    """A /proc without its masks."""
    for container in pod.containers:
        path = (*container.path, "securityContext")
        found = text_at(container.security, path, "procMount")
        if found is not None and found != "Default":
            yield Place((*path, "procMount"), f"must not set procMount to {found}", container.name)


def windows_host_process(pod: Pod) -> Iterator[Place]:
    """Windows containers that are processes of the host."""
    for security, path, name in _contexts(pod):
        options = map_at(security, path, "windowsOptions")
        if bool_at(options, (*path, "windowsOptions"), "hostProcess"):
            yield Place((*path, "windowsOptions", "hostProcess"), "must not set hostProcess to true", name)


def _contexts(pod: Pod) -> Iterator[tuple[Any, Path, str]]:
    """Yield each security context, the pod's first, with its path and container."""
    yield pod.security, SECURITY, ""
    for container in pod.containers:
        yield container.security, (*container.path, "securityContext"), container.name


def apparmor(pod: Pod) -> Iterator[Place]:
    """AppArmor profiles switched off, by field or by annotation."""
    for security, path, name in _contexts(pod):
        profile = security.get("appArmorProfile")
        found = text_at(map_at(security, path, "appArmorProfile"), (*path, "appArmorProfile"), "type")
        if profile is not None and found not in PROFILES:
            yield Place(
                (*path, "appArmorProfile", "type"), f"must not set appArmorProfile to {found or 'nothing'}", name
            )
    for key, value in pod.annotations.items():
        if key.startswith(APPARMOR_ANNOTATION) and not _profile_annotation(value):
            name = key.removeprefix(APPARMOR_ANNOTATION)
            yield Place(("metadata", "annotations", key), f"must not set the AppArmor profile {value}", name)


def _profile_annotation(value: object) -> bool:
    return value in ("", "runtime/default") or (isinstance(value, str) and value.startswith("localhost/"))


def selinux(allowed: frozenset[str]) -> Checker:
    """Return the check of SELinux options that knows these types."""

    def check(pod: Pod) -> Iterator[Place]:
        for security, path, name in _contexts(pod):
            options, here = map_at(security, path, "seLinuxOptions"), (*path, "seLinuxOptions")
            kind = text_at(options, here, "type") or ""
            if kind not in allowed:
                yield Place((*here, "type"), f"must not set the SELinux type {kind}", name)
            for field in ("user", "role"):
                if text_at(options, here, field):
                    yield Place((*here, field), f"must not set the SELinux {field}", name)

    return check


def seccomp_annotations(pod: Pod) -> Iterator[Place]:
    """Seccomp switched off by annotation, as before the field existed."""
    keys = [(SECCOMP_POD_ANNOTATION, "")]
    keys += [(SECCOMP_ANNOTATION + container.name, container.name) for container in pod.containers]
    for key, name in keys:
        value = pod.annotations.get(key)
        known = value in ("runtime/default", "docker/default")
        if value is not None and not known and not str(value).startswith("localhost/"):
            yield Place(("metadata", "annotations", key), f"must not set the seccomp profile {value}", name)


def seccomp(pod: Pod) -> Iterator[Place]:
    """Seccomp switched off."""
    for security, path, name in _contexts(pod):
        if security.get("seccompProfile") is None:
            continue
        found = text_at(map_at(security, path, "seccompProfile"), (*path, "seccompProfile"), "type")
        if found not in PROFILES:
            yield Place((*path, "seccompProfile", "type"), f"must not set seccompProfile to {found or 'nothing'}", name)


def sysctls(allowed: frozenset[str]) -> Checker:
    """Return the check of sysctls that knows these safe ones."""

    def check(pod: Pod) -> Iterator[Place]:
        for index, sysctl in enumerate(maps_at(pod.security, SECURITY, "sysctls")):
            path = (*SECURITY, "sysctls", index)
            name = text_at(sysctl, path, "name") or ""
            if name not in allowed:
                yield Place((*path, "name"), f"must not set sysctl {name}")

    return check


# restricted


def restricted_capabilities(pod: Pod) -> Iterator[Place]:
    """Capabilities that are not dropped, or added but for one."""
    for container in pod.containers:
        path = (*container.path, "securityContext")
        found = map_at(container.security, path, "capabilities")
        if "ALL" not in texts_at(found, (*path, "capabilities"), "drop"):
            yield Place((*path, "capabilities", "drop"), "must drop capability ALL", container.name)
    yield from _added(pod, frozenset(("NET_BIND_SERVICE",)))


def privilege_escalation(pod: Pod) -> Iterator[Place]:
    """Processes that may gain privileges."""
    for container in pod.containers:
        path = (*container.path, "securityContext")
        if bool_at(container.security, path, "allowPrivilegeEscalation") is not False:
            yield Place(
                (*path, "allowPrivilegeEscalation"), "must set allowPrivilegeEscalation to false", container.name
            )


def restricted_volumes(pod: Pod) -> Iterator[Place]:
    """Volumes of other types than the harmless ones."""
    for index, volume in enumerate(maps_at(pod.spec, ("spec",), "volumes")):
        kinds = [kind for kind in RESTRICTED_VOLUMES if volume.get(kind) is not None]
        if kinds and not any(volume.get(kind) is not None for kind in VOLUMES):
            what = f"volume {volume.get('name', '')!r} must not be of type {kinds[0]}"
            yield Place(("spec", "volumes", index, kinds[0]), what)


def run_as_non_root(pod: Pod) -> Iterator[Place]:
    """Containers that may run as root."""
    pods = bool_at(pod.security, SECURITY, "runAsNonRoot")
    if pods is False:
        yield Place((*SECURITY, "runAsNonRoot"), "must not set runAsNonRoot to false")
    for container in pod.containers:
        path = (*container.path, "securityContext", "runAsNonRoot")
        own = bool_at(container.security, path[:-1], "runAsNonRoot")
        if own is False:
            yield Place(path, "must not set runAsNonRoot to false", container.name)
        elif own is None and not pods:
            yield Place(path, "must set runAsNonRoot to true, here or for the pod", container.name)


def run_as_user(pod: Pod) -> Iterator[Place]:
    """Containers that run as root by number."""
    for security, path, name in _contexts(pod):
        if int_at(security, path, "runAsUser") == 0:
            yield Place((*path, "runAsUser"), "must not set runAsUser to 0", name)


def restricted_seccomp(pod: Pod) -> Iterator[Place]:
    """Seccomp switched off, or not switched on."""
    yield from seccomp(pod)
    for_all = text_at(map_at(pod.security, SECURITY, "seccompProfile"), (*SECURITY, "seccompProfile"), "type")
    if for_all in PROFILES:
        return
    for container in pod.containers:
        if container.security.get("seccompProfile") is None:
            path = (*container.path, "securityContext", "seccompProfile")
            yield Place(
                path, "must set seccompProfile to RuntimeDefault or Localhost, here or for the pod", container.name
            )
