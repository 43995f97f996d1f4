"""A folder is read as it lies, whoever changes it meanwhile: no link leads anywhere, nothing special is opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transom.images.layers.folders import entries_below, opened
from transom.images.layers.reading import Wanted, read_entries
from transom.images.layers.record import LayerRecord, Unread
from transom.images.packages import Selection

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="devices and trusted attributes need root")


def kinds(root: Path, overlay: bool = False) -> dict[str, str]:
    unread: list[Unread] = []
    found = {entry.path: entry.kind for entry, _ in entries_below(str(root), unread, overlay)}
    assert not unread
    return found


def record(root: Path, overlay: bool = False) -> LayerRecord:
    return read_entries("", entries_below(str(root), [], overlay), Wanted(Selection()))


def test_entries_are_told_in_a_stable_order_with_folders_before_what_is_in_them(tmp_path: Path) -> None:
    for path in ("b/c", "a", "b/a/d"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    assert list(kinds(tmp_path)) == ["a", "b", "b/a", "b/c", "b/a/d"]


def test_a_folder_that_became_a_link_meanwhile_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "os-release").write_text("ID=secret\n")
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "os-release").write_text("ID=debian\n")
    entries = entries_below(str(root), unread := [])
    content = next(content for entry, content in entries if entry.path == "etc/os-release")
    (root / "etc").rename(root / "was")
    (root / "etc").symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match=r"Not a directory|symbolic links"):
        content.content()
    assert not unread


def test_a_folder_that_became_a_link_before_it_is_listed_is_told(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    unread: list[Unread] = []
    entries = entries_below(str(root), unread)
    assert next(entries)[0].path == "etc"
    (root / "etc").rmdir()
    (root / "etc").symlink_to("/etc")
    assert not list(entries)
    assert [each.path for each in unread] == ["etc"]


@pytest.mark.parametrize("path", ["link/passwd", "link", "a/../../x"])
def test_no_step_of_a_path_is_a_link(tmp_path: Path, path: str) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(OSError, match=r"Not a directory|symbolic links|No such file"):
        os.close(opened(str(tmp_path), path))


def test_descriptors_are_closed_whatever_happens(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in ("a/b/c", "a/b", "x/y", ""):
        try:
            os.close(opened(str(tmp_path), path))
        except OSError:
            continue
    list(entries_below(str(tmp_path), []))
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_pipe_is_never_opened_and_a_socket_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mknod(tmp_path / "socket", 0o600 | 0o140000)
    assert kinds(tmp_path) == {"pipe": "fifo", "socket": "fifo"}
    assert record(tmp_path).entries == 2


@ROOT
def test_marks_of_an_overlay_take_away(tmp_path: Path) -> None:
    os.mknod(tmp_path / "gone", 0o020000, 0)
    for number, attribute in enumerate(("trusted.overlay.opaque", "user.overlay.opaque", "user.fuseoverlayfs.opaque")):
        (tmp_path / str(number)).mkdir()
        os.setxattr(tmp_path / str(number), attribute, b"y")
    found = record(tmp_path, overlay=True)
    assert (found.whiteouts, sorted(found.opaque)) == (["gone"], ["0", "1", "2"])
    assert not record(tmp_path).whiteouts


@ROOT
def test_another_device_is_no_mark(tmp_path: Path) -> None:
    os.mknod(tmp_path / "null", 0o020000, os.makedev(1, 3))
    assert not record(tmp_path, overlay=True).whiteouts


@ROOT
def test_what_is_mounted_into_a_root_is_left_out_where_that_is_asked_for() -> None:
    top = [entry.path for entry, _ in entries_below("/dev", [], one_device=True)]
    assert not [each for each in top if each.startswith(("pts/", "shm/", "mqueue/"))]


def test_names_that_are_no_utf8_are_read(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe")).write_text("x")
    assert [os.fsencode(each) for each in kinds(tmp_path)] == [b"\xff\xfe"]


def test_more_entries_than_allowed_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.images.layers.folders.MAX_ENTRIES", 3)
    for number in range(5):
        (tmp_path / str(number)).write_text("")
    unread: list[Unread] = []
    assert len(list(entries_below(str(tmp_path), unread))) == 3
    assert "more than 3 entries" in unread[0].reason
