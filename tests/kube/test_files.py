"""Walking folders: order, excludes, and everything that is not an ordinary file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transom.kube.files import Found, walk
from transom.model.findings import Skipped


def names(root: Path, *exclude: str) -> list[str]:
    return [os.path.relpath(item.path, root) for item in walk(str(root), exclude) if isinstance(item, Found)]


def skips(root: Path) -> list[Skipped]:
    return [item for item in walk(str(root)) if isinstance(item, Skipped)]


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


def test_the_templates_of_a_chart_are_one_skip_and_the_rest_is_read(folder: Path) -> None:
    chart = folder / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: x\n")
    (chart / "values.yaml").write_text("a: 1\n")
    (chart / "templates" / "t.yaml").write_text("{{ x }}\n")
    (skipped,) = skips(folder)
    assert "chart" in skipped.reason
    assert "helm template" in skipped.next_step
    assert [name for name in names(folder) if name.startswith("chart")] == ["chart/Chart.yaml", "chart/values.yaml"]


def test_a_name_that_is_no_text_is_shown_escaped(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")).write_text("a: 1\n")
    (found,) = [item for item in walk(str(tmp_path)) if isinstance(item, Found)]
    assert found.shown.endswith("\\xff.yaml")
    assert Path(found.path).read_text() == "a: 1\n"


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    (skipped,) = skips(tmp_path / "nowhere")
    assert "No such file" in skipped.reason
