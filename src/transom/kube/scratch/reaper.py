"""What cleans up after a scratch cluster, however its owner ends: a process of its own, which waits for that end.

Started as a program with nothing but the standard library. It reads its standard input, a pipe that the owner holds
open and nobody else; at its end it removes what the kernel does not remove with the processes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PREFIX = "tnode-"
"""How the names of everything begin that is ours to remove; the owner's process id and a number follow."""

PATIENCE_S = 20.0  # a killed process with much memory takes a second or two to be gone
POLL_S = 0.05
INTERFACES = Path("/sys/class/net")
KERNEL = Path("/proc/sys")
TUNED = (
    *("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"),
    *("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"),
)
"""What a kubelet sets for the whole machine when it starts."""


def free_name() -> str:
    """Return a name for a node's bridge and control groups; it fits the 15 characters of a network interface."""
    mine = f"{PREFIX}{os.getpid()}-"
    taken = {path.name for path in _traces()}
    return next(name for number in range(1000) if (name := f"{mine}{number}") not in taken)


def start_reaper(folder: Path | None, owned: str = "") -> subprocess.Popen[bytes]:
    """Start the process; end it with end_reaper. folder: what to remove; owned: the name of a node's traces, if any."""
    command = [sys.executable, "-I", "-S", __file__, str(folder or ""), owned]
    return subprocess.Popen(  # noqa: S603 - this very file
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def end_reaper(reaper: subprocess.Popen[bytes]) -> None:
    """Let it clean up now; returns when that is done."""
    if reaper.stdin is not None:
        reaper.stdin.close()
    reaper.wait(2 * PATIENCE_S)


def sweep() -> None:
    """Remove what was left by owners that are gone, as where the machine's memory ran out and took the reaper too."""
    for name in {path.name for path in _traces()}:
        owner = name.split("-")[1]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            remove_traces(name)


def remove_traces(name: str) -> None:
    """Remove the control groups and the bridge of a node, and wait for the processes in them to end."""
    roots = control_groups(name)
    end = time.monotonic() + PATIENCE_S
    while any(map(_remove_group, roots)) and time.monotonic() < end:
        time.sleep(POLL_S)
    if (INTERFACES / name).exists():
        subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)  # noqa: S603, S607


def control_groups(name: str) -> list[Path]:
    """Return the folders of a control group: one for each hierarchy of version 1, or the one of version 2."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / name]
    return [each / name for each in sorted(CGROUPS.glob("*")) if (each / "cgroup.procs").exists()]


def _traces() -> Iterator[Path]:
    yield from CGROUPS.glob(f"{PREFIX}*")
    yield from CGROUPS.glob(f"*/{PREFIX}*")
    yield from INTERFACES.glob(f"{PREFIX}*")


def _remove_group(root: Path) -> bool:
    """Remove a group and those below it; tell whether any is still there."""
    for folder, _, _ in os.walk(root, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    return root.exists()


def _tunables() -> dict[Path, str]:
    found = {}
    for name in TUNED:
        with contextlib.suppress(OSError):
            found[KERNEL / name] = (KERNEL / name).read_text()
    return found


def _remove_folder(folder: Path) -> None:
    """Remove a folder in which processes that are being killed may still write."""
    end = time.monotonic() + PATIENCE_S
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(POLL_S)


def main(arguments: Sequence[str]) -> None:
    """Wait for the owner's end, then clean up. arguments: the folder and the name, either may be empty."""
    folder, owned = arguments
    before = _tunables() if owned else {}
    sys.stdin.buffer.read()
    if owned:
        remove_traces(owned)
    for path, value in before.items():
        with contextlib.suppress(OSError):
            if path.read_text() != value:
                path.write_text(value)
    if folder:
        _remove_folder(Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
