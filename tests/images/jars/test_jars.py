"""Jars that do not say what they are, known by their SHA-1 from an index that somebody made."""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.images.packages.test_java import packed, properties
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from transom.images.jars.building import build_jars
from transom.images.jars.index import JarIndex
from transom.images.jars.sources import of_published, rows
from transom.images.opening import ImageOptions
from transom.images.packages.java import read_archive
from transom.images.targets import inspected
from transom.model.errors import TransomError

PLAIN = packed({"org/x/A.class": b"1"})
SHA1 = hashlib.sha1(PLAIN).hexdigest()


def built(folder: Path, text: str) -> str:
    (folder / "jars.csv").write_text(text)
    build_jars([str(folder / "jars.csv")], folder / "jars.db")
    return str(folder / "jars.db")


def published(*documents: dict[str, str]) -> bytes:
    """The index of a repository, as Maven's indexer packs it."""
    out = b"\x01" + struct.pack(">q", 0)
    for document in documents:
        out += struct.pack(">i", len(document))
        for name, value in document.items():
            out += struct.pack(">BH", 1, len(name)) + name.encode() + struct.pack(">i", len(value)) + value.encode()
    return gzip.compress(out)


@pytest.mark.parametrize(
    "line",
    [f"{SHA1},org.x,thing,1.2", f"{SHA1.upper()},org.x:thing:1.2", f"sha1,what\n{SHA1},org.x:thing:1.2"],
    ids=["names", "colons", "a heading"],
)
def test_a_table_of_text_is_a_source(tmp_path: Path, line: str) -> None:
    assert JarIndex(built(tmp_path, line)).of(SHA1) == ("org.x", "thing", "1.2")


def test_a_repository_in_a_folder_is_a_source(tmp_path: Path) -> None:
    folder = tmp_path / "repository/org/x/thing/1.2"
    folder.mkdir(parents=True)
    (folder / "thing-1.2.jar").write_bytes(PLAIN)
    (folder / "thing-1.2-sources.jar").write_bytes(b"sources")
    told = folder.parent / "1.3"
    told.mkdir()
    (told / "thing-1.3.jar").write_bytes(b"")
    (told / "thing-1.3.jar.sha1").write_text("ab" * 20 + "  thing-1.3.jar\n")
    assert list(rows(str(tmp_path / "repository"))) == [
        (bytes.fromhex(SHA1), "org.x", "thing", "1.2"),
        (b"\xab" * 20, "org.x", "thing", "1.3"),
    ]


def test_the_index_that_a_repository_publishes_is_a_source(tmp_path: Path) -> None:
    content = published(
        {"u": "org.x|thing|1.2|NA|jar", "1": SHA1, "n": "Thing"}, {"del": "org.x|old|1"}, {"DESCRIPTOR": "x"}
    )
    (tmp_path / "nexus-maven-repository-index.gz").write_bytes(content)
    assert list(rows(str(tmp_path / "nexus-maven-repository-index.gz"))) == [
        (bytes.fromhex(SHA1), "org.x", "thing", "1.2")
    ]


def test_an_index_of_another_is_a_source_and_may_stand_for_ours(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "trivy-java.db") as database:
        database.execute("CREATE TABLE artifacts (id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)")
        database.execute(
            "CREATE TABLE indices (artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, license TEXT)"
        )
        database.execute("INSERT INTO artifacts VALUES (1, 'org.x', 'thing')")
        database.execute("INSERT INTO indices VALUES (1, '1.2', ?, 'jar', '')", (bytes.fromhex(SHA1),))
    database.close()
    assert list(rows(str(tmp_path / "trivy-java.db"))) == [(bytes.fromhex(SHA1), "org.x", "thing", "1.2")]
    assert JarIndex(str(tmp_path / "trivy-java.db")).of(SHA1) == ("org.x", "thing", "1.2")


def test_the_first_source_that_knows_a_jar_decides(tmp_path: Path) -> None:
    index = JarIndex(built(tmp_path, f"{SHA1},org.x,thing,1.2\n{SHA1},org.copied,thing,1.2"))
    assert index.of(SHA1) == ("org.x", "thing", "1.2")


def test_what_no_index_knows_is_not_known(tmp_path: Path) -> None:
    index = JarIndex(built(tmp_path, f"{SHA1},org.x,thing,1.2"))
    assert index.of("0" * 40) is None
    assert index.of("x") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\nc,d\n", gzip.compress(b"x" * 100), b"SQLite format 3\0rubbish" * 30],
    ids=["empty", "no digests", "gzip", "no database"],
)
def test_a_source_that_is_none_is_told_and_leaves_the_old_index(tmp_path: Path, content: bytes) -> None:
    path = built(tmp_path, f"{SHA1},org.x,thing,1.2")
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(TransomError):
        build_jars([str(tmp_path / "bad")], Path(path))
    assert JarIndex(path).of(SHA1) is not None
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bad", "jars.csv", "jars.db"]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_a_published_index(content: bytes) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(gzip.compress(content))
        file.flush()
        try:
            list(of_published(file.name))
        except ValueError as error:
            assert "Maven repository" in str(error)


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_an_index_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "jars.db").write_bytes(content)
    with pytest.raises(TransomError, match="cannot read"):
        JarIndex(str(tmp_path / "jars.db"))


def test_a_jar_with_a_pom_needs_no_digest_and_a_guess_says_that_it_is_one() -> None:
    (told,) = read_archive("a.jar", packed(properties("g", "a", "1")))
    assert (told.evidence, told.sha1) == ("pom.properties", "")
    (guessed,) = read_archive("thing-1.1.jar", PLAIN)
    assert (guessed.evidence, guessed.sha1, guessed.version) == ("file-name", SHA1, "1.1")
    (manifest,) = read_archive("thing.jar", packed({"META-INF/MANIFEST.MF": "Implementation-Version: 1.1\n\n"}))
    assert (manifest.evidence, manifest.version) == ("manifest", "1.1")


def test_a_jar_in_an_image_is_what_the_index_knows(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    layout.image({"app/lib/thing.jar": PLAIN, "app/lib/thing-9.jar": packed({"b": b"2"})})
    target = f"image:{layout.folder}"
    fresh = ImageOptions(cached=False)
    assert [(each.name, each.version, each.evidence) for each in inspected(target, fresh).packages] == [
        ("thing", "9", "file-name")
    ]
    path = built(tmp_path, f"{SHA1},org.x,thing-core,1.2")
    found = inspected(target, ImageOptions(cached=False, jars=path)).packages
    assert [(each.namespace, each.name, each.version, each.evidence) for each in found] == [
        ("org.x", "thing-core", "1.2", "sha1"),
        ("thing", "thing", "9", "file-name"),
    ]
    assert not inspected(target, ImageOptions(cached=False, jars=path)).unnamed


def test_the_command_makes_an_index_and_a_bill_uses_it(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    layout.image({"app/lib/thing.jar": PLAIN})
    (tmp_path / "jars.csv").write_text(f"{SHA1},org.x,thing,1.2\n")
    transom = [sys.executable, "-m", "transom"]
    made = subprocess.run(
        [*transom, "db", "jars", "jars.csv"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert "1 jars of 1 artifacts" in made.stdout
    told = [*transom, "sbom", str(layout.folder), "--no-cache", "-o", "cyclonedx-json"]
    bill = subprocess.run(told, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "pkg:maven/org.x/thing@1.2" in bill
    assert SHA1 in bill
