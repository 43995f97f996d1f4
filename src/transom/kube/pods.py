"""PodView: one typed view of the pods that any of the nine kinds with a pod template makes.

Tolerant where the API server is strict: what has a wrong type is left out of the view and told in `problems`, so that
one bad field hides no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from transom.kube.kinds import template_path
from transom.model.images import ImageError, ImageRef, parse_image
from transom.model.places import Path

Role = Literal["init", "sidecar", "app", "ephemeral"]
LISTS: tuple[tuple[str, Role], ...] = (
    ("initContainers", "init"),
    ("containers", "app"),
    ("ephemeralContainers", "ephemeral"),
)
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


class Problem(Struct, frozen=True):
    """A part of a pod that has a wrong type."""

    path: Path
    reason: str


class Profile(Struct, frozen=True):
    """A seccomp or AppArmor profile."""

    type: str
    localhost: str = ""


class SecurityContext(Struct, frozen=True):
    """What holds for one container: its own settings over the pod's; None where neither says anything.

    add and drop are as written; capability_names normalises them.
    """

    privileged: bool | None = None
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool | None = None
    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    proc_mount: str | None = None
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    seccomp: Profile | None = None
    apparmor: Profile | None = None
    selinux: dict[str, str] | None = None
    host_process: bool | None = None


class Volume(Struct, frozen=True):
    """A volume; source: the kind of its source, "emptyDir" where it has none, as the API server fills in."""

    name: str
    source: str
    fields: dict[str, Any]
    path: Path


class Mount(Struct, frozen=True):
    """A mount, joined to its volume; None where the pod has no such volume."""

    name: str
    mount_path: str
    read_only: bool
    sub_path: str
    propagation: str
    volume: Volume | None
    path: Path


class ContainerView(Struct, frozen=True):
    """A container. image: None where it is not written, or is no reference; fields: the raw container."""

    name: str
    role: Role
    path: Path
    image: ImageRef | None
    image_text: str
    security: SecurityContext
    mounts: tuple[Mount, ...]
    fields: dict[str, Any]


class PodView(Struct, frozen=True):
    """The pods that an object makes. path: where their template stands in the object; all other paths start there too."""

    path: Path
    labels: dict[str, str]
    annotations: dict[str, str]
    containers: tuple[ContainerView, ...]
    volumes: tuple[Volume, ...]
    service_account: str
    automount_token: bool | None
    host_network: bool
    host_pid: bool
    host_ipc: bool
    own_users: bool
    windows: bool
    runtime_class: str
    spec: dict[str, Any]
    problems: tuple[Problem, ...]


def pod_view(value: dict[str, Any], group: str, kind: str) -> PodView | None:
    """Return the view of an object's pods; None for kinds that make none."""
    prefix = template_path(group, kind)
    if prefix is None:
        return None
    reader = _Reader()
    template = value
    for depth, step in enumerate(prefix):
        template = reader.map(template, prefix[:depth], str(step))
    return _view(template, prefix, reader)


def _view(template: dict[str, Any], prefix: Path, reader: _Reader) -> PodView:
    metadata = reader.map(template, prefix, "metadata")
    spec, path = reader.map(template, prefix, "spec"), (*prefix, "spec")
    annotations = reader.texts(metadata, (*prefix, "metadata"), "annotations")
    volumes = tuple(_volumes(spec, path, reader))
    own = reader.map(spec, path, "securityContext")
    pods = _security(own, (*path, "securityContext"), reader)
    containers = tuple(_containers(spec, path, pods, volumes, annotations, reader))
    return PodView(
        path=prefix,
        labels=reader.texts(metadata, (*prefix, "metadata"), "labels"),
        annotations=annotations,
        containers=containers,
        volumes=volumes,
        service_account=reader.text(spec, path, "serviceAccountName")
        or reader.text(spec, path, "serviceAccount")
        or "default",
        automount_token=reader.flag(spec, path, "automountServiceAccountToken"),
        host_network=bool(reader.flag(spec, path, "hostNetwork")),
        host_pid=bool(reader.flag(spec, path, "hostPID")),
        host_ipc=bool(reader.flag(spec, path, "hostIPC")),
        own_users=reader.flag(spec, path, "hostUsers") is False,
        windows=reader.text(reader.map(spec, path, "os"), (*path, "os"), "name") == "windows",
        runtime_class=reader.text(spec, path, "runtimeClassName") or "",
        spec=spec,
        problems=tuple(reader.problems),
    )


def _containers(
    spec: dict[str, Any],
    path: Path,
    pods: SecurityContext,
    volumes: tuple[Volume, ...],
    annotations: dict[str, str],
    reader: _Reader,
) -> Iterator[ContainerView]:
    by_name = {volume.name: volume for volume in volumes}
    for field, role in LISTS:
        for index, container in reader.maps(spec, path, field):
            here = (*path, field, index)
            name = reader.text(container, here, "name") or ""
            own = _security(reader.map(container, here, "securityContext"), (*here, "securityContext"), reader)
            image_text = reader.text(container, here, "image") or ""
            always = role == "init" and reader.text(container, here, "restartPolicy") == "Always"
            yield ContainerView(
                name=name,
                role="sidecar" if always else role,
                path=here,
                image=_image(image_text, here, reader),
                image_text=image_text,
                security=effective(pods, own, annotations.get(APPARMOR_ANNOTATION + name)),
                mounts=tuple(_mounts(container, here, by_name, reader)),
                fields=container,
            )


def effective(pods: SecurityContext, own: SecurityContext, apparmor_annotation: str | None = None) -> SecurityContext:
    """Return what holds for a container: its own setting where there is one, false included, else the pod's."""
    named = _annotated(apparmor_annotation)
    return SecurityContext(
        privileged=own.privileged,
        allow_privilege_escalation=own.allow_privilege_escalation,
        read_only_root_filesystem=own.read_only_root_filesystem,
        proc_mount=own.proc_mount,
        add=own.add,
        drop=own.drop,
        run_as_non_root=own.run_as_non_root if own.run_as_non_root is not None else pods.run_as_non_root,
        run_as_user=own.run_as_user if own.run_as_user is not None else pods.run_as_user,
        run_as_group=own.run_as_group if own.run_as_group is not None else pods.run_as_group,
        seccomp=own.seccomp or pods.seccomp,
        apparmor=own.apparmor or named or pods.apparmor,
        selinux=own.selinux if own.selinux is not None else pods.selinux,
        host_process=own.host_process if own.host_process is not None else pods.host_process,
    )


def _annotated(text: str | None) -> Profile | None:
    """Return the AppArmor profile that the annotation used before 1.30 names."""
    if not text:
        return None
    if text.startswith("localhost/"):
        return Profile("Localhost", text.removeprefix("localhost/"))
    return Profile("RuntimeDefault" if text == "runtime/default" else "Unconfined")


def capability_names(names: tuple[str, ...]) -> frozenset[str]:
    """Return capabilities as runtimes read them: upper case, without CAP_."""
    return frozenset(name.upper().removeprefix("CAP_") for name in names)


def _security(fields: dict[str, Any], path: Path, reader: _Reader) -> SecurityContext:
    capabilities, here = reader.map(fields, path, "capabilities"), (*path, "capabilities")
    windows = reader.map(fields, path, "windowsOptions")
    selinux = reader.texts(fields, path, "seLinuxOptions") if fields.get("seLinuxOptions") is not None else None
    return SecurityContext(
        privileged=reader.flag(fields, path, "privileged"),
        allow_privilege_escalation=reader.flag(fields, path, "allowPrivilegeEscalation"),
        read_only_root_filesystem=reader.flag(fields, path, "readOnlyRootFilesystem"),
        run_as_non_root=reader.flag(fields, path, "runAsNonRoot"),
        run_as_user=reader.number(fields, path, "runAsUser"),
        run_as_group=reader.number(fields, path, "runAsGroup"),
        proc_mount=reader.text(fields, path, "procMount"),
        add=reader.words(capabilities, here, "add"),
        drop=reader.words(capabilities, here, "drop"),
        seccomp=_profile(fields, path, "seccompProfile", reader),
        apparmor=_profile(fields, path, "appArmorProfile", reader),
        selinux=selinux,
        host_process=reader.flag(windows, (*path, "windowsOptions"), "hostProcess"),
    )


def _profile(fields: dict[str, Any], path: Path, field: str, reader: _Reader) -> Profile | None:
    profile, here = reader.map(fields, path, field), (*path, field)
    kind = reader.text(profile, here, "type")
    return Profile(kind, reader.text(profile, here, "localhostProfile") or "") if kind else None


def _image(text: str, path: Path, reader: _Reader) -> ImageRef | None:
    try:
        return parse_image(text) if text else None
    except ImageError as error:
        reader.problems.append(Problem((*path, "image"), str(error)))
        return None


def _volumes(spec: dict[str, Any], path: Path, reader: _Reader) -> Iterator[Volume]:
    for index, volume in reader.maps(spec, path, "volumes"):
        here = (*path, "volumes", index)
        source = next((key for key, value in volume.items() if key != "name" and value is not None), "emptyDir")
        fields = reader.map(volume, here, source)
        yield Volume(reader.text(volume, here, "name") or "", source, fields, here)


def _mounts(container: dict[str, Any], path: Path, volumes: dict[str, Volume], reader: _Reader) -> Iterator[Mount]:
    for index, mount in reader.maps(container, path, "volumeMounts"):
        here = (*path, "volumeMounts", index)
        name = reader.text(mount, here, "name") or ""
        yield Mount(
            name=name,
            mount_path=reader.text(mount, here, "mountPath") or "",
            read_only=bool(reader.flag(mount, here, "readOnly")),
            sub_path=reader.text(mount, here, "subPath") or "",
            propagation=reader.text(mount, here, "mountPropagation") or "None",
            volume=volumes.get(name),
            path=here,
        )


class _Reader:
    """Reads fields of the types that they should have, and notes those that have another."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def _typed(self, parent: dict[str, Any], path: Path, field: str, kind: Any, what: str) -> Any:
        found = parent.get(field)
        if found is None or (isinstance(found, kind) and (kind is not int or not isinstance(found, bool))):
            return found
        self.problems.append(Problem((*path, field), f"is no {what}"))
        return None

    def map(self, parent: dict[str, Any], path: Path, field: str) -> dict[str, Any]:
        found: dict[str, Any] = self._typed(parent, path, field, dict, "map") or {}
        return found

    def text(self, parent: dict[str, Any], path: Path, field: str) -> str | None:
        found: str | None = self._typed(parent, path, field, str, "text")
        return found

    def flag(self, parent: dict[str, Any], path: Path, field: str) -> bool | None:
        found: bool | None = self._typed(parent, path, field, bool, "bool")
        return found

    def number(self, parent: dict[str, Any], path: Path, field: str) -> int | None:
        found: int | None = self._typed(parent, path, field, int, "integer")
        return found

    def maps(self, parent: dict[str, Any], path: Path, field: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for index, each in enumerate(self._typed(parent, path, field, list, "list") or []):
            if isinstance(each, dict):
                yield index, each
            else:
                self.problems.append(Problem((*path, field, index), "is no map"))

    def words(self, parent: dict[str, Any], path: Path, field: str) -> tuple[str, ...]:
        found = self._typed(parent, path, field, list, "list") or []
        return tuple(each for each in found if isinstance(each, str))

    def texts(self, parent: dict[str, Any], path: Path, field: str) -> dict[str, str]:
        return {key: value for key, value in self.map(parent, path, field).items() if isinstance(value, str)}
