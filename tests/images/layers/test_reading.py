"""A layer is read whatever packs it; what is wrong with it is told, and what was read is kept."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.images.layers.making import DATABASE, digest, entry, record_of, status, tar
from transom.images.layers import reading, streams
from transom.images.layers import tar as tars
from transom.images.layers.reading import Wanted, read_layer
from transom.images.packages import Selection, Selector
from transom.registry.blobs import Descriptor, Layer

PLAIN = tar([entry(DATABASE, status("a", "b")), entry("etc/os-release", b"ID=debian\n")])
SKIPPABLE = struct.pack("<II", 0x184D2A50, 4) + b"toc!"


@pytest.mark.parametrize(
    "stored",
    [
        PLAIN,
        gzip.compress(PLAIN),
        b"".join(gzip.compress(PLAIN[at : at + 700]) for at in range(0, len(PLAIN), 700)),
        zstandard.compress(PLAIN),
        zstandard.compress(PLAIN[:1000]) + SKIPPABLE + zstandard.compress(PLAIN[1000:]) + SKIPPABLE,
        SKIPPABLE + zstandard.compress(PLAIN),
    ],
    ids=["plain", "gzip", "gzip in members", "zstd", "zstd with skippable frames", "a skippable frame first"],
)
def test_a_layer_is_read_whatever_packs_it(stored: bytes) -> None:
    record = record_of(PLAIN, stored)
    assert not record.unread
    assert [each.name for each in record.packages[DATABASE]] == ["a", "b"]
    assert record.texts == {"etc/os-release": b"ID=debian\n"}


def test_a_text_that_may_be_executed_is_read_all_the_same() -> None:
    named = entry("etc/os-release", b"ID=debian\n")
    named[0].mode = 0o755
    assert record_of(tar([named])).texts == {"etc/os-release": b"ID=debian\n"}


def test_an_empty_layer_is_whole() -> None:
    assert record_of(tar([])).complete
    assert record_of(bytes(1024)).complete


@pytest.mark.parametrize(
    "packed", [gzip.compress(PLAIN), zstandard.compress(PLAIN), PLAIN], ids=["gzip", "zstd", "plain"]
)
def test_a_truncated_layer_is_told(packed: bytes) -> None:
    for size in range(1, len(packed), max(1, len(packed) // 40)):
        record = record_of(PLAIN, packed[:size])
        assert not record.complete
        assert record.unread


def test_what_a_truncated_layer_had_is_kept() -> None:
    record = record_of(PLAIN, PLAIN[:-3000])
    assert not record.complete
    plain = tar([entry(DATABASE, status("a")), entry("x", bytes(5_000))])
    record = record_of(plain, plain[:3_000])
    assert [each.name for each in record.packages[DATABASE]] == ["a"]
    assert "breaks off after 2 entries" in record.unread[0].reason


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("harm", ["truncated", "corrupt"])
def test_what_a_packed_layer_had_is_kept(pack: Callable[[bytes], bytes], harm: str) -> None:
    plain = tar([entry(DATABASE, status("a")), entry("x", random.Random(1).randbytes(3_000_000))])
    stored = bytearray(pack(plain))
    if harm == "truncated":
        stored = stored[: len(stored) // 2]
    else:
        stored[len(stored) // 2 : len(stored) // 2 + 64] = b"\xff" * 64
    record = record_of(plain, bytes(stored))
    assert [each.name for each in record.packages[DATABASE]] == ["a"]
    assert not record.complete


@given(
    st.lists(st.binary(max_size=200).map(lambda each: each * 97), max_size=5), st.integers(0, 3), st.integers(1, 999)
)
def test_gzip_is_unpacked_as_it_was_packed(members: list[bytes], zeros: int, size: int) -> None:
    stored = b"".join(gzip.compress(each) + bytes(zeros) for each in members)
    plain = streams.unpacked(io.BytesIO(stored))
    assert b"".join(iter(lambda: plain.read(size), b"")) == b"".join(members)


def test_a_small_layer_that_breaks_off_has_what_came_before() -> None:
    plain = tar([entry(DATABASE, status("a")), entry("x", random.Random(1).randbytes(9_000))])
    stored = gzip.compress(plain)
    wrong = stored[:-8] + b"\0" * 4 + stored[-4:]  # the checksum
    for broken, reason in ((stored[:-100], "it ends within"), (wrong, "breaks off")):
        record = record_of(plain, broken)
        assert [each.name for each in record.packages[DATABASE]] == ["a"]
        assert reason in record.unread[0].reason


@pytest.mark.parametrize(("pack", "name"), [(bz2.compress, "bzip2"), (lzma.compress, "xz")])
def test_a_layer_that_is_packed_as_none_is_told(pack: Callable[[bytes], bytes], name: str) -> None:
    (unread,) = record_of(PLAIN, pack(PLAIN)).unread
    assert f"packed by {name}" in unread.reason


@pytest.mark.parametrize("stored", [b"", b"\x1f\x8b\x08garbage", b"\x28\xb5\x2f\xfdgarbage", b"no tar at all" * 100])
def test_rubbish_is_told_and_never_raises(stored: bytes) -> None:
    assert not record_of(PLAIN, stored).complete


def test_a_diff_id_that_lies_is_told() -> None:
    layer = Layer(Descriptor(digest(PLAIN), len(PLAIN)), digest(b"another"))
    record = read_layer(layer, io.BytesIO(PLAIN), Wanted(Selection()))
    assert "its diff-ID is" in record.unread[0].reason
    assert record.packages


def test_a_digest_that_lies_is_told() -> None:
    layer = Layer(Descriptor(digest(b"another"), len(PLAIN)), digest(PLAIN))
    assert "its digest is" in read_layer(layer, io.BytesIO(PLAIN), Wanted(Selection())).unread[0].reason


def test_bytes_behind_the_end_count_for_the_digest() -> None:
    assert not record_of(PLAIN + b"more", PLAIN + b"more").unread


def test_a_bomb_behind_the_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_TAR_BYTES", 2 * 1024 * 1024)
    monkeypatch.setattr(streams, "CHUNK", 64 * 1024)
    bomb = PLAIN + bytes(8 * 1024 * 1024)
    assert "larger than" in record_of(bomb).unread[0].reason


def test_a_bomb_of_zeros_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tars, "MAX_TAR_BYTES", 1024 * 1024)
    record = record_of(tar([entry(DATABASE, status("a")), entry("zeros", bytes(4 * 1024 * 1024))]))
    assert "unpacks to more" in record.unread[0].reason


def test_a_file_larger_than_its_limit_is_told() -> None:
    small = Selection((Selector("dpkg:read", names=("status",), limit_bytes=10),))
    layer = Layer(Descriptor(digest(PLAIN), len(PLAIN)), digest(PLAIN))
    record = read_layer(layer, io.BytesIO(PLAIN), Wanted(small))
    assert record.complete
    assert [(each.path, each.reason) for each in record.unread] == [(DATABASE, "it is larger than 0 MiB")]


def test_more_paths_than_can_be_kept_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PATHS_CHARS", 10)
    assert "more paths than can be kept" in record_of(PLAIN).unread[0].reason


def test_setuid_and_file_capabilities_are_noted() -> None:
    setuid, capable = entry("su", b"x", mode=0o4755), entry("ping", b"x", mode=0o755)
    capable[0].pax_headers = {"SCHILY.xattr.security.capability": "\x01"}
    both = entry("both", b"x", mode=0o4755)
    both[0].pax_headers = {"SCHILY.xattr.security.capability": "\x02"}
    found = record_of(tar([setuid, capable, both])).specials
    assert [(each.path, each.mode, each.capabilities) for each in found.values()] == [
        ("su", 0o4755, ""),
        ("ping", 0o755, "01"),
        ("both", 0o4755, "02"),
    ]


def test_a_program_that_unpacks_itself_is_noted() -> None:
    packed = b"\x7fELF" + bytes(200) + b"UPX!" + bytes(800)
    record = record_of(
        tar([entry("usr/bin/app", packed, mode=0o755), entry("usr/bin/b", b"\x7fELF" + bytes(800), mode=0o755)])
    )
    assert record.packed == {"usr/bin/app": "UPX"}


def test_deep_nesting_is_read() -> None:
    deep = "/".join(["a"] * 1500) + "/lib/dpkg/status"
    assert deep in record_of(tar([entry(deep, status("a"))])).packages
