"""The root file system of a process, as the kernel tells it: which folders lie over each other (proc(5), mountinfo)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from msgspec import Struct

from transom.model.errors import TransomError

MAX_MOUNTS_BYTES = 16 * 1024 * 1024  # 100,000 mounts, the kernel's own limit for one namespace
_OCTAL = re.compile(r"\\([0-7]{3})")
_FOLDER = re.compile(r"(?:\\.|[^:])+", re.DOTALL)


class Root(Struct, frozen=True):
    """What is mounted at the root. lower: folders below, the lowest first; upper: what is written to, "" for none."""

    kind: str
    lower: tuple[str, ...] = ()
    upper: str = ""


def root_of_process(pid: int) -> Root:
    """Return how the root of a process is mounted; raises TransomError."""
    try:
        with open(f"/proc/{pid}/mountinfo", "rb") as stream:  # noqa: PTH123
            text = stream.read(MAX_MOUNTS_BYTES).decode("utf-8", "surrogateescape")
    except OSError as error:
        why = error.strerror or str(error)
        raise TransomError(
            f"cannot read the mounts of process {pid}", why, "run as root, beside the container"
        ) from error
    return parse_mounts(text)


def parse_mounts(text: str) -> Root:
    """Return what is mounted at the root, the last of several, of the lines of a mountinfo."""
    found = Root("")
    for line in text.split("\n"):
        fields, separator, rest = line.partition(" - ")
        told = rest.split(" ")
        if separator and len(told) >= 3 and fields.split(" ")[4:5] == ["/"]:
            found = _overlay(told[2]) if told[0] == "overlay" else Root(told[0])
    return found


def _overlay(options: str) -> Root:
    lower: list[str] = []
    upper = ""
    for option in options.split(","):
        key, _, value = option.partition("=")
        if key == "lowerdir":
            lower = [_path(each) for each in _FOLDER.findall(_plain(value))]
        elif key == "lowerdir+":  # one for each, as kernels of 6.8 and later take them
            lower.append(_path(_plain(value)))
        elif key == "upperdir":
            upper = _path(_plain(value))
    return Root("overlay", tuple(reversed(list(_whole(lower, upper)))), upper)


def _whole(lower: list[str], upper: str) -> Iterator[str]:
    """Yield whole paths: runtimes with many layers name them from the folder that holds all of them (…/ID/fs)."""
    for each in lower:
        yield each if each.startswith("/") else os.path.join(os.path.dirname(os.path.dirname(upper)), each)  # noqa: PTH118, PTH120


def _plain(value: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), value)


def _path(value: str) -> str:
    """Return a path as it is: whoever mounts writes a backslash before colons, commas and backslashes."""
    return re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
