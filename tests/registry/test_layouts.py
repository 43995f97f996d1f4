"""Images in files."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.registry.conftest import Layout
from transom.model.errors import TransomError
from transom.registry.blobs import Platform
from transom.registry.layouts import is_layout, read_layout


def test_a_layout_is_read(layout: Layout) -> None:
    layout.image({"a": b"1"}, {"b": b"2"})
    image = read_layout(str(layout.folder))
    assert image.name == "latest"
    assert [layer.created_by for layer in image.layers] == ["step 0", "step 1"]
    assert image.config["architecture"] == "amd64"


def test_a_tar_of_a_layout_is_read_alike(layout: Layout, tmp_path: Path) -> None:
    layout.image({"a": b"1"})
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.add(layout.folder, ".")
    assert is_layout(str(tmp_path / "image.tar"))
    assert read_layout(str(tmp_path / "image.tar")).digest == read_layout(str(layout.folder)).digest


def test_what_docker_saves_is_read_alike(layout: Layout, tmp_path: Path) -> None:
    program = shutil.which("skopeo")
    if not program:
        pytest.skip("there is no skopeo here: apt-get install skopeo")
    layout.image({"a": b"1"}, {"b": b"2"})
    target = f"docker-archive:{tmp_path}/saved.tar:example.com/a:1"
    subprocess.run([program, "copy", "--quiet", f"oci:{layout.folder}:latest", target], check=True, capture_output=True)
    saved, plain = read_layout(str(tmp_path / "saved.tar")), read_layout(str(layout.folder))
    assert saved.name == "example.com/a:1"
    assert [layer.diff_id for layer in saved.layers] == [layer.diff_id for layer in plain.layers]


def test_an_index_is_chosen_from_by_platform(layout: Layout) -> None:
    arm = {"architecture": "arm64", "os": "linux"}
    images = [
        {**layout.image({"a": b"1"}, name="x"), "platform": {"architecture": "amd64", "os": "linux"}},
        {**layout.image({"a": b"2"}, name="y", architecture="arm64"), "platform": arm},
        {**layout.image({"a": b"3"}, name="z"), "platform": {"architecture": "unknown", "os": "unknown"}},
    ]
    layout.index(*images)
    found = read_layout(str(layout.folder), platform=Platform("linux", "arm64"))
    assert found.platform.architecture == "arm64"
    assert found.index_digest
    with pytest.raises(TransomError, match="no image for linux/s390x"):
        read_layout(str(layout.folder), platform=Platform("linux", "s390x"))


def test_one_of_several_images_is_named(layout: Layout) -> None:
    layout.image({"a": b"1"}, name="one")
    second = layout.image({"a": b"2"}, name="two")
    assert read_layout(str(layout.folder), "two").digest == second["digest"]
    with pytest.raises(TransomError, match="several images"):
        read_layout(str(layout.folder))
    with pytest.raises(TransomError, match="no image three"):
        read_layout(str(layout.folder), "three")


def test_a_manifest_that_is_not_what_its_digest_says_is_refused(layout: Layout) -> None:
    digest = layout.image({"a": b"1"})["digest"].partition(":")[2]
    (layout.folder / "blobs" / "sha256" / digest).write_text("{}")
    with pytest.raises(TransomError, match="not what it should be"):
        read_layout(str(layout.folder))


def test_a_missing_blob_is_told(layout: Layout) -> None:
    digest = layout.image({"a": b"1"})["digest"].partition(":")[2]
    (layout.folder / "blobs" / "sha256" / digest).unlink()
    with pytest.raises(TransomError, match="there is no blob"):
        read_layout(str(layout.folder))


def test_a_blob_never_leads_out_of_the_layout(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    layout.add({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "../../../secret:x", "size": 1})
    with pytest.raises(TransomError):
        read_layout(str(layout.folder))


@pytest.mark.parametrize(
    "manifest",
    [
        {"schemaVersion": 1, "fsLayers": []},
        {"schemaVersion": 2, "mediaType": "x"},
        {"schemaVersion": 2, "config": 1},
        [],
    ],
)
def test_what_is_no_image_is_told(layout: Layout, manifest: object) -> None:
    layout.add(layout.blob(json.dumps(manifest).encode(), "application/vnd.oci.image.manifest.v1+json"))
    with pytest.raises(TransomError):
        read_layout(str(layout.folder))


def test_indexes_without_end_are_told(layout: Layout) -> None:
    inner = layout.image({"a": b"1"})
    for _ in range(6):
        inner = layout.index(inner)
    with pytest.raises(TransomError, match="without end"):
        read_layout(str(layout.folder))


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 10_240])
def test_other_files_are_no_layouts(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tar").write_bytes(content)
    assert not is_layout(str(tmp_path / "x.tar"))
