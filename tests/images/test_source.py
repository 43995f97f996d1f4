"""Images and root file systems are targets of a scan, judged by rules over one object."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.images.layers.making import DATABASE, status
from tests.registry.conftest import Layout, layout, pushed, registry  # noqa: F401 - fixtures
from transom.images.layers import reading
from transom.images.opening import ImageOptions
from transom.images.source import image_object
from transom.images.targets import inspected
from transom.inventory import Inventory
from transom.model.findings import Finding, Result, Skipped
from transom.rules.load import builtin_pack
from transom.scan import ScanOptions, scan

PACK = builtin_pack()
FRESH = ImageOptions(cached=False)
OPTIONS = ScanOptions(policies=PACK.policies, checks=PACK.checks, images=FRESH)
SYSTEM = {DATABASE: status("base-files", "openssl"), "etc/os-release": b'ID=debian\nVERSION_ID="12"\n'}


def results(target: str) -> list[Result]:
    return list(scan([target], OPTIONS, Inventory()))


def rules(target: str) -> set[str]:
    return {each.rule for each in results(target) if isinstance(each, Finding)}


def skipped(target: str) -> list[str]:
    return [each.reason for each in results(target) if isinstance(each, Skipped)]


def test_an_image_is_judged(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM, User="1000", Healthcheck={"Test": ["CMD", "true"]})
    assert rules(f"image:{layout.folder}") == set()


def test_an_image_of_root_with_a_password_is_found(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM, Env=["PATH=/bin", "DB_PASSWORD=hunter2hunter2"], Healthcheck={"Test": ["CMD", "true"]})
    assert rules(f"image:{layout.folder}") == {"image-root-user", "image-secret-variable"}


def test_no_value_of_a_variable_is_told(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM, Env=["DB_PASSWORD=hunter2hunter2"])
    assert "hunter2" not in str(image_object(inspected(f"image:{layout.folder}", FRESH), "a"))


def test_a_database_that_was_taken_away_is_found(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM, {"var/lib/dpkg/.wh.status": b"", "etc/.wh.os-release": b""}, User="1")
    assert rules(f"image:{layout.folder}") >= {"image-database-removed"}


def test_packages_of_a_database_that_was_taken_away_still_count(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM, {"var/lib/dpkg/.wh.status": b""}, User="1")
    found = inspected(f"image:{layout.folder}", FRESH).packages
    assert [(each.name, each.evidence) for each in found] == [("base-files", "dpkg-hidden"), ("openssl", "dpkg-hidden")]


CHANGELOG = gzip.compress(b"openssl (3.0.11-1~deb12u2) bookworm; urgency=medium\n\n  * Fix.\n\n -- A <a@b.c>  Mon\n")


def test_packages_without_a_database_are_known_by_their_changelogs(layout: Layout) -> None:  # noqa: F811
    documents = {"usr/share/doc/libssl3/changelog.Debian.gz": CHANGELOG, "usr/share/doc/x/changelog.gz": b"\x1f\x8b"}
    layout.image({**documents, "usr/share/doc/y/changelog.gz": gzip.compress(b"Version 1.0: first\n")})
    found = inspected(f"image:{layout.folder}", FRESH)
    assert [(each.name, each.version, each.source_name, each.evidence) for each in found.packages] == [
        ("libssl3", "3.0.11-1~deb12u2", "openssl", "changelog")
    ]
    assert str(found.distro) == "debian-12"


def test_a_package_cut_out_with_its_list_is_found_by_its_changelog(layout: Layout) -> None:  # noqa: F811
    layout.image({**SYSTEM, "usr/share/doc/libssl3/changelog.Debian.gz": CHANGELOG})
    assert "image-database-altered" in rules(f"image:{layout.folder}")


def test_a_changelog_of_a_known_package_tells_nothing_more(layout: Layout) -> None:  # noqa: F811
    """A removed package may leave documents, and one package may keep those of another (perl-base those of perl)."""
    removed = b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
    files = {**SYSTEM, DATABASE: status("base-files", "openssl") + removed}
    files |= {f"usr/share/doc/{name}/changelog.Debian.gz": CHANGELOG for name in ("openssl", "gone", "kept")}
    files["var/lib/dpkg/info/openssl.list"] = b"/.\n/usr/share/doc/kept/changelog.Debian.gz\n"
    layout.image(files, {"usr/share/doc/.wh.openssl": b""})
    assert [each.name for each in inspected(f"image:{layout.folder}", FRESH).packages] == ["base-files", "openssl"]
    assert not rules(f"image:{layout.folder}") & {"image-database-altered", "image-evidence-hidden"}


def test_a_system_without_its_name_is_found_and_inferred(layout: Layout) -> None:  # noqa: F811
    layout.image({DATABASE: status("a").replace(b"1.0-1", b"1.0-1+deb12u3")})
    assert "image-system-untold" in rules(f"image:{layout.folder}")
    assert str(inspected(f"image:{layout.folder}", FRESH).distro) == "debian-12"


def test_a_package_cut_out_of_the_database_is_found(layout: Layout) -> None:  # noqa: F811
    layout.image({**SYSTEM, "var/lib/dpkg/info/hidden.list": b"/.\n"})
    assert "image-database-altered" in rules(f"image:{layout.folder}")


def test_a_program_that_was_written_over_is_found_with_its_instruction(layout: Layout) -> None:  # noqa: F811
    listed = f"{'0' * 32}  usr/lib/libssl.so.3\n".encode()
    layout.image({**SYSTEM, "usr/lib/libssl.so.3": b"a", "var/lib/dpkg/info/openssl.md5sums": listed}, User="1")
    assert "image-altered-package-file" in rules(f"image:{layout.folder}")
    (told,) = image_object(inspected(f"image:{layout.folder}", FRESH), "a")["altered"]
    assert (told["name"], told["package"]) == ("usr/lib/libssl.so.3", "openssl")


def test_a_package_that_a_program_tells_counts_where_no_database_knows_it(layout: Layout) -> None:  # noqa: F811
    from tests.images.packages.elves import elf
    from tests.images.packages.test_other_ecosystems import NOTED

    libraries = {"usr/lib64/libssl.so.3": elf({".note.package": NOTED})}
    layout.image(libraries)
    (package,) = inspected(f"image:{layout.folder}", FRESH).packages
    assert (package.name, package.evidence) == ("openssl", "elf-note")
    manifest = b"openssl-libs\t3.1.1-4.fc39\t1\t1\tV\t(none)\t1\tx86_64\t0\topenssl-3.1.1-4.fc39.src.rpm\n"
    layout.image({**libraries, "var/lib/rpmmanifest/container-manifest-2": manifest}, name="db")
    found = inspected(f"image:{layout.folder}#db", FRESH).packages
    assert [each.name for each in found] == ["openssl-libs"]


def test_a_database_behind_a_hard_link_is_read(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from tests.images.layers.making import entry, hardlink, tar
    from tests.registry import conftest

    monkeypatch.setattr(conftest, "tar_of", lambda files: tar([entry("x", status("a")), hardlink(DATABASE, "x")]))
    layout.image({})
    assert [each.name for each in inspected(f"image:{layout.folder}", FRESH).packages] == ["a"]


def test_a_layer_that_breaks_off_makes_the_scan_incomplete_and_keeps_the_rest(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM, {"a": b"x" * 100_000})
    manifest = json.loads((layout.folder / "blobs/sha256" / layout.manifests[0]["digest"][7:]).read_text())
    blob = layout.folder / "blobs/sha256" / manifest["layers"][1]["digest"][7:]
    blob.write_bytes(blob.read_bytes()[:50])
    assert any("breaks off" in reason or "digest" in reason for reason in skipped(f"image:{layout.folder}"))
    assert len(inspected(f"image:{layout.folder}", FRESH).packages) == 2


def test_a_layer_that_is_missing_is_told(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM)
    manifest = json.loads((layout.folder / "blobs/sha256" / layout.manifests[0]["digest"][7:]).read_text())
    (layout.folder / "blobs/sha256" / manifest["layers"][0]["digest"][7:]).unlink()
    assert any("there is no blob" in reason for reason in skipped(f"image:{layout.folder}"))


@pytest.mark.parametrize("target", ["image:UPPER CASE", "image:/dev/null", "dir:/nowhere/at/all"])
def test_what_is_no_image_is_told(target: str) -> None:
    assert len(skipped(target)) == 1


def test_a_folder_is_read_like_an_image(tmp_path: Path) -> None:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / DATABASE).write_bytes(status("a", "b"))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").symlink_to("../usr/lib/os-release")
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "usr/lib/os-release").write_text("ID=debian\nVERSION_ID=12\n")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "secret").write_text("")
    found = inspected(f"dir:{tmp_path}", FRESH)
    assert [each.name for each in found.packages] == ["a", "b"]
    assert str(found.distro) == "debian-12"
    assert rules(f"dir:{tmp_path}") == set()


def test_a_pipe_in_a_folder_is_never_opened(tmp_path: Path) -> None:
    import os

    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    os.mkfifo(tmp_path / DATABASE)
    assert not inspected(f"dir:{tmp_path}", FRESH).packages


def test_a_second_look_reads_no_layer(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    layout.image(SYSTEM)
    first = inspected(f"image:{layout.folder}", ImageOptions())
    monkeypatch.setattr(reading, "read_layer", None)
    assert inspected(f"image:{layout.folder}", ImageOptions()).packages == first.packages


def test_an_image_of_a_registry_is_judged(pushed: Any, layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM)
    assert "image-root-user" in rules(f"image:{pushed('shop/web:1')}")


def test_an_image_travels_in_a_snapshot(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    layout.image(SYSTEM)
    words = [sys.executable, "-m", "transom", "snapshot", f"image:{layout.folder}", "--no-cache", "-o"]
    subprocess.run([*words, str(tmp_path / "a.transom")], check=True, capture_output=True)
    assert "image-root-user" in rules(str(tmp_path / "a.transom"))


def test_what_docker_saved_is_read_alike(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    layout.image(SYSTEM)
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.add(layout.folder, ".")
    assert (
        inspected(f"image:{tmp_path}/image.tar", FRESH).packages == inspected(f"image:{layout.folder}", FRESH).packages
    )
