"""Charts are read whole, within limits, and never beyond their own folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from transom.kube.charts import files
from transom.kube.charts.files import absent_dependencies, packed, read_chart
from transom.model.errors import TransomError


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text("a: 1\n")
    (folder / "templates" / "a.yaml").write_text("a: {{ .Values.a }}\n")
    return folder


def test_a_folder_and_its_archive_read_alike(chart: Path, tmp_path: Path) -> None:
    read = read_chart(str(chart), "web")
    archive = tmp_path / "web.tgz"
    archive.write_bytes(packed(read))
    again = read_chart(str(archive), "web.tgz")
    assert again.files == read.files
    assert packed(read) == packed(again)


def test_links_out_of_the_chart_are_left_out_and_told(chart: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("a: 1\n")
    (chart / "templates" / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    read = read_chart(str(chart), "web")
    assert read.outside == ["templates/out.yaml"]
    assert "templates/out.yaml" not in read.files


def test_an_archive_that_escapes_is_left_out_and_told(tmp_path: Path) -> None:
    archive = tmp_path / "x.tgz"
    with tarfile.open(archive, "w:gz") as out:
        for name, content in (("x/Chart.yaml", b"name: x\n"), ("x/../../etc/passwd", b"a")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    read = read_chart(str(archive), "x.tgz")
    assert list(read.files) == ["Chart.yaml"]
    assert read.outside == ["x/../../etc/passwd"]


def test_too_many_files_are_refused(chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_CHART_FILES", 2)
    with pytest.raises(TransomError, match="too large"):
        read_chart(str(chart), "web")


def test_a_large_file_is_refused(chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 10)
    with pytest.raises(TransomError, match="too large"):
        read_chart(str(chart), "web")


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n", "name: 1\n"])
def test_a_chart_file_that_names_no_chart_is_refused(chart: Path, text: str) -> None:
    (chart / "Chart.yaml").write_text(text)
    with pytest.raises(TransomError, match=r"Chart\.yaml"):
        read_chart(str(chart), "web")


def test_what_helmignore_names_is_left_out(chart: Path) -> None:
    (chart / ".helmignore").write_text("# no\ntemplates/a.yaml\n")
    assert "templates/a.yaml" not in read_chart(str(chart), "web").files


def test_dependencies_that_are_not_there_are_told(chart: Path) -> None:
    with (chart / "Chart.yaml").open("a") as out:
        out.write("dependencies:\n- {name: db, version: 1.0.0}\n- {name: cache, version: 1.0.0}\n- {name: mq}\n")
    (chart / "charts" / "database").mkdir(parents=True)
    (chart / "charts" / "database" / "Chart.yaml").write_text("name: db\n")
    (chart / "charts" / "cache-1.0.0.tgz").touch()
    assert list(absent_dependencies(read_chart(str(chart), "web"))) == ["mq"]
