"""The program that tests run as their Kubernetes: found, or built once from this folder's Go module."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from transom.kube.scratch import Binaries, find_binaries, multi_call

HERE = Path(__file__).parent
SOURCES = ("go.mod", "go.sum", "main.go")
KUBERNETES = "v1.36.3"
BUILD_S = 60 * 60  # six minutes on two quiet cores, much more on a busy machine without caches
STAMP = "k8s.io/component-base/version"


class NoClusterError(Exception):
    """There is no Kubernetes to test against; the message says why."""


def binaries() -> Binaries:
    """Return the parts of a Kubernetes: named by the environment, else cached, else built; raises NoClusterError."""
    return find_binaries() or multi_call(str(built()))


def binaries_or_skip() -> Binaries:
    """Return the parts of a Kubernetes; skips the test where there are none."""
    import pytest

    try:
        return binaries()
    except NoClusterError as reason:
        pytest.skip(str(reason))


def cached() -> Path:
    """Return where the program of these sources is kept, whether or not it is there."""
    digest = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in SOURCES)).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "transom-tests" / f"kubernetes-{digest}"


def built() -> Path:
    """Return the program, built if it has to be; only one process builds at a time."""
    program = cached()
    if program.exists():
        return program
    go = shutil.which("go")
    if go is None:
        raise NoClusterError(
            "there is no Kubernetes in TRANSOM_CLUSTER_BIN, KUBEBUILDER_ASSETS or PATH, and no Go to build one"
        )
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(go, program)
    return program


def _build(go: str, program: Path) -> None:
    sys.stderr.write(f"building Kubernetes {KUBERNETES} for the tests: this takes minutes, once\n")
    sys.stderr.flush()
    major, minor = KUBERNETES.removeprefix("v").split(".")[:2]
    stamps = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor}
    link = " ".join(["-s", "-w", *(f"-X {STAMP}.{name}={value}" for name, value in stamps.items())])
    half_made = program.with_suffix(f".{os.getpid()}")
    command = [go, "build", "-trimpath", "-ldflags", link, "-o", str(half_made), "."]
    environment = {**os.environ, "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
    try:
        done = subprocess.run(
            command, cwd=HERE, env=environment, capture_output=True, text=True, timeout=BUILD_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoClusterError(f"Kubernetes was not built within {BUILD_S // 60} minutes") from None
    if done.returncode:
        half_made.unlink(missing_ok=True)
        raise NoClusterError(f"Kubernetes could not be built: {done.stderr.strip().splitlines()[-1:] or 'no message'}")
    half_made.rename(program)


if __name__ == "__main__":
    try:
        print(built())
    except NoClusterError as reason:
        sys.exit(str(reason))
