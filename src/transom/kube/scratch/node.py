"""A node of a scratch cluster on this machine: containerd, a kubelet and a bridge, for pods that really run.

Everything of it lives in a process and a mount namespace whose first process the kernel kills with this one: shims,
containers, mounts and network namespaces end with it. Bridge, control groups and files are the reaper's.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from transom.kube.scratch.binaries import KUBELET, Binaries
from transom.kube.scratch.control_plane import ControlPlane
from transom.kube.scratch.node_files import (
    HIDDEN,
    containerd_config,
    first_process,
    kubelet_config,
    network_config,
)
from transom.kube.scratch.processes import Process, Started, free_ports
from transom.kube.scratch.reaper import control_groups, end_reaper, free_name, start_reaper, sweep
from transom.model.errors import TransomError
from transom.model.images import ImageRef

PROGRAMS = ("containerd", "containerd-shim-runc-v2", "ctr", "runc", "unshare", "nsenter", "ip")
PLUGINS = ("bridge", "host-local", "loopback")
PLUGIN_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")
PACKAGES = "containerd, runc, containernetworking-plugins, iproute2 and util-linux"
READY_S = 60.0  # 3 on a quiet machine
POLL_S = 0.2
CONTAINERD = "containerd"
_SPACE = "namespaces"


def obstacle(binaries: Binaries) -> str:
    """Return why no node can run on this machine, "" where one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a node needs Linux and root"
    if not binaries.has(KUBELET):
        return "there is no kubelet"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"there is no {', '.join(missing)}"
    if _plugin_folder() is None:
        return f"there are no network plug-ins ({', '.join(PLUGINS)}) in {', '.join(PLUGIN_FOLDERS)}"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "true"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return f"no namespaces can be made: {tried.stderr.strip()}" if tried.returncode else ""


def _plugin_folder() -> str | None:
    return next((folder for folder in PLUGIN_FOLDERS if all(Path(folder, plugin).exists() for plugin in PLUGINS)), None)


class Node(Started):
    """A running node of a control plane that has controllers and a scheduler; use it in a `with` statement.

    images: archives to run pods from, one of which holds node_files.SANDBOX_IMAGE.
    """

    def __init__(self, plane: ControlPlane, images: Sequence[Path], name: str = "scratch-node") -> None:
        self.plane = plane
        self.images = images
        self.name = name
        self.folder = plane.folder / name
        self.traces = ""
        self.address = ""
        self.port = 0
        self.processes: dict[str, Process] = {}
        self._reaper: subprocess.Popen[bytes] | None = None

    # life

    def start(self) -> None:
        """Start every part and return when the node is Ready; raises TransomError where it does not become so."""
        reason = obstacle(self.plane.binaries) or _hidden(self.folder)
        if reason:
            raise TransomError("cannot start a node", reason, f"install {PACKAGES}")
        sweep()
        self.traces = free_name()
        self._reaper = start_reaper(self.folder, self.traces)
        self._make_control_groups()
        subnet = self._make_bridge()
        self._write_files(subnet)
        self._make_namespaces()
        self.run(CONTAINERD)
        for image in self.images:
            self.load_image(image)
        self.run(KUBELET)

    def stop(self) -> None:
        """End everything that runs here, and remove all traces of it; returns when that is done."""
        for part in reversed(list(self.processes)):
            self.processes.pop(part).kill()
        if self._reaper is not None:
            end_reaper(self._reaper)
            self._reaper = None

    def kill(self, part: str) -> None:
        """Kill containerd or the kubelet with no time to say goodbye; the containers go on."""
        self.processes.pop(part).kill()

    def run(self, part: str) -> None:
        """Start containerd or the kubelet, also again after it was killed; returns when it does its work."""
        if part == CONTAINERD:
            self._run(part, "containerd", "--config", f"{self.folder}/containerd.toml")
            self._wait_for(part, self._containerd_answers)
        else:
            self._run(part, *self.plane.binaries.commands[part], *self._kubelet_flags())
            self._wait_for("the node", self._is_ready)

    def load_image(self, archive: Path) -> None:
        """Put the images of an archive into the node's store."""
        done = self._ctr("--namespace", "k8s.io", "images", "import", str(archive))
        if done.returncode:
            raise TransomError(f"cannot load {archive}", done.stderr.strip(), "pass an archive that docker load reads")

    def name_image(self, image: str, names: Iterable[ImageRef]) -> None:
        """Let an image of the store stand in for others, also for those that are named with a digest."""
        for name in names:
            stored = f"{name.name}@{name.digest}" if name.digest else f"{name.name}:{name.tag or 'latest'}"
            self._ctr("--namespace", "k8s.io", "images", "tag", "--force", image, stored)

    # parts

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*self._inside(), "ctr", "--address", f"{self.folder}/containerd.sock", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603

    def _inside(self) -> tuple[str, ...]:
        """Return the beginning of a command that runs in the node's namespaces."""
        spaces = f"/proc/{self.processes[_SPACE].pid}/ns"
        return ("nsenter", f"--mount={spaces}/mnt", f"--pid={spaces}/pid_for_children", "--wd=/", "--")

    def _run(self, part: str, *command: str) -> None:
        self.processes[part] = Process(part, (*self._inside(), *command), self.folder / "logs" / f"{part}.log")

    def _make_namespaces(self) -> None:
        ready = self.folder / "namespaces-ready"
        unshare = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        command = (*unshare, "sh", "-c", first_process(ready))
        self.processes[_SPACE] = Process(_SPACE, command, self.folder / "logs" / "namespaces.log")
        self._wait_for("the namespaces", ready.exists)

    def _kubelet_flags(self) -> list[str]:
        flags = {
            "config": "kubelet.json",
            "kubeconfig": str(self.plane.kubeconfig(f"system:node:{self.name}", ("system:nodes",))),
            "root-dir": "kubelet",
            "cert-dir": "kubelet-certificates",
        }
        paths = [f"--{flag}={self.folder / value}" for flag, value in flags.items()]
        return [*paths, f"--hostname-override={self.name}", f"--node-ip={self.address}"]

    def _write_files(self, subnet: str) -> None:
        folder = self.folder
        for name in ("logs", "network", "manifests", "volume-plugins"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.port = free_ports(1)[0]
        kubelet = kubelet_config(folder, self.plane.folder / "ca.crt", self.address, self.port, self.traces)
        (folder / "containerd.toml").write_text(containerd_config(folder, _plugin_folder() or ""))
        (folder / "network" / "scratch.conflist").write_text(json.dumps(network_config(folder, self.traces, subnet)))
        (folder / "kubelet.json").write_text(json.dumps(kubelet))
        (folder / "resolv.conf").write_text("")

    def _make_control_groups(self) -> None:
        for group in control_groups(self.traces):
            with contextlib.suppress(OSError):  # a hierarchy that takes none of ours is one that the kubelet leaves too
                group.mkdir()
                for name in ("cpuset.cpus", "cpuset.mems"):  # version 1 starts them empty, and takes no process then
                    if (group / name).exists():
                        (group / name).write_text((group.parent / name).read_text())

    def _make_bridge(self) -> str:
        """Make the bridge, with the node's own address; return the pods' subnet."""
        prefix = _free_prefix()
        self.address = f"{prefix}.1"
        for command in (
            ("link", "add", self.traces, "type", "bridge"),
            ("address", "add", f"{self.address}/24", "dev", self.traces),
            ("link", "set", self.traces, "up"),
        ):
            _ip(*command)
        return f"{prefix}.0/24"

    # readiness

    def _containerd_answers(self) -> bool:
        return self._ctr("version").returncode == 0

    def _is_ready(self) -> bool:
        """Tell whether the kubelet listens, and has said that its node is ready."""
        try:
            socket.create_connection((self.address, self.port), timeout=1).close()
        except OSError:
            return False
        status, node = self.plane.get(f"/api/v1/nodes/{self.name}")
        if status != 200:
            return False
        return any(
            each["type"] == "Ready" and each["status"] == "True" for each in node["status"].get("conditions", ())
        )

    def _wait_for(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + READY_S
        while not holds():
            ended = next((each for each in self.processes.values() if not each.running), None)
            if ended is not None:
                raise TransomError(
                    f"{ended.name} ended while starting", ended.last_words(), "see whether root may do it"
                )
            if time.monotonic() > end:
                words = list(self.processes.values())[-1].last_words()
                raise TransomError(f"{what} was not ready within {READY_S:.0f} s", words, "try it on a quieter machine")
            time.sleep(POLL_S)


def _hidden(folder: Path) -> str:
    """Return why a node cannot live in a folder, "" where it can: it hides some folders from its parts."""
    within = [path for path in HIDDEN if folder.resolve().is_relative_to(path)]
    return f"its folder is below {within[0]}, which a node has to itself" if within else ""


def _free_prefix() -> str:
    """Return the first three numbers of a private network that no route of this machine leads to."""
    routes = _ip("-4", "route", "show", "table", "all")
    start = os.getpid()
    found = (f"10.{200 + (start + number) % 50}.{(start // 50) % 250}" for number in range(50))
    return next((each for each in found if f"{each}." not in routes), "10.250.250")


def _ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise TransomError(f"ip {' '.join(arguments)} failed", done.stderr.strip(), "a node needs CAP_NET_ADMIN")
    return done.stdout
