"""Which files are looked into, and that no bytes bring a reader down."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.images.packages.elves import elf
from tests.images.packages.test_golang import LINES, inline, pointed
from tests.images.packages.test_node import PNPM5, PNPM9
from tests.images.packages.test_other_ecosystems import MODULE, SAMPLES, assembly
from tests.images.packages.test_rpm import hashed, header, slotted
from transom.images.packages import SELECTORS, Selection, owners, reader, sums_of
from transom.images.packages.sums import ALGORITHMS, of_md5sums

READERS = sorted({each.reader for each in SELECTORS})


def jar() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Implementation-Version: 1\n")
        archive.writestr("META-INF/maven/g/a/pom.xml", "<project><artifactId>a</artifactId></project>")
    return buffer.getvalue()


SEEDS = [
    elf({".go.buildinfo": inline(LINES)}),
    elf({}, loaded=pointed(LINES)),
    MODULE,
    PNPM5,
    PNPM9,
    assembly(True),
    jar(),
]
SEEDS += [hashed([header("a")]), slotted([header("a")]), *(content for _, content, _ in SAMPLES)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("usr/lib/sysimage/rpm/Packages.db", "rpm:read_ndb"),
        ("var/lib/rpm/rpmdb.sqlite", "rpm:read_sqlite"),
        ("app/lib/python3.11/site-packages/a-1.dist-info/METADATA", "python:read_metadata"),
        ("app/node_modules/a/package.json", "node:read_package"),
        ("usr/lib/x86_64-linux-gnu/libcrypto.so.3", "executables:read"),
        ("usr/lib/jvm/java-17-openjdk-amd64/release", "java:read_release"),
        ("app/app.jar", "java:read_archive"),
    ],
)
def test_what_is_installed_is_selected_in_images(path, name):
    selector = Selection().of(path)
    assert selector is not None
    assert selector.reader == name


@pytest.mark.parametrize("path", ["app/package-lock.json", "app/requirements.txt", "go.mod", "usr/lib/libm.so.6"])
def test_what_is_only_declared_is_not(path):
    assert Selection().of(path) is None


def test_a_file_that_may_be_run_is_selected_unless_its_suffix_says_script():
    selection = Selection()
    assert selection.of("app/server") is None
    assert selection.of("app/server", executable=True) is not None
    assert selection.of("app/server.sh", executable=True) is None


def survives(name: str, content: bytes) -> None:
    try:
        for package in reader(name)("x/y-1.0/METADATA", content):
            assert package.name
            assert package.kind
    except ValueError:
        pass


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=600))
def test_random_bytes_bring_no_reader_down(name, content):
    survives(name, content)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None)
@given(seed=st.sampled_from(SEEDS), at=st.floats(0, 1), piece=st.binary(max_size=12), cut=st.floats(0, 1))
def test_nor_do_files_that_are_nearly_right(name, seed, at, piece, cut):
    start = int(at * len(seed))
    broken = seed[:start] + piece + seed[start + len(piece) :]
    survives(name, broken[: int(cut * len(broken)) + 1] if cut < 0.5 else broken)


@pytest.mark.parametrize("name", sorted({each.sums for each in SELECTORS if each.sums}))
@settings(max_examples=80, deadline=None)
@given(seed=st.sampled_from([b"", b"P:a\nF:usr/bin\nR:b\na:0:0:755\nZ:Q1AAAA\n", *SEEDS]), piece=st.binary(max_size=40))
def test_nor_do_they_bring_down_what_reads_digests_and_owners(name, seed, piece):
    try:
        for each in sums_of(name)(seed + piece):
            assert each.algorithm in ALGORITHMS
    except ValueError:
        pass
    for wanted in {each.owners for each in SELECTORS if each.sums == name and each.owners}:
        with suppress(ValueError):
            list(owners(wanted)(piece + seed))


@given(st.binary(max_size=200))
def test_a_list_of_digests_may_be_any_bytes(content):
    told = of_md5sums("a", content + b"\n" + b"0" * 32 + b"  usr/bin/b\n")
    assert told.files["usr/bin/b"] == bytes(16)
