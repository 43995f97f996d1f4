"""Work on several cores: children that inherit the inventory by fork, and send back what they found.

Nothing is copied to a child and only results travel back, so a child costs what its findings cost. Where a fork is not
to be had (threads are running, one core), the same work is done in this process.
"""

from __future__ import annotations

import gc
import os
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, TypeVar

import msgspec

from transom.model.errors import TransomError
from transom.model.findings import Finding, Judged, NotApplicable, Result, Skipped

BATCH = 2_000  # results in one message: large enough to encode well, small enough to arrive while others work
LENGTH = struct.Struct("<Q")

Item = TypeVar("Item")


class _Batch(msgspec.Struct):
    findings: list[Finding] = []
    skipped: list[Skipped] = []
    judged: list[Judged] = []
    not_applicable: list[NotApplicable] = []

    def add(self, result: Result) -> None:
        if isinstance(result, Finding):
            self.findings.append(result)
        elif isinstance(result, Skipped):
            self.skipped.append(result)
        elif isinstance(result, Judged):
            self.judged.append(result)
        else:
            self.not_applicable.append(result)

    def results(self) -> Iterator[Result]:
        yield from self.findings
        yield from self.skipped
        yield from self.judged
        yield from self.not_applicable


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(
    work: Callable[[Sequence[Item]], Iterable[Result]], items: Sequence[Item], at_least: int
) -> Iterator[Result]:
    """Yield work's results over slices of items, one slice for each core; in this process for fewer than at_least items."""
    count = min(cores(), len(items) // at_least)
    if count < 2 or not hasattr(os, "fork") or threading.active_count() > 2:
        yield from work(items)
        return
    size = -(-len(items) // count)
    gc.freeze()  # what children inherit is never looked at by their collector, so its pages stay shared
    children = [_start(work, items[start : start + size]) for start in range(0, len(items), size)]
    for pid, stream in children:
        with stream:
            yield from _read(stream)
        _, status = os.waitpid(pid, 0)
        if status:
            raise TransomError("a worker process ended early", f"status {status}", "run again; is memory short?")


def _start(work: Callable[[Sequence[Item]], Iterable[Result]], items: Sequence[Item]) -> tuple[int, BinaryIO]:
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
            _write(stream, work(items))
        code = 0
    finally:
        os._exit(code)  # never the parent's exit handlers, whatever happened here


def _write(stream: BinaryIO, results: Iterable[Result]) -> None:
    encoder = msgspec.msgpack.Encoder()
    batch, size = _Batch([], [], [], []), 0
    for result in results:
        batch.add(result)
        size += 1
        if size == BATCH:
            _send(stream, encoder.encode(batch))
            batch, size = _Batch([], [], [], []), 0
    _send(stream, encoder.encode(batch))


def _send(stream: BinaryIO, message: bytes) -> None:
    stream.write(LENGTH.pack(len(message)))
    stream.write(message)


def _read(stream: BinaryIO) -> Iterator[Result]:
    decoder = msgspec.msgpack.Decoder(_Batch)
    while header := stream.read(LENGTH.size):
        yield from decoder.decode(stream.read(LENGTH.unpack(header)[0])).results()
