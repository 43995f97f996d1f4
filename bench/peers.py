"""The peer that is measured beside us, in an environment of its own under build/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "bench" / "requirements.lock"
FOLDER = ROOT / "build" / "bench-venv"


def checkov() -> Path | None:
    """Return the peer's command, installing it first; None where it cannot be installed, told on stderr."""
    command = FOLDER / "bin" / "checkov"
    stamp = FOLDER / ".installed"
    if command.exists() and stamp.exists() and stamp.read_bytes() == LOCK.read_bytes():
        return command
    print("installing the peer (checkov) once …", file=sys.stderr)
    try:
        subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
        pip = [FOLDER / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", LOCK]
        subprocess.run(pip, check=True)
    except subprocess.CalledProcessError as error:
        print(f"the peer cannot be installed: {error}", file=sys.stderr)
        return None
    stamp.write_bytes(LOCK.read_bytes())
    return command
