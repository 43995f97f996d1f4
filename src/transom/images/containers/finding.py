"""A container by id, name or process, found in what runtimes leave on the node: nobody is asked, nothing is started.

Followed: state of containerd's shims (v2), of runc and crun, containerd's metadata, containers/storage, Docker's folders; the
annotations of the CRI plug-in, the labels of the kubelet and of nerdctl.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from transom.model.errors import TransomError
from transom.registry.containerd import METADATA, ROOTS, kept_containers
from transom.registry.storage import IMAGES, stored_containers
from transom.registry.storage import ROOTS as STORES

STATES = (
    "/run/containerd",
    "/run/k3s/containerd",
    "/run/k0s/containerd",
    "/var/snap/microk8s/common/run/containerd",
    "/run/docker/containerd/daemon",
)
"""Where containerd keeps what runs."""
TASKS = "io.containerd.runtime.v2.task"
RUNTIMES = ("/run/runc", "/run/containerd/runc/*", "/run/docker/runtime-runc/*", "/run/crun")
"""Where runc and crun keep a folder for each container."""
DOCKER = "/var/lib/docker/containers"
NAMES = (
    ("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name", "io.kubernetes.cri.container-name"),
    ("io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.container.name"),
)
"""Annotations and labels that name a container of a pod: namespace, pod, container."""
OWN_NAMES = ("nerdctl/name", "io.podman.annotations.container.name")
IMAGE_NAMES = ("io.kubernetes.cri.image-name", "nerdctl/image-name", "io.kubernetes.cri-o.ImageName")
PID = "pid:"
SHORTEST_ID_CHARS = 4  # that may stand for all of an id
MAX_STATE_BYTES = 4 * 1024 * 1024  # a spec with hundreds of mounts has some 100 kB
MAX_CONTAINERS = 10_000  # of one node; Kubernetes allows 110 pods
MAX_TOLD = 20  # names in an error
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")


class Container(Struct, frozen=True):
    """A container. pid: of its first process, 0 where none runs; names: what people call it; image: what it was made of.

    layers: of its root file system as containerd knows them, the lowest first; () where nobody told.
    """

    id: str
    pid: int = 0
    names: tuple[str, ...] = ()
    image: str = ""
    namespace: str = ""
    layers: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What a person would call it."""
        return max(self.names, key=len, default=self.id)


def find_container(wanted: str, root: str = "", state: str = "") -> Container:
    """Return the one container that is meant; raises TransomError.

    wanted: an id, the start of one, a name, POD/NAME, NAMESPACE/POD/NAME, or pid:N; root, state: containerd's folders,
    "" for where they usually are.
    """
    if wanted.startswith(PID):
        return _of_process(wanted.removeprefix(PID), root, state)
    found = containers(root, state)
    fitting = [each for each in found if wanted == each.id or wanted in each.names]
    if not fitting and len(wanted) >= SHORTEST_ID_CHARS:
        fitting = [each for each in found if each.id.startswith(wanted)]
    running = [each for each in fitting if each.pid]
    if len(running or fitting) == 1:
        return (running or fitting)[0]
    there = ", ".join(sorted(each.shown for each in fitting or found)[:MAX_TOLD])
    if fitting:
        raise TransomError(
            f"several containers are called {wanted}", there, "name one by its id, or NAMESPACE/POD/NAME"
        )
    why = f"there are {there}" if there else "no runtime of this machine tells of any"
    raise TransomError(f"there is no container {wanted}", why, "name it by its id, or its process: container:pid:N")


def containers(root: str = "", state: str = "") -> list[Container]:
    """Return every container that runtimes of this machine tell of, each once; what cannot be read is passed by."""
    found: dict[str, Container] = {}
    told = (
        *_tasks((state,) if state else STATES),
        *_kept((root,) if root else ROOTS),
        *_stored(),
        *_runtimes(),
        *_docker(),
    )
    for each in told[:MAX_CONTAINERS]:
        before = found.get(each.id)
        found[each.id] = _joined(before, each) if before else each
    return [each for _, each in sorted(found.items())]


def _joined(one: Container, other: Container) -> Container:
    return Container(
        one.id,
        one.pid or other.pid,
        tuple(dict.fromkeys((*one.names, *other.names))),
        one.image or other.image,
        one.namespace or other.namespace,
        one.layers or other.layers,
    )


def _of_process(text: str, root: str, state: str) -> Container:
    """Return the container of a process; one that no runtime tells of is known by the process alone."""
    if not text.isdecimal() or not _runs(int(text[:9])):
        raise TransomError(
            f"there is no process {text[:20]}", "", "name one that runs on this machine, in this pid namespace"
        )
    pid = int(text[:9])
    known = containers(root, state)
    with suppress(OSError):
        groups = Path(f"/proc/{pid}/cgroup").read_text()
        known = [each for each in known if each.pid == pid or (len(each.id) >= 12 and each.id in groups)]
        if known:
            return replace(min(known, key=lambda each: each.pid != pid), pid=pid)
    return Container(f"{PID}{pid}", pid)


def _tasks(states: Iterable[str]) -> Iterator[Container]:
    """Yield what containerd's shims run."""
    for folder in (each for state in states for each in glob(os.path.join(state, TASKS, "*", "*"))):  # noqa: PTH118, PTH207
        spec = _json(os.path.join(folder, "config.json"))  # noqa: PTH118
        told = _texts(spec.get("annotations"))
        namespace, name = folder.split("/")[-2:]
        pid = _pid(_start(os.path.join(folder, "init.pid")), name)  # noqa: PTH118
        yield Container(name, pid, _names(told), _image(told), namespace)


def _kept(roots: Iterable[str]) -> Iterator[Container]:
    """Yield what containerd knows of, running or not."""
    for root in roots:
        if not os.path.exists(os.path.join(root, METADATA)):  # noqa: PTH110, PTH118
            continue
        with suppress(TransomError):
            for each in kept_containers(root):
                yield Container(each.id, 0, _names(each.labels), each.image, each.namespace, each.layers)


def _stored() -> Iterator[Container]:
    """Yield what CRI-O and podman keep, running or not."""
    for pattern in STORES:
        root = pattern.format(home=os.path.expanduser("~"))  # noqa: PTH111
        if os.path.exists(os.path.join(root, IMAGES)):  # noqa: PTH110, PTH118
            with suppress(TransomError):
                for each in stored_containers(root):
                    names = tuple(name for own in each.names for name in (own, *_of_cri_o(own)))
                    yield Container(each.id, 0, names, each.image, "", each.layers)


def _of_cri_o(name: str) -> tuple[str, ...]:
    """Return what a container of CRI-O is called, `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`, as others call theirs."""
    parts = name.split("_")
    if len(parts) != 6 or parts[0] != "k8s":
        return ()
    _, own, pod, namespace, *_rest = parts
    return own, f"{pod}/{own}", f"{namespace}/{pod}/{own}"


def _runtimes() -> Iterator[Container]:
    """Yield what runc and crun know of."""
    for folder in (each for pattern in RUNTIMES for each in glob(f"{pattern}/*")):  # noqa: PTH207
        name = os.path.basename(folder)  # noqa: PTH119
        state = _json(f"{folder}/state.json") or _json(f"{folder}/status")
        pid = state.get("init_process_pid") or state.get("pid")
        config = state.get("config")
        labels = config.get("labels") if isinstance(config, dict) else ()
        told = dict(each.split("=", 1) for each in labels or () if isinstance(each, str) and "=" in each)
        if state and _ID.match(name):
            yield Container(name, _pid(str(pid), name), _names(told), _image(told))


def _docker() -> Iterator[Container]:
    """Yield what Docker knows of; which of them run, runc tells."""
    for file in glob(f"{DOCKER}/*/config.v2.json"):  # noqa: PTH207
        told = _json(file)
        config = told.get("Config")
        image = config.get("Image") if isinstance(config, dict) else ""
        name = str(told.get("Name") or "").lstrip("/")
        yield Container(file.split("/")[-2], 0, (name,) if name else (), str(image or ""), "moby")


def _names(told: Mapping[str, str]) -> tuple[str, ...]:
    """Return what labels or annotations call a container, the shortest first."""
    found = [told[key] for key in OWN_NAMES if told.get(key)]
    for keys in NAMES:
        namespace, pod, name = (told.get(key, "") for key in keys)
        if pod and name:
            found += [name, f"{pod}/{name}", f"{namespace}/{pod}/{name}"]
    return tuple(dict.fromkeys(found))


def _image(told: Mapping[str, str]) -> str:
    return next((told[key] for key in IMAGE_NAMES if told.get(key)), "")


def _texts(value: Any) -> dict[str, str]:
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}


def _pid(text: str, name: str) -> int:
    """Return the number of a process that runs, and is of a container of this id, else 0."""
    text = text.strip()
    pid = int(text) if text.isdecimal() and len(text) < 10 else 0
    return pid if _runs(pid) and is_of(pid, name) else 0


def is_of(pid: int, name: str) -> bool:
    """Tell whether a process is of a container, by its control groups, which every runtime names by the container's id.

    The number that a runtime noted may be of another pid namespace, or have gone to another process since.
    """
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False
    paths = {line.rpartition(":")[2] for line in groups.splitlines()}
    return name in groups or paths <= {"/"}  # nothing but the root where another namespace hides them


def _runs(pid: int) -> bool:
    return pid > 0 and os.path.exists(f"/proc/{pid}/ns")  # noqa: PTH110


def _json(path: str) -> dict[str, Any]:
    """Return a map of a file, an empty one for what is none."""
    try:
        found = msgspec.json.decode(_start(path))
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _start(path: str) -> str:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            return stream.read(MAX_STATE_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
