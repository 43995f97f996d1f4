"""The tar reader agrees with tarfile on what both can read, and never runs away with what is broken."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.images.layers.making import entry, folder, hardlink, symlink, tar
from transom.images.layers import tar as module
from transom.images.layers.tar import BLOCK, TarError, TarReader, normal

STEP = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=40).filter(
    lambda step: step not in (".", "..")
)
PATH = st.lists(STEP, min_size=1, max_size=12).map("/".join)
KINDS = {tarfile.REGTYPE: "file", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink", tarfile.DIRTYPE: "dir"}


@st.composite
def entries(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    kind = draw(st.sampled_from(list(KINDS)))
    content = draw(st.binary(max_size=1500)) if kind == tarfile.REGTYPE else b""
    link = draw(PATH) if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    made, content = entry(draw(PATH), content, kind, link, draw(st.integers(0, 0o7777)))
    made.uid, made.gid = draw(st.integers(0, 2**40)), draw(st.integers(0, 2**21 - 1))
    return made, content


@given(st.lists(entries(), max_size=8), st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_entries_are_read_as_tarfile_wrote_them(written: list[tuple[tarfile.TarInfo, bytes]], form: int) -> None:
    reader = TarReader(io.BytesIO(tar(written, form)))
    for found, (made, content) in zip(reader, written, strict=True):
        assert (found.path, found.kind) == (normal(made.name), KINDS[made.type])
        assert (found.mode, found.uid, found.gid, found.link) == (made.mode, made.uid, made.gid, made.linkname)
        assert (found.size_bytes, reader.content()) == (len(content), content)


@given(st.text("ab/", min_size=1, max_size=255).filter(lambda name: name.strip("/")))
def test_names_of_ustar_are_read_with_their_prefix(name: str) -> None:
    made, content = entry(name.strip("/"), b"x")
    try:
        plain = tar([(made, content)], tarfile.USTAR_FORMAT)
    except ValueError:
        return  # too long for the format
    assert [each.path for each in TarReader(io.BytesIO(plain))] == [normal(name)]


@given(st.binary(max_size=4096))
def test_random_bytes_raise_only_tar_errors(content: bytes) -> None:
    with suppress(TarError):
        assert list(TarReader(io.BytesIO(content))) == []


@given(st.data())
def test_a_byte_that_is_wrong_raises_only_tar_errors(data: st.DataObject) -> None:
    plain = bytearray(tar([entry("a" * 150, b"x" * 700), symlink("b", "c" * 120), entry("d")]))
    plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    reader = TarReader(io.BytesIO(bytes(plain)))
    with suppress(TarError):
        for _ in reader:
            reader.content()


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "...", ".a", "a."]), max_size=8).map("/".join))
def test_no_path_leads_out_or_keeps_empty_steps(path: str) -> None:
    steps = normal(path).split("/")
    assert steps == [""] or not {"", ".", ".."} & set(steps)
    assert normal(normal(path)) == normal(path)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("./a", "a"), ("/a//b", "a/b"), ("a/../b", "b"), ("../../a", "a"), ("a/..", ""), (".", ""), ("a/.", "a"),
        ("a/b/", "a/b"), (".a", ".a"), ("a/.b", "a/.b"), ("..a", "..a"),
    ],
)  # fmt: skip
def test_a_path_is_read_as_unpackers_make_it(written: str, read: str) -> None:
    assert normal(written) == read


def test_names_that_are_no_utf8_are_kept() -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert [each.path for each in TarReader(io.BytesIO(tar([entry(name)], tarfile.GNU_FORMAT)))] == [name]


def test_extended_attributes_are_read() -> None:
    made, content = entry("a")
    made.pax_headers = {"SCHILY.xattr.security.capability": "\x01\x02"}
    (found,) = TarReader(io.BytesIO(tar([(made, content)])))
    assert found.xattrs == {"security.capability": b"\x01\x02"}


def test_links_and_folders_have_no_content_whatever_they_say() -> None:
    made, _ = hardlink("b", "a")
    header = bytearray(made.tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"00000001000\0"
    header[148:156] = b"        "
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    plain = tar([entry("a", b"x")])[: 2 * BLOCK] + bytes(header) + tar([folder("c")])
    assert [each.path for each in TarReader(io.BytesIO(plain))] == ["a", "b", "c"]


def test_an_unsigned_and_a_signed_checksum_are_taken() -> None:
    header = bytearray(tar([entry("\xfc" * 20)], tarfile.GNU_FORMAT)[:BLOCK])
    header[148:156] = b"        "
    signed = sum(each - 256 if each > 127 else each for each in header)
    header[148:156] = f"{signed:06o}\0 ".encode()
    assert len(list(TarReader(io.BytesIO(bytes(header))))) == 1


@pytest.mark.parametrize(
    "form", ["gnu", "pax --sparse-version=0.0", "pax --sparse-version=0.1", "pax --sparse-version=1.0"]
)
def test_a_sparse_file_is_read_with_its_holes(form: str, tmp_path: Path) -> None:
    if not shutil.which("tar"):
        pytest.skip("there is no GNU tar here")
    with (tmp_path / "sparse").open("wb") as stream:
        for number in range(12):
            stream.seek(number * 300_000)
            stream.write(b"piece %d" % number)
        stream.truncate(4_000_000)
    (tmp_path / "next").write_bytes(b"next")
    words = ["tar", "--sparse", f"--format={form.split()[0]}", *form.split()[1:], "-cf", "-", "sparse", "next"]
    plain = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True).stdout
    if len(plain) > 1_000_000:
        pytest.skip("this file system has no holes")
    reader = TarReader(io.BytesIO(plain))
    found = {each.path: (each.size_bytes, reader.content()) for each in reader}
    assert found == {
        "sparse": (4_000_000, (tmp_path / "sparse").read_bytes()),
        "next": (4, b"next"),
    }


def test_content_is_read_in_parts_and_the_rest_is_skipped() -> None:
    reader = TarReader(io.BytesIO(tar([entry("a", b"0123456789"), entry("b", b"x")])))
    walk = iter(reader)
    next(walk)
    assert (reader.content(3), reader.content(3)) == (b"012", b"345")
    assert next(walk).path == "b"


def test_a_tar_without_an_end_is_whole_where_its_last_entry_is() -> None:
    plain = tar([entry("a", b"x" * 20)])
    for size in (2 * BLOCK, BLOCK + 30, BLOCK + 20):  # the last as umoci writes it: nothing fills the last block
        assert [each.path for each in TarReader(io.BytesIO(plain[:size]))] == ["a"]
    with pytest.raises(TarError, match="breaks off"):
        list(TarReader(io.BytesIO(plain[: BLOCK + 19])))


def test_more_entries_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    with pytest.raises(TarError, match="more than 3 entries"):
        list(TarReader(io.BytesIO(tar([entry(str(number)) for number in range(4)]))))


def test_headers_without_end_are_refused() -> None:
    made = tarfile.TarInfo("x")
    made.type, made.size = tarfile.XHDTYPE, 600_000
    text = b"599999 a=" + b"x" * (599_999 - 10) + b"\n"
    one = made.tobuf(tarfile.PAX_FORMAT) + text.ljust(600_064, b"\0")
    with pytest.raises(TarError):
        list(TarReader(io.BytesIO(one * 4)))


def test_more_bytes_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TAR_BYTES", 10_000)
    with pytest.raises(TarError, match="unpacks to more"):
        list(TarReader(io.BytesIO(tar([entry("a", bytes(20_000))]))))
