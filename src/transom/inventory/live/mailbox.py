"""Changes on their way from followers to whoever digests them: the last one of each object, and no more than a limit.

A flood of changes to one object is one change when it is taken. Where many objects change faster than they are taken, the
followers wait; their watches then fall behind on the server's side, which ends those that fall too far, and they list again.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from msgspec import Struct

from transom.model.findings import Skipped

MAX_WAITING = 10_000  # changes; of 5 kB each that is 50 MB, and ten seconds of a cluster in turmoil

Key = tuple[str, str, str, str]
"""group, kind, namespace and name of an object."""


class Change(Struct, frozen=True):
    """What an object is now, None where it is no more."""

    key: Key
    object: dict[str, Any] | None


class Standing(Struct, frozen=True):
    """How it stands with following a resource. synced: whether all that happens is seen, since a list of all there is;
    skipped: what cannot be seen of it, empty where all can."""

    group: str
    kind: str
    synced: bool
    skipped: tuple[Skipped, ...] = ()


class Mailbox:
    """Changes that wait. Any number of threads may put; one takes.

    coalesced: how many changes were replaced by a later one of the same object before they were taken.
    """

    def __init__(self, limit: int = MAX_WAITING) -> None:
        self.coalesced = 0
        self._limit = limit
        self._waiting: dict[Key | tuple[str, str], Change | Standing] = {}
        self._closed = False
        self._condition = threading.Condition()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Change | Standing) -> bool:
        """Leave a message, waiting while there are too many; return False where nobody takes them any more."""
        key = message.key if isinstance(message, Change) else (message.group, message.kind)
        with self._condition:
            while key not in self._waiting and len(self._waiting) >= self._limit and not self._closed:
                self._condition.wait()
            self.coalesced += key in self._waiting
            if isinstance(message, Standing):
                self._waiting.pop(key, None)  # it speaks of what was put before it
            self._waiting[key] = message
            self._condition.notify_all()
            return not self._closed

    def take(self, timeout_s: float, most: int = MAX_WAITING) -> list[Change | Standing]:
        """Return up to most messages in the order in which their objects first changed; waits for the first one."""
        end = time.monotonic() + timeout_s
        with self._condition:
            while not self._waiting and not self._closed and (rest := end - time.monotonic()) > 0:
                self._condition.wait(rest)
            keys = list(self._waiting)[:most]
            taken = [self._waiting.pop(key) for key in keys]
            self._condition.notify_all()
            return taken

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
