"""Writing edited files: whole or not at all, and only over what was read."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from transom.mending.files import FileEdit
from transom.model.errors import TransomError
from transom.model.language import mark

PART = ".transom-part"
WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
NEXT_STEP = mark("make it writable, or leave it out with --exclude")


def write(edit: FileEdit) -> None:
    """Replace a file by its edited content; its mode and owner stay. A link is followed within its target.

    Raises TransomError, having changed nothing, where the file is read-only, is not what it was when it was read, leaves
    its target by a link, or has a second name that would go on with the old content.
    """
    path = os.path.realpath(edit.path)
    what = f"cannot write {edit.file}"
    root = os.path.realpath(edit.root)
    if os.path.isdir(root) and os.path.commonpath((root, path)) != root:
        raise TransomError(what, "it is a link that leaves its folder", "name its target")
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise TransomError(what, "it is no ordinary file", "name a file")
        if not status.st_mode & WRITABLE or not os.access(path, os.W_OK):
            raise TransomError(what, "it is read-only", NEXT_STEP)
        if status.st_nlink > 1:
            raise TransomError(what, "it has a second name, a hard link", "remove the other name, or edit it by hand")
        with open(path, "rb") as stream:
            content = edit.patch.applied(stream.read())
        _replace(path, content, status)
    except OSError as error:
        raise TransomError(what, error.strerror or str(error), NEXT_STEP) from error


def _replace(path: str, content: bytes, status: os.stat_result) -> None:
    """Write beside the file and rename, so that whoever reads meanwhile sees the old content or the new one."""
    folder, name = os.path.split(path)
    aside = os.path.join(folder, f".{name[:200]}.{os.getpid()}{PART}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "wb") as stream:
            if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(PermissionError):
                    os.fchown(stream.fileno(), status.st_uid, status.st_gid)
            os.fchmod(stream.fileno(), stat.S_IMODE(status.st_mode))
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        now = os.stat(path)
        if (now.st_ino, now.st_mtime_ns, now.st_size) != (status.st_ino, status.st_mtime_ns, status.st_size):
            raise TransomError(f"cannot write {path}", "it has changed meanwhile", "run the command again")
        os.replace(aside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(aside)
        raise
