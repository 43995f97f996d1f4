"""Walking folders: order, excludes, and everything that is not an ordinary file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from transom.kube.files import MAX_FOLDER_DEPTH, Found, FoundChart, walk
from transom.model.errors import UsageError
from transom.model.findings import Skipped


def names(root: Path, *exclude: str) -> list[str]:
    return [os.path.relpath(item.path, root) for item in walk(str(root), exclude) if isinstance(item, Found)]


def skips(root: Path) -> list[Skipped]:
    return [item for item in walk(str(root)) if isinstance(item, Skipped)]


def charts(root: Path, *exclude: str) -> list[FoundChart]:
    return [item for item in walk(str(root), exclude) if isinstance(item, FoundChart)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.yaml", "a.yml", "c.json", "notes.txt", "sub/d.yaml", ".git/e.yaml", "vendor/f.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("a: 1\n")
    return tmp_path


def test_manifests_come_in_one_order_and_vcs_folders_do_not(folder: Path) -> None:
    assert names(folder) == ["a.yml", "b.yaml", "c.json", "sub/d.yaml", "vendor/f.yaml"]


def test_excludes_follow_gitignore(folder: Path) -> None:
    assert names(folder, "vendor/", "*.json", "!c.json") == ["a.yml", "b.yaml", "c.json", "sub/d.yaml"]


def test_an_ignore_file_of_ours_is_obeyed(folder: Path) -> None:
    (folder / ".transomignore").write_text("# not ours\nsub/\n")
    assert "sub/d.yaml" not in names(folder)


def test_a_named_file_is_read_whatever_its_name(folder: Path) -> None:
    assert names(folder / "notes.txt") == ["."]


def test_a_fifo_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert "pipe.yaml" not in names(folder)
    assert any("FIFO" in skipped.reason for skipped in skips(folder))


def test_links_within_the_folder_are_read_once_and_loops_end(folder: Path) -> None:
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "again.yaml").symlink_to(folder / "b.yaml")
    assert names(folder).count("b.yaml") == 1
    assert "again.yaml" not in names(folder)


def test_links_that_leave_the_folder_or_lead_nowhere_are_told(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x.yaml"
    outside.write_text("a: 1\n")
    (folder / "out.yaml").symlink_to(outside)
    (folder / "gone.yaml").symlink_to(folder / "nothing.yaml")
    reasons = sorted(skipped.reason for skipped in skips(folder))
    assert reasons == ["it is a link that leaves the folder", "it is a link to nothing"]


def test_a_chart_is_one_thing_found_and_the_files_beside_it_are_read(folder: Path) -> None:
    chart = folder / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: x\n")
    (chart / "values.yaml").write_text("a: 1\n")
    (chart / "templates" / "t.yaml").write_text("{{ x }}\n")
    (found,) = charts(folder)
    assert found.shown == str(chart)
    assert [name for name in names(folder) if name.startswith("chart")] == ["chart/Chart.yaml", "chart/values.yaml"]


def test_a_name_that_is_no_text_is_shown_escaped(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")).write_text("a: 1\n")
    (found,) = [item for item in walk(str(tmp_path)) if isinstance(item, Found)]
    assert found.shown.endswith("\\xff.yaml")
    assert Path(found.path).read_text() == "a: 1\n"


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    (skipped,) = skips(tmp_path / "nowhere")
    assert "No such file" in skipped.reason


def test_what_steers_a_terminal_is_shown_escaped(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m\n.yaml").write_text("a: 1\n")
    (found,) = [item for item in walk(str(tmp_path)) if isinstance(item, Found)]
    assert found.shown.endswith("a\\x1b[31m\\n.yaml")


def test_names_are_ordered_by_their_bytes(tmp_path: Path) -> None:
    for name in ("b.yaml", "B.yaml", "é.yaml", "a-b.yaml", "a/x.yaml", "z.yaml", "😀.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert names(tmp_path) == ["B.yaml", "a/x.yaml", "a-b.yaml", "b.yaml", "z.yaml", "é.yaml", "😀.yaml"]


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_an_ignore_file_that_is_none_is_left_alone(folder: Path, kind: str) -> None:
    (os.mkfifo if kind == "fifo" else os.mkdir)(folder / ".transomignore")
    assert "b.yaml" in names(folder)


def test_a_pattern_that_means_nothing_is_a_mistake_of_usage(folder: Path) -> None:
    with pytest.raises(UsageError, match="gitignore"):
        names(folder, "!")


def test_a_link_to_a_fifo_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "link.yaml").symlink_to("pipe")
    assert ["FIFO" in skipped.reason for skipped in skips(folder)] == [True]


def test_a_socket_named_itself_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        (skipped,) = skips(tmp_path / "s")
    assert "neither file nor folder" in skipped.reason


def test_a_link_to_a_manifest_of_another_name_is_read_once(folder: Path) -> None:
    (folder / "l1.yaml").symlink_to("notes.txt")
    (folder / "l2.yaml").symlink_to("notes.txt")
    assert [name for name in names(folder) if name.startswith("l")] == ["l1.yaml"]


def test_a_mounted_volume_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "..2026_01").mkdir()
    (tmp_path / "..2026_01" / "a.yaml").touch()
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    assert names(tmp_path) == ["..2026_01/a.yaml"]
    assert skips(tmp_path) == []


def test_links_that_lead_to_themselves_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("b.yaml")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    assert [skipped.reason for skipped in skips(tmp_path)] == ["it is a link to nothing"] * 2


def test_an_excluded_chart_is_not_told_and_a_chart_within_one_not_twice(folder: Path) -> None:
    for chart in ("chart", "chart/charts/inner"):
        (folder / chart / "templates").mkdir(parents=True)
        (folder / chart / "Chart.yaml").touch()
    assert len(charts(folder)) == 1
    assert charts(folder, "chart/templates/") == []


def test_very_deep_folders_end_with_a_word(tmp_path: Path) -> None:
    here = tmp_path
    for _ in range(MAX_FOLDER_DEPTH + 5):
        here = here / "d"
        here.mkdir()
    assert ["deep" in skipped.reason for skipped in skips(tmp_path)] == [True]


def test_too_many_manifests_end_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (tmp_path / f"{number}.yaml").touch()
    monkeypatch.setattr("transom.kube.files.MAX_FILES", 3)
    assert len(names(tmp_path)) == 3
    assert ["more than" in skipped.reason for skipped in skips(tmp_path)] == [True]
