"""Work on several cores: children that inherit what this process holds, by fork, and send back messages.

Nothing is copied to a child and only its messages travel back. Where a fork is not to be had (one core, other threads
running), the caller is told so and does the work itself.
"""

from __future__ import annotations

import gc
import os
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, TypeVar

from transom.model.errors import TransomError

LENGTH = struct.Struct("<Q")

Item = TypeVar("Item")


def cores() -> int:
    """Return how many processors this process may use; 1 where it cannot fork, or must not."""
    if not hasattr(os, "fork") or ("threading" in sys.modules and sys.modules["threading"].active_count() > 2):
        return 1  # beside the main thread one teller of progress may run: it holds no lock that a child needs
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slices(items: Sequence[Item], count: int, weight: Callable[[Item], int] = lambda _: 1) -> list[Sequence[Item]]:
    """Cut items into at most count runs of about equal weight, in order."""
    fair = sum(map(weight, items)) / count if items else 0
    cut: list[Sequence[Item]] = []
    start, carried = 0, 0.0
    for index, item in enumerate(items):
        carried += weight(item)
        if carried >= fair and len(cut) < count - 1:
            cut.append(items[start : index + 1])
            start, carried = index + 1, 0.0
    if start < len(items):
        cut.append(items[start:])
    return cut


def on_cores(work: Callable[[Sequence[Item]], Iterable[bytes]], parts: Sequence[Sequence[Item]]) -> Iterator[bytes]:
    """Yield the messages of work over each part, each part in a child of its own, in the order of the parts."""
    gc.freeze()  # what children inherit is never looked at by their collector, so its pages stay shared
    children = [_start(work, part) for part in parts]
    for pid, stream in children:
        with stream:
            while header := stream.read(LENGTH.size):
                yield stream.read(LENGTH.unpack(header)[0])
        _, status = os.waitpid(pid, 0)
        if status:
            why = f"status {os.waitstatus_to_exitcode(status)}"
            raise TransomError("a worker process ended early", why, "run again; is memory short?")


def _start(work: Callable[[Sequence[Item]], Iterable[bytes]], part: Sequence[Item]) -> tuple[int, BinaryIO]:
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, os.fdopen(reading, "rb")
    code = 1
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as stream:
            for message in work(part):
                stream.write(LENGTH.pack(len(message)))
                stream.write(message)
        code = 0
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # the parent went away or was told to stop, and says so itself
    finally:
        os._exit(code)  # never the parent's exit handlers, whatever happened here
