"""The images that tests run pods from: a pause of our own, and Debian's busybox under any name."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from transom.kube.scratch.images import archive, write_archive
from transom.kube.scratch.node_files import SANDBOX_IMAGE

BUSYBOX = "scratch.local/busybox:1"
APPLETS = ("sh", "cat", "echo", "sleep", "wget", "httpd", "nc", "ls", "id", "ps", "ip", "mount", "hostname", "env")
SOURCE = Path(__file__).with_name("pause.c")


def missing() -> str:
    """Return why no images can be made, "" where they can."""
    programs = [program for program in ("gcc", "busybox") if shutil.which(program) is None]
    if programs:
        return f"there is no {', '.join(programs)} to make images of"
    return "" if _is_static(_busybox()) else "busybox is not the static one (Debian: busybox-static)"


def images(folder: Path, names: Sequence[str] = (BUSYBOX,)) -> list[Path]:
    """Write the archives and return their paths; names: what busybox is called, which sleeps unless told otherwise."""
    return [
        write_archive(folder / "pause.tar", archive((SANDBOX_IMAGE,), {"pause": _pause(folder)}, ("/pause",))),
        write_archive(folder / "busybox.tar", _busybox_image(names)),
    ]


def _busybox() -> Path:
    return Path(shutil.which("busybox") or "")


def _busybox_image(names: Sequence[str]) -> bytes:
    links = {f"bin/{applet}": "busybox" for applet in APPLETS}
    return archive(names, {"bin/busybox": _busybox().read_bytes(), **links}, ("/bin/sleep", "2147483"))


def _is_static(program: Path) -> bool:
    """Tell whether a program needs no loader: its ELF header names none."""
    return b"/ld-linux" not in program.read_bytes()[:4096]


def _pause(folder: Path) -> bytes:
    program = folder / "pause"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-static", "-Os", "-s", "-o", str(program), str(SOURCE)], check=True)
    return program.read_bytes()
