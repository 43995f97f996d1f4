"""A root file system in a folder, as entries like those of a layer. No link is followed, nothing special is opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from transom.images.layers.record import Unread
from transom.images.layers.tar import MAX_ENTRIES, Content, Entry

KERNEL = frozenset(("proc", "sys", "dev"))
"""Folders at the top that are the kernel's, not the system's."""
_KINDS = {
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}


class _File:
    """The content of a file below a folder, opened when it is asked for."""

    def __init__(self, path: str, size_bytes: int) -> None:
        self._path = path
        self._left = size_bytes  # what it had when it was looked at: one that grows is not followed
        self._at = 0

    def content(self, limit: int = -1) -> bytes:
        """Return the content, or so much of it; asked again, what follows. Raises ValueError where it cannot be read."""
        try:
            number = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(number, "rb") as stream:  # noqa: PTH123 - a descriptor
                stream.seek(self._at)
                found = stream.read(self._left if limit < 0 else min(limit, self._left))
        except OSError as error:
            raise ValueError(error.strerror or str(error)) from error
        self._at += len(found)
        self._left -= len(found)
        return found


def entries_below(root: str, unread: list[Unread]) -> Iterator[tuple[Entry, Content]]:
    """Yield the entries below a folder, in a stable order; what could not be listed is added to unread."""
    waiting = [""]
    count = 0
    while waiting:
        folder = waiting.pop()
        below = []
        for name, found in _listed(root, folder, unread):
            path = f"{folder}/{name}" if folder else name
            count += 1
            if count > MAX_ENTRIES:
                unread.append(Unread("", f"it has more than {MAX_ENTRIES:,} entries"))
                return
            if stat.S_ISDIR(found.st_mode) and not (folder == "" and name in KERNEL):
                below.append(path)
            yield _entry(root, path, found)
        waiting += reversed(below)


def _listed(root: str, folder: str, unread: list[Unread]) -> list[tuple[str, os.stat_result]]:
    found = []
    try:
        with os.scandir(os.path.join(root, folder)) as listing:  # noqa: PTH118
            for each in listing:
                try:
                    found.append((each.name, each.stat(follow_symlinks=False)))
                except OSError as error:
                    unread.append(Unread(f"{folder}/{each.name}", error.strerror or str(error)))
    except OSError as error:
        unread.append(Unread(folder or "/", f"it cannot be listed: {error.strerror or error}"))
    return sorted(found)


def _entry(root: str, path: str, found: os.stat_result) -> tuple[Entry, Content]:
    whole = os.path.join(root, path)  # noqa: PTH118
    kind = _KINDS.get(stat.S_IFMT(found.st_mode), "file" if stat.S_ISREG(found.st_mode) else "fifo")
    link, xattrs = "", None
    try:
        if kind == "symlink":
            link = os.readlink(whole)  # noqa: PTH115
        elif kind == "file" and found.st_mode & 0o111:
            capability = os.getxattr(whole, "security.capability", follow_symlinks=False)
            xattrs = {"security.capability": capability}
    except OSError:
        pass  # gone since, or no such attribute, which is the rule
    size = found.st_size if kind == "file" else 0
    mode = stat.S_IMODE(found.st_mode)
    return Entry(path, kind, size, mode, found.st_uid, found.st_gid, link, xattrs), _File(whole, size)
