"""Judging on several cores: each child judges a run of entries, and its results travel back in batches.

A batch is plain tuples, written by marshal: several times quicker than other encodings, and what many results share
(titles, texts, paths) is written once and is one object again where it arrives.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from transom.inventory.cores import cores, on_cores, slices
from transom.model.findings import Accepted, Evidence, Finding, Judged, NotApplicable, Provenance, Result, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity

PLAIN: dict[str, Any] = {"judged": Judged, "provenance": Provenance, "not applicable": NotApplicable}
BATCH = 5_000  # results in one message: large enough to share much, small enough to arrive while others work

Item = TypeVar("Item")


def in_parallel(
    work: Callable[[Sequence[Item]], Iterable[Result]], items: Sequence[Item], at_least: int
) -> Iterator[Result]:
    """Yield work's results over items; on several cores where each has at_least that many."""
    count = min(cores(), len(items) // at_least)
    if count < 2:
        yield from work(items)
        return
    shared: dict[str, str] = {}  # one object for all equal texts of the run
    for message in on_cores(lambda part: _batches(work(part)), slices(items, count)):
        for packed in marshal.loads(message):  # noqa: S302 - written by our own child a moment ago
            yield _unpacked(packed, shared)


def _batches(results: Iterable[Result]) -> Iterator[bytes]:
    batch: list[Any] = []
    shared: dict[str, str] = {}
    for result in results:
        batch.append(_packed(result, shared))
        if len(batch) == BATCH:
            yield marshal.dumps(batch)
            batch, shared = [], {}
    yield marshal.dumps(batch)


def _packed(result: Result, shared: dict[str, str]) -> tuple[Any, ...]:
    """Return a result as a tuple; equal texts are made one object, which marshal writes once."""
    if isinstance(result, Finding):
        one = shared.setdefault
        seen = tuple(
            (_place(each.locator, shared), one(each.observed, each.observed), each.expected) for each in result.evidence
        )
        texts = (result.rule, one(result.message, result.message), result.title, result.fix)
        owner = _ref(result.owner, shared) if result.owner and result.owner != result.ref else result.owner is not None
        where = (_ref(result.ref, shared), owner, one(result.witness, result.witness), result.container)
        return ("finding", int(result.severity), texts, where, seen)
    if isinstance(result, Accepted):
        return ("accepted", _packed(result.finding, shared), result.reason, _place(result.locator, shared))
    if isinstance(result, Skipped):
        place = _place(result.locator, shared)
        return ("skipped", _ref(result.ref, shared), result.reason, result.next_step, result.rule, place)
    if isinstance(result, Judged):
        return ("judged", result.rule, result.judged, result.passed)
    if isinstance(result, Provenance):
        return ("provenance", result.origin, result.how)
    return ("not applicable", result.what, result.count)


def _ref(ref: Ref, shared: dict[str, str]) -> tuple[str, ...]:
    one = shared.setdefault
    names = (ref.group, ref.kind, ref.namespace, ref.name)
    return (ref.scope, ref.cluster, *(one(name, name) for name in names))


def _place(place: Locator, shared: dict[str, str]) -> tuple[Any, ...]:
    one = shared.setdefault
    return (one(place.file, place.file), place.line, place.column, place.start, place.end, one(place.path, place.path))


def _unpacked(packed: tuple[Any, ...], shared: dict[str, str]) -> Result:
    kind = packed[0]
    if kind == "finding":
        _, severity, texts, where, seen = packed
        rule, message, title, fix = (shared.setdefault(text, text) for text in texts)
        ref = Ref(*where[0])
        owner = ref if where[1] is True else Ref(*where[1]) if where[1] else None
        evidence = tuple(_evidence(each, shared) for each in seen)
        witness, container = (shared.setdefault(text, text) for text in where[2:])
        return Finding(rule, ref, Severity(severity), message, evidence, title, witness, container, owner, fix)
    if kind == "accepted":
        finding = _unpacked(packed[1], shared)
        assert isinstance(finding, Finding)
        return Accepted(finding, packed[2], Locator(*packed[3]))
    if kind == "skipped":
        _, names, reason, next_step, rule, place = packed
        return Skipped(Ref(*names), reason, next_step, rule, Locator(*place))
    plain: Result = PLAIN[kind](*packed[1:])
    return plain


def _evidence(packed: tuple[Any, ...], shared: dict[str, str]) -> Evidence:
    (file, line, column, start, end, path), observed, expected = packed
    return Evidence(
        Locator(shared.setdefault(file, file), line, column, start, end, shared.setdefault(path, path)),
        shared.setdefault(observed, observed),
        shared.setdefault(expected, expected),
    )
