"""A containerd of one's own, with containers that really run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from transom.kube.scratch.images import archive
from transom.kube.scratch.processes import Process

NAMESPACE = "k8s.io"
STATUS = b"Package: base-files\nStatus: install ok installed\nVersion: 12.4\nArchitecture: amd64\n\n"
RELEASE = b'ID=debian\nVERSION_ID="12"\n'


class Containerd:
    """A running containerd. root, state: its folders."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.state = folder, folder / "root", folder / "state"
        (folder / "config.toml").write_text(
            f'version = 2\nroot = "{self.root}"\nstate = "{self.state}"\n'
            'disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{folder}/c.sock"\n'
        )
        self.process = Process("containerd", ["containerd", "-c", str(folder / "config.toml")], folder / "log")
        self.running: list[str] = []

    def wait(self) -> None:
        for _ in range(100):
            if subprocess.run(self.words("version"), capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError(f"containerd does not come up: {(self.folder / 'log').read_text()[-500:]}")

    def words(self, *words: str) -> list[str]:
        return ["ctr", "--address", f"{self.folder}/c.sock", "--namespace", NAMESPACE, *words]

    def ctr(self, *words: str) -> str:
        done = subprocess.run(self.words(*words), capture_output=True, text=True, check=False, timeout=60)
        assert not done.returncode, done.stderr
        return done.stdout

    def load(self, name: str, files: dict[str, bytes | str]) -> None:
        path = self.folder / "image.tar"
        path.write_bytes(archive([name], files, ["/bin/sleep", "1000"]))
        self.ctr("images", "import", str(path))

    def run(self, image: str, name: str) -> None:
        """Run a container, or skip where none can."""
        done = subprocess.run(self.words("run", "--detach", image, name), capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no container runs here: {done.stderr.strip()[-200:]}")
        self.running.append(name)

    def within(self, name: str, script: str) -> None:
        self.ctr("tasks", "exec", "--exec-id", f"e{time.monotonic_ns()}", name, "/bin/sh", "-c", script)

    def stop(self) -> None:
        for name in self.running:
            for words in (("tasks", "kill", "-s", "9", name), ("tasks", "rm", "-f", name), ("containers", "rm", name)):
                subprocess.run(self.words(*words), capture_output=True, check=False, timeout=30)
                time.sleep(0.1)
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def containerd() -> Iterator[Containerd]:
    missing = [each for each in ("containerd", "ctr", "runc") if not shutil.which(each)]
    if missing:
        pytest.skip(f"there is no {', '.join(missing)} here: apt-get install containerd")
    if os.geteuid():
        pytest.skip("containerd needs root")
    made = Containerd(Path(tempfile.mkdtemp(prefix="containerd-")))  # short: a socket's path has 108 bytes
    try:
        made.wait()
        yield made
    finally:
        made.stop()


def system() -> dict[str, bytes | str]:
    """Return the files of an image that runs, and tells of a package."""
    busybox = shutil.which("busybox")
    if not busybox:
        pytest.skip("there is no busybox here: apt-get install busybox-static")
    links: dict[str, bytes | str] = {f"bin/{name}": "busybox" for name in ("sh", "sleep", "cp", "rm", "mkdir", "chmod")}
    return {
        "bin/busybox": Path(busybox).read_bytes(),
        **links,
        "etc/os-release": RELEASE,
        "etc/passwd": b"root:x:0:0:root:/:/bin/sh\n",
        "etc/gone": b"x",
        "var/lib/dpkg/status": STATUS,
        "usr/share/old/a": b"x",
        "tmp/keep": b"",
    }
