"""Judging on several cores: each child judges a run of entries, and its results travel back in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from transom.inventory.cores import cores, on_cores, slices
from transom.model.findings import Finding, Judged, NotApplicable, Result, Skipped

BATCH = 2_000  # results in one message: large enough to encode well, small enough to arrive while others work

Item = TypeVar("Item")


class _Batch(msgspec.Struct):
    """Results by type; `Result` itself has no tag that would tell them apart."""

    findings: list[Finding]
    skipped: list[Skipped]
    judged: list[Judged]
    not_applicable: list[NotApplicable]


def in_parallel(
    work: Callable[[Sequence[Item]], Iterable[Result]], items: Sequence[Item], at_least: int
) -> Iterator[Result]:
    """Yield work's results over items; on several cores where each has at_least that many."""
    count = min(cores(), len(items) // at_least)
    if count < 2:
        yield from work(items)
        return
    decoder = msgspec.msgpack.Decoder(_Batch)
    for message in on_cores(lambda part: _batches(work(part)), slices(items, count)):
        batch = decoder.decode(message)
        yield from batch.findings
        yield from batch.skipped
        yield from batch.judged
        yield from batch.not_applicable


def _batches(results: Iterable[Result]) -> Iterator[bytes]:
    encode = msgspec.msgpack.Encoder().encode
    batch, size = _Batch([], [], [], []), 0
    for result in results:
        _list_for(batch, result).append(result)
        size += 1
        if size == BATCH:
            yield encode(batch)
            batch, size = _Batch([], [], [], []), 0
    yield encode(batch)


def _list_for(batch: _Batch, result: Result) -> list[Result]:
    lists = {Finding: batch.findings, Skipped: batch.skipped, Judged: batch.judged, NotApplicable: batch.not_applicable}
    return lists[type(result)]  # type: ignore[return-value]
