"""RPM: headers in each of the three databases, and the manifest of images without one."""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess

import pytest

from transom.images.packages import berkeley, ndb, owned, rpm_sums
from transom.images.packages.rpm import read_berkeley, read_manifest, read_ndb, read_sqlite

SPEC = """Name: tiny
Epoch: 2
Version: 1.5
Release: 3.el9
Summary: t
License: MIT and BSD
BuildArch: noarch
%description
t
%files
"""
EXPECTED = ("tiny", "2:1.5-3.el9", "noarch", "tiny", "2:1.5-3.el9", ("MIT and BSD",))


def facts(package):
    source = (package.source_name, package.source_version)
    return (package.name, package.version, package.arch, *source, package.licences)


def header(name: str, filler: int = 0) -> bytes:
    """A header blob as rpm stores it."""
    texts = {1000: name, 1001: "1.5", 1002: "3.el9", 1014: "MIT and BSD", 1022: "noarch"}
    texts |= {1044: f"{name}-1.5-3.el9.src.rpm", 1005: "x" * filler}
    store, index = struct.pack(">I", 2), [struct.pack(">IIII", 1003, 4, 0, 1)]
    for tag, text in texts.items():
        index.append(struct.pack(">IIII", tag, 6, len(store), 1))
        store += text.encode() + b"\0"
    return struct.pack(">II", len(index), len(store)) + b"".join(index) + store


def slotted(blobs: list[bytes]) -> bytes:
    """Packages.db as rpm's ndb lays it out: a page of slots, then blobs in blocks of 16 bytes."""
    slots = struct.pack("<4sIIIIIII", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0)
    body = b""
    for number, blob in enumerate(blobs, 1):
        whole = struct.pack("<4sIII", b"BlbS", number, 1, len(blob)) + blob
        whole += b"\0" * (-(len(whole) + 12) % 16) + struct.pack("<II4s", 0, len(blob), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, (4096 + len(body)) // 16, len(whole) // 16)
        body += whole
    return slots.ljust(4096, b"\0") + body


def hashed(values: list[bytes], order: str = "<", size: int = 512) -> bytes:
    """A Berkeley hash file: a page of metadata, one of items, and overflow pages for each value."""
    meta = struct.pack(order + "8xI", 0) + struct.pack(order + "III", 0x061561, 9, size) + b"\0\x08"
    pages = [meta.ljust(size, b"\0"), b""]
    items, places, end = b"", [], size
    for number, value in enumerate(values):
        room = size - 26
        first = len(pages)
        chunks = [value[at : at + room] for at in range(0, len(value), room)]
        for index, chunk in enumerate(chunks):
            following = first + index + 1 if index + 1 < len(chunks) else 0
            head = struct.pack(order + "8xIIIHHBB", 0, 0, following, 0, len(chunk), 0, 7)
            pages.append((head + chunk).ljust(size, b"\0"))
        for item in (
            b"\x01" + struct.pack(order + "I", number + 1),
            struct.pack(order + "B3xII", 3, first, len(value)),
        ):
            end -= len(item)
            places.append(end)
            items = item + items
    head = struct.pack(order + "8xIIIHHBB", 1, 0, 0, len(places), end, 0, 13)
    head += struct.pack(f"{order}{len(places)}H", *places)
    pages[1] = head.ljust(end, b"\0") + items
    return b"".join(pages)


def test_a_database_that_rpm_wrote_is_read(tmp_path):
    if not shutil.which("rpmbuild"):
        pytest.skip("Debian's package rpm is not installed")
    (tmp_path / "tiny.spec").write_text(SPEC)
    build = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}/top", "tiny.spec"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (built,) = tmp_path.glob("top/RPMS/noarch/*.rpm")
    database = ["--define", "_db_backend sqlite", "--dbpath", str(tmp_path / "db")]
    install = ["rpm", *database, "-i", "--justdb", "--nodeps", "--force-debian", str(built)]
    subprocess.run(install, check=True, capture_output=True)
    (package,) = read_sqlite("var/lib/rpm/rpmdb.sqlite", (tmp_path / "db" / "rpmdb.sqlite").read_bytes())
    assert facts(package) == EXPECTED


def test_digests_of_a_database_that_rpm_wrote_are_those_of_its_programs(tmp_path):
    if not shutil.which("rpmbuild"):
        pytest.skip("Debian's package rpm is not installed")
    spec = SPEC.replace("%files\n", "%install\n") + "mkdir -p %{buildroot}/usr/bin %{buildroot}/etc\n"
    spec += "echo hello > %{buildroot}/usr/bin/hi; echo x > %{buildroot}/etc/hi; ln -s hi %{buildroot}/usr/bin/ho\n"
    spec += "%files\n%attr(755,root,root) /usr/bin/hi\n/usr/bin/ho\n%config /etc/hi\n"
    (tmp_path / "tiny.spec").write_text(spec)
    build = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {tmp_path}/top", "tiny.spec"]
    subprocess.run(build, cwd=tmp_path, check=True, capture_output=True)
    (built,) = tmp_path.glob("top/RPMS/noarch/*.rpm")
    database = ["--define", "_db_backend sqlite", "--dbpath", str(tmp_path / "db")]
    install = ["rpm", *database, "-i", "--justdb", "--nodeps", "--force-debian", str(built)]
    subprocess.run(install, check=True, capture_output=True)
    (found,) = rpm_sums.of_sqlite((tmp_path / "db" / "rpmdb.sqlite").read_bytes())
    assert (found.package, found.algorithm) == ("tiny", "sha256")
    assert found.files == {"usr/bin/hi": hashlib.sha256(b"hello\n").digest()}


def test_ndb_is_a_table_of_slots():
    found = list(read_ndb("Packages.db", slotted([header("tiny"), header("gpg-pubkey"), header("other", 5000)])))
    assert facts(found[0]) == EXPECTED
    assert [each.name for each in found] == ["tiny", "other"]


def test_a_broken_header_costs_no_other():
    found = []
    with pytest.raises(ValueError, match="breaks off"):
        found.extend(read_ndb("Packages.db", slotted([header("tiny")[:30], header("other")])))
    assert [each.name for each in found] == ["other"]


def test_a_header_tells_which_files_a_package_owns():
    lists = {1000: (6, b"tiny\0", 1), 1116: (4, struct.pack(">III", 0, 1, 1), 3), 1117: (8, b"a\0b\0c\0", 3)}
    lists[1118] = (8, b"/usr/bin/\0/etc/\0", 2)
    index, store = b"", b""
    for tag, (kind, content, count) in lists.items():
        store += b"\0" * (-len(store) % 4)
        index += struct.pack(">IIII", tag, kind, len(store), count)
        store += content
    blob = struct.pack(">II", len(lists), len(store)) + index + store
    assert list(owned.of_ndb(slotted([blob]))) == [("tiny", b"usr/bin/a"), ("tiny", b"etc/b"), ("tiny", b"etc/c")]


def test_apk_lists_files_below_their_folders():
    text = b"P:musl\nV:1\nF:lib\nR:ld.so\nF:usr/bin\nR:ldd\n\nP:b\nV:2\n"
    assert list(owned.of_apk(text)) == [("musl", b"lib/ld.so"), ("musl", b"usr/bin/ldd")]


@pytest.mark.parametrize("order", ["<", ">"])
def test_berkeley_hash_keeps_values_on_pages_of_their_own(order):
    found = list(read_berkeley("Packages", hashed([header("tiny"), header("other", 5000)], order)))
    assert facts(found[0]) == EXPECTED
    assert [each.name for each in found] == ["tiny", "other"]


def test_a_hash_file_that_berkeley_db_wrote_is_read(tmp_path):
    load = shutil.which("db5.3_load")
    if not load:
        pytest.skip("Debian's package db5.3-util is not installed")
    dump = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n"
    for number, name in enumerate(("tiny", "other")):
        dump += f" {number + 1:08x}\n {header(name, 9000 * number).hex()}\n"
    subprocess.run([load, "Packages"], input=dump + "DATA=END\n", text=True, cwd=tmp_path, check=True)
    found = read_berkeley("Packages", (tmp_path / "Packages").read_bytes())
    assert {facts(each) for each in found if each.name == "tiny"} == {EXPECTED}


def test_the_manifest_of_a_distroless_image_tells_the_same():
    line = "tiny\t1.5-3.el9\t1653816591\t1653753130\tVendor\t2\t100\tnoarch\t2\ttiny-1.5-3.el9.src.rpm\n"
    (package,) = read_manifest("container-manifest-2", line.encode())
    assert facts(package)[:5] == EXPECTED[:5]


@pytest.mark.parametrize(
    ("values", "whole"), [(ndb.blobs, slotted([header("tiny")])), (berkeley.values, hashed([header("a")]))]
)
def test_a_database_that_breaks_off_is_told(values, whole):
    for end in (0, 10, 600, len(whole) - 300):
        try:
            list(values(whole[:end]))
        except ValueError:
            continue
        assert end >= 512  # nothing but whole pages


def test_a_schema_that_never_ends_is_stopped():
    import sqlite3

    database = sqlite3.connect(":memory:")
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS blob FROM n"
    database.execute(f"CREATE VIEW Packages AS {endless}")
    with pytest.raises(ValueError, match="interrupted"):
        list(read_sqlite("rpmdb.sqlite", database.serialize()))
