"""What of a scratch cluster may still be on this machine: processes, mounts, control groups, interfaces."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def parts_running_in(folder: Path) -> list[str]:
    """Return the command lines of processes that name a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found


def traces_of(folder: Path, name: str) -> list[str]:
    """Return everything that a node left; name: of its bridge and control groups."""
    found = parts_running_in(folder)
    found += [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(folder) in line]
    found += map(str, Path("/sys/fs/cgroup").glob(f"{name}*"))
    found += map(str, Path("/sys/fs/cgroup").glob(f"*/{name}*"))
    found += map(str, Path("/sys/class/net").glob(f"{name}*"))
    return found + ([str(folder)] if folder.exists() else [])


def wait_until(holds: Callable[[], bool], patience_s: float = 30.0) -> bool:
    """Return whether something comes to hold in time."""
    end = time.monotonic() + patience_s
    while not holds() and time.monotonic() < end:
        time.sleep(0.1)
    return holds()
