"""The folder in which results are kept between runs, and what tells one make of Transom from another."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable


def cache_folder() -> str | None:
    """Return the folder, made if need be; None where it cannot be had, or where others may write to it."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(home, "transom")
    try:
        if not os.path.isdir(folder):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
    except OSError:
        return None
    return folder if stat.S_ISDIR(status.st_mode) and only_ours(status) else None


def only_ours(status: os.stat_result) -> bool:
    """Tell whether nobody but the user of this run may have written what has this status."""
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def state_of(folders: Iterable[str]) -> str:
    """Return what tells the files of folders from others that were put in their place: times and sizes."""
    files = [each for folder in folders for each in os.scandir(folder)]
    stats = sorted((each.name, each.stat().st_mtime_ns, each.stat().st_size) for each in files if each.is_file())
    return str(stats)
