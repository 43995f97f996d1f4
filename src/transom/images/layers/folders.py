"""A root file system in a folder, or a layer as an overlay has it unpacked, as entries like those of a tar.

No link is followed, on no step of a path: a folder may be of a container that runs, and changes while it is read. Nothing
special is opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress

from transom.images.layers.record import Unread
from transom.images.layers.tar import MAX_ENTRIES, OPAQUE, TAKEN_AWAY, Content, Entry

KERNEL = frozenset(("proc", "sys", "dev"))
"""Folders at the top that are the kernel's, not the system's."""
OVERLAY = ("trusted.overlay.", "user.overlay.", "user.fuseoverlayfs.")
"""Where overlayfs keeps what it knows of an entry; the second is for whoever mounts without being root, the third FUSE's."""
_STEP = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_KINDS = {
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}


class _File:
    """The content of a file below a folder, opened when it is asked for."""

    def __init__(self, root: str, path: str, size_bytes: int) -> None:
        self._root = root
        self._path = path
        self._left = size_bytes  # what it had when it was looked at: one that grows is not followed
        self._at = 0

    def content(self, limit: int = -1) -> bytes:
        """Return the content, or so much of it; asked again, what follows. Raises ValueError where it cannot be read."""
        try:
            with open(opened(self._root, self._path, _OPEN), "rb") as stream:
                stream.seek(self._at)
                found = stream.read(self._left if limit < 0 else min(limit, self._left))
        except OSError as error:
            raise ValueError(error.strerror or str(error)) from error
        self._at += len(found)
        self._left -= len(found)
        return found


def opened(root: str, path: str, flags: int = _OPEN) -> int:
    """Return a descriptor of what lies below a root, reached step by step without any link; raises OSError."""
    number = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if not path:
        return number
    *folders, name = path.split("/")
    for step in folders:
        number = _deeper(number, step, _STEP)
    return _deeper(number, name, flags)


def entries_below(
    root: str, unread: list[Unread], overlay: bool = False, one_device: bool = False
) -> Iterator[tuple[Entry, Content]]:
    """Yield the entries below a folder, in a stable order; what could not be listed is added to unread.

    overlay: whether it is a layer of an overlay, whose marks of what it takes away are entries of these kinds; one_device: whether
    what is mounted into it is left out.
    """
    waiting = [""]
    device = _device(root) if one_device else None
    count = 0
    while waiting:
        folder = waiting.pop()
        below = []
        for entry in _listed(root, folder, unread, overlay, device):
            count += 1
            if count > MAX_ENTRIES:
                unread.append(Unread("", f"it has more than {MAX_ENTRIES:,} entries"))
                return
            if entry.kind == "dir" and not (folder == "" and entry.path in KERNEL):
                below.append(entry.path)
            yield entry, _File(root, entry.path, entry.size_bytes)
        waiting += reversed(below)


def _listed(root: str, folder: str, unread: list[Unread], overlay: bool, device: int | None) -> list[Entry]:
    """Return the entries right below a folder, none where it lies on another device than it should."""
    found: list[Entry] = []
    try:
        number = opened(root, folder, _STEP)
    except OSError as error:
        unread.append(Unread(folder or "/", f"it cannot be listed: {error.strerror or error}"))
        return []
    try:
        if device is not None and os.fstat(number).st_dev != device:
            return []
        if overlay:
            found += _opaque(number, folder)
        with os.scandir(number) as listing:
            names = sorted(each.name for each in listing)
        for name in names:
            path = f"{folder}/{name}" if folder else name
            try:
                found.append(_entry(number, name, path, overlay, unread))
            except OSError as error:
                unread.append(Unread(path, error.strerror or str(error)))
    except OSError as error:
        unread.append(Unread(folder or "/", f"it cannot be listed: {error.strerror or error}"))
    finally:
        os.close(number)
    return found


def _device(root: str) -> int | None:
    with suppress(OSError):
        return os.stat(root).st_dev  # noqa: PTH116 - a link of the kernel, which leads to a root
    return None


def _entry(folder: int, name: str, path: str, overlay: bool, unread: list[Unread]) -> Entry:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    kind = _KINDS.get(stat.S_IFMT(status.st_mode), "file" if stat.S_ISREG(status.st_mode) else "fifo")
    if overlay and kind == "char" and status.st_rdev == 0:
        return Entry(path, TAKEN_AWAY, 0, 0, 0, 0)
    link, xattrs = "", None
    if kind == "symlink":
        link = os.readlink(name, dir_fd=folder)
    elif kind == "file" and status.st_mode & 0o111:
        xattrs = _capability(folder, name)
    if overlay and kind in ("file", "dir"):
        unread += [Unread(path, reason) for reason in _elsewhere(folder, name, kind)]
    size = status.st_size if kind == "file" else 0
    mode = stat.S_IMODE(status.st_mode)
    return Entry(path, kind, size, mode, status.st_uid, status.st_gid, link, xattrs)


def _capability(folder: int, name: str) -> dict[str, bytes] | None:
    found = _attribute(folder, name, "security.capability")
    return {"security.capability": found} if found else None


def _opaque(folder: int, path: str) -> Iterator[Entry]:
    """Yield the mark of a folder that shows nothing of what is below it."""
    if is_opaque(folder):
        yield Entry(path, OPAQUE, 0, 0, 0, 0)


def is_opaque(folder: int) -> bool:
    """Tell whether a folder, by its descriptor, shows nothing of what is below it."""
    return any(_attribute(folder, "", f"{prefix}opaque") == b"y" for prefix in OVERLAY)


def _elsewhere(folder: int, name: str, kind: str) -> Iterator[str]:
    """Yield why an entry is not what it looks like: it was moved, or has its rights here and its content below."""
    mark, reason = ("redirect", "it was moved, and what is in it lies below under another name")
    if kind == "file":
        mark, reason = ("metacopy", "only its rights were changed here, and its content lies below")
    if any(_attribute(folder, name, prefix + mark) is not None for prefix in OVERLAY):
        yield reason


def _attribute(folder: int, name: str, attribute: str) -> bytes | None:
    """Return an extended attribute of a folder, or of what is right below it by name; None where there is none.

    By way of the folder's descriptor, so that no link is followed; only Linux knows these attributes.
    """
    path = f"/proc/self/fd/{folder}/{name}" if name else f"/proc/self/fd/{folder}"
    with suppress(OSError, AttributeError):
        return os.getxattr(path, attribute, follow_symlinks=not name)
    return None


def _deeper(number: int, step: str, flags: int) -> int:
    """Return a descriptor of what lies in a folder, whose own is closed."""
    try:
        return os.open(step, flags, dir_fd=number)
    finally:
        os.close(number)
