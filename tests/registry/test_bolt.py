"""Databases of bbolt are read as they were written, and broken ones say so."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.bolts import PAGE, database, meta
from transom.model.errors import TransomError
from transom.registry import bolt
from transom.registry.bolt import BoltError, Bucket, newest, read_bolt

KEYS = st.binary(min_size=1, max_size=12)
VALUES = st.binary(max_size=40)
TREES = st.recursive(
    st.dictionaries(KEYS, VALUES, max_size=12),
    lambda below: st.dictionaries(KEYS, VALUES | below, max_size=12),
    max_leaves=6,
)


def opened(content: bytes) -> Bucket:
    found = newest(content)
    return Bucket(memoryview(content), found.page_size, found.root)


def told(bucket: Bucket) -> dict[bytes, Any]:
    return dict(bucket.items()) | {key: told(each) for key, each in bucket.buckets()}


@given(TREES, st.integers(2, 5))
def test_a_database_is_read_as_it_was_written(tree: dict[bytes, Any], fanout: int) -> None:
    assert told(opened(database(tree, fanout))) == tree


@given(TREES, st.integers(2, 5), KEYS)
def test_a_key_is_found_as_by_walking(tree: dict[bytes, Any], fanout: int, other: bytes) -> None:
    root = opened(database(tree, fanout))
    for key in (*tree, other):
        expected = tree.get(key)
        assert root.get(key) == (None if isinstance(expected, dict) else expected)
        assert (root.bucket(key) is not None) == isinstance(expected, dict)


@given(st.data())
def test_a_byte_that_is_wrong_raises_only_bolt_errors(data: st.DataObject) -> None:
    content = bytearray(database({b"a": {b"b": {str(each).encode(): b"x" * 50 for each in range(20)}}}, 2))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BoltError):
        told(opened(bytes(content)))


@given(st.binary(max_size=300))
def test_what_is_no_database_is_told(content: bytes) -> None:
    with pytest.raises(BoltError):
        newest(content)


def test_pages_that_lead_round_in_circles_end() -> None:
    content = bytearray(database({str(each).encode(): b"" for each in range(9)}, 3))
    page = newest(bytes(content)).root * PAGE
    for element in range(3):  # each branch leads to its own page
        content[page + 16 + element * 16 + 8] = page // PAGE
    with pytest.raises(BoltError, match=r"circles|more than"):
        told(opened(bytes(content)))
    with pytest.raises(BoltError, match="circles"):
        opened(bytes(content)).get(b"3")


def test_a_meta_that_was_half_written_is_not_taken() -> None:
    content = bytearray(database({b"a": b"1"}))
    newer = newest(bytes(content)).transaction
    content[(newer % 2) * PAGE + 40] ^= 0xFF
    assert newest(bytes(content)).transaction == newer - 1
    assert told(opened(bytes(content))) == {b"a": b"1"}


def test_a_copy_is_taken_again_when_a_transaction_ends_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "meta.db"
    path.write_bytes(database({b"a": b"old"}))
    read = os.pread
    asked = []

    def pread(number: int, size: int, at: int) -> bytes:
        if len(asked) == 1:  # between the first look and the copy
            path.write_bytes(database({b"a": b"new"}, transaction=9))
        asked.append(size)
        return read(number, size, at)

    monkeypatch.setattr(bolt.os, "pread", pread)
    assert read_bolt(str(path)).get(b"a") == b"new"


def test_one_that_never_rests_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "meta.db"
    path.write_bytes(database({}))
    read = os.pread
    count = iter(range(10, 10_000))

    def pread(number: int, size: int, at: int) -> bytes:
        return meta(0, 2, next(count), 3) + read(number, size, at)[PAGE:] if at == 0 else b""

    monkeypatch.setattr(bolt.os, "pread", pread)
    with pytest.raises(TransomError, match="too quickly"):
        read_bolt(str(path))


def test_one_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "meta.db"
    path.write_bytes(database({b"a": b"1"}))
    monkeypatch.setattr(bolt, "MAX_DATABASE_BYTES", 100)
    with pytest.raises(TransomError, match="larger"):
        read_bolt(str(path))
