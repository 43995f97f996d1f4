"""What a container changed since it was made: programs, packages, what starts by itself, and how much else.

The upper layer of its overlay holds all of it. A file that is there only because its time or owner was touched is no change
where its content is that of the layer below.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from errno import ELOOP, ENOTDIR
from typing import BinaryIO

from msgspec import Struct

from transom.images.inspection import Inspection
from transom.images.layers.folders import entries_below, is_opaque, opened
from transom.images.layers.record import Unread
from transom.images.layers.tar import OPAQUE, TAKEN_AWAY, Content, Entry
from transom.model.packages import Package

ADDED, CHANGED, REMOVED = "added", "changed", "removed"
MAX_COMPARED_BYTES = 4 * 1024**3  # of all files that are held beside their former content
EXECUTABLE, SETUID_SETGID = 0o111, 0o6000
HANDLE = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC  # opens nothing, follows nothing
HEAD_BYTES = 4
CHUNK = 1024 * 1024
MAGICS = (b"\x7fELF", b"#!")
_STARTS = re.compile(
    r"(?:etc/(?:ld\.so\.preload|ld\.so\.conf(?:\.d/.+)?|passwd|shadow|group|sudoers(?:\.d/.+)?|crontab|cron\.[^/]+/.+|anacrontab"
    r"|profile|profile\.d/.+|bash\.bashrc|environment|inittab|rc\.local|init\.d/.+|pam\.d/.+|ssh/sshd_config(?:\.d/.+)?"
    r"|systemd/(?:system|user)/.+|xinetd\.d/.+)|(?:usr/)?lib/systemd/system/.+|var/spool/cron/.+"
    r"|(?:root|home/[^/]+)/(?:\.ssh/(?:authorized_keys2?|config|rc)|\.(?:bash_?profile|bashrc|profile|zshrc)))\Z"
)
"""Files that say who may enter, and what runs by itself: what whoever breaks in changes to stay."""


class Change(Struct, frozen=True, order=True):
    """A file that is not what the image has. rights: it gained setuid or setgid."""

    path: str
    how: str
    rights: bool = False


class PackageChange(Struct, frozen=True, order=True):
    """A package that is not what the image has. before, now: versions, "" where there is none."""

    kind: str
    name: str
    before: str
    now: str


class Drift(Struct, frozen=True):
    """What a container changed. files: how many of any kind; unread: what could not be compared, and why."""

    programs: tuple[Change, ...]
    starts: tuple[Change, ...]
    packages: tuple[PackageChange, ...]
    files: int
    unread: tuple[Unread, ...] = ()


def drift_of(lower: Sequence[str], upper: str, before: Inspection, now: Inspection) -> Drift:
    """Return what the upper layer changes. lower: folders, the lowest first; before, now: without it and with it."""
    unread: list[Unread] = []
    comparing = _Comparing(lower)
    programs, starts, files = [], [], 0
    for entry, content in entries_below(upper, unread, overlay=True):
        if entry.kind in ("dir", OPAQUE):
            continue
        files += 1
        try:
            change, is_program = comparing.change(entry, content)
        except (ValueError, OSError) as error:
            unread.append(Unread(entry.path, f"it cannot be compared: {error}"))
            continue
        if change is not None and is_program and change.how != REMOVED:
            programs.append(change)
        if change is not None and _STARTS.match(entry.path):
            starts.append(change)
    packages = tuple(sorted(_packages(before.packages, now.packages)))
    return Drift(tuple(sorted(programs)), tuple(sorted(starts)), packages, files, tuple(unread))


class _Comparing:
    def __init__(self, lower: Sequence[str]) -> None:
        self._lower = lower
        self._left = MAX_COMPARED_BYTES

    def change(self, entry: Entry, content: Content) -> tuple[Change | None, bool]:
        """Return how an entry differs from what lies below, None where it does not, and whether it is a program."""
        below = find_below(self._lower, entry.path)
        if entry.kind == TAKEN_AWAY:
            return (Change(entry.path, REMOVED) if below else None), False
        if entry.kind == "symlink" and below and _leads(*below, entry.path) == entry.link:
            return None, False
        if entry.kind != "file":
            return Change(entry.path, CHANGED if below else ADDED), False
        head = content.content(HEAD_BYTES)
        is_program = head.startswith(MAGICS)  # whatever its mode: ld.so and shells run it without the right to
        rights = bool(entry.mode & SETUID_SETGID)
        if below is None:
            return Change(entry.path, ADDED, rights), is_program
        folder, status = below
        gained = rights and not status.st_mode & SETUID_SETGID
        runs_now = bool(entry.mode & EXECUTABLE) and not status.st_mode & EXECUTABLE
        if gained or runs_now or self._differs(entry, head, content, folder, status):
            return Change(entry.path, CHANGED, gained), is_program
        return None, is_program

    def _differs(self, entry: Entry, head: bytes, content: Content, folder: str, status: os.stat_result) -> bool:
        if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size_bytes:
            return True
        self._left -= entry.size_bytes
        if self._left < 0:
            raise ValueError(f"more than {MAX_COMPARED_BYTES // 2**30} GiB would have to be read")
        with os.fdopen(opened(folder, entry.path), "rb") as former:
            return not _same(head, content, former)


def _same(head: bytes, content: Content, former: BinaryIO) -> bool:
    piece = head
    while piece:
        if former.read(len(piece)) != piece:
            return False
        piece = content.content(CHUNK)
    return True


def _leads(folder: str, status: os.stat_result, path: str) -> str:
    """Return where a link leads, "" for what is none."""
    if not stat.S_ISLNK(status.st_mode):
        return ""
    number = opened(folder, path, HANDLE)
    try:
        return os.readlink("", dir_fd=number)
    finally:
        os.close(number)


def find_below(lower: Sequence[str], path: str) -> tuple[str, os.stat_result] | None:
    """Return the folder that shows a path, and what is there, of layers over each other, the lowest first."""
    for folder in reversed(lower):
        status, ends = _look(folder, path)
        if status is not None:
            return folder, status
        if ends:
            return None
    return None


def _look(folder: str, path: str) -> tuple[os.stat_result | None, bool]:
    """Return what a layer has at a path, None for nothing, and whether it hides what is below."""
    ends = False
    steps = path.split("/")
    for count in range(1, len(steps) + 1):
        try:
            number = opened(folder, "/".join(steps[:count]), HANDLE)
        except FileNotFoundError:
            return None, ends
        except OSError as error:
            if error.errno in (ENOTDIR, ELOOP):
                return None, True
            raise
        try:
            status = os.fstat(number)
            if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
                return None, True
            ends = ends or (stat.S_ISDIR(status.st_mode) and is_opaque(number))
        finally:
            os.close(number)
    return status, ends


def _packages(before: Iterable[Package], now: Iterable[Package]) -> Iterator[PackageChange]:
    """Yield the packages whose versions differ, each kind and name once."""
    former, present = _versions(before), _versions(now)
    for kind, name in former.keys() | present.keys():
        gone, come = former.get((kind, name), set()), present.get((kind, name), set())
        if gone != come:
            yield PackageChange(kind, name, ", ".join(sorted(gone - come)), ", ".join(sorted(come - gone)))


def _versions(packages: Iterable[Package]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for each in packages:
        name = f"{each.namespace}/{each.name}" if each.namespace and not each.distro else each.name
        found.setdefault((each.kind, name), set()).add(each.version)
    return found
