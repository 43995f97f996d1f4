"""Images in files."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.registry.conftest import Layout, tar_of
from transom.model.errors import TransomError
from transom.registry import layouts
from transom.registry.blobs import MANIFESTS, Platform
from transom.registry.layouts import is_layout, open_repository, read_layout

MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"


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


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_an_archive_that_was_packed_as_a_whole_is_read(
    layout: Layout, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    layout.image({"etc/a": b"x"})
    with tarfile.open(tmp_path / "plain.tar", "w") as archive:
        archive.add(layout.folder, ".")
    path = tmp_path / "a.tar.packed"
    path.write_bytes(pack((tmp_path / "plain.tar").read_bytes()))
    assert is_layout(str(path))
    found = read_layout(str(path), spool=str(tmp_path))
    with found.blobs.open(found.layers[0].descriptor) as stream:
        assert stream.read(2) == b"\x1f\x8b"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.tar.packed", "layout", "plain.tar"]


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(5_000_000)))
    monkeypatch.setattr(layouts, "MAX_ARCHIVE_BYTES", 1_000_000)
    with pytest.raises(TransomError, match="unpacks to more"):
        read_layout(str(path))


@pytest.mark.parametrize(
    "content",
    [b"\x1f\x8b\x08rubbish", b"\x28\xb5\x2f\xfdrubbish", gzip.compress(b"x" * 9000)[:-9]],
    ids=["gzip", "zstd", "cut short"],
)
def test_a_packed_archive_that_is_broken_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    with pytest.raises(TransomError, match=r"a\.tar\.gz"):
        read_layout(str(path))


def test_layers_of_a_saved_image_may_be_links_to_others(tmp_path: Path) -> None:
    layer = tar_of({"etc/a": b"x"})
    diff_id = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [diff_id, diff_id]}}).encode()
    saved = [{"Config": "c.json", "RepoTags": None, "Layers": ["one/layer.tar", "two/layer.tar"]}]
    files = {"c.json": config, "one/layer.tar": layer, "two/layer.tar": b"->../one/layer.tar"}
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of({**files, "manifest.json": json.dumps(saved).encode()}))
    found = read_layout(str(path))
    for each in found.layers:
        with found.blobs.open(each.descriptor) as stream:
            assert stream.read() == layer


@pytest.mark.parametrize("target", ["../two/layer.tar", "/etc/passwd", "../../../../etc/passwd", "nowhere"])
def test_links_of_a_saved_image_lead_round_or_out_to_nothing(tmp_path: Path, target: str) -> None:
    diff_id = f"sha256:{'0' * 64}"
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()
    saved = [{"Config": "c.json", "Layers": ["two/layer.tar"]}]
    files = {"c.json": config, "two/layer.tar": f"->{target}".encode(), "manifest.json": json.dumps(saved).encode()}
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(files))
    found = read_layout(str(path))
    with pytest.raises(TransomError, match="no blob"):
        found.blobs.open(found.layers[0].descriptor)


def test_an_index_within_an_index_is_followed_and_attestations_are_passed_by(layout: Layout) -> None:
    image = layout.image({"etc/a": b"x"})
    attested = layout.image({"b": b"x"}, name="other")
    inner = layout.index(
        {**attested, "platform": {"os": "unknown", "architecture": "unknown"}},
        {**image, "platform": {"os": "linux", "architecture": "amd64"}},
    )
    layout.index({**inner, "platform": {"os": "linux", "architecture": "amd64"}})
    found = read_layout(str(layout.folder), "latest", Platform("linux", "amd64"))
    assert found.digest == image["digest"]


def test_an_artifact_is_called_one(layout: Layout) -> None:
    kind = "application/vnd.cncf.helm.config.v1+json"
    manifest = {
        "schemaVersion": 2,
        "config": layout.blob(b'{"name": "chart"}', kind),
        "layers": [layout.blob(b"x", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
    }
    layout.add(layout.blob(json.dumps(manifest).encode(), MANIFESTS[0]))
    with pytest.raises(TransomError, match=r"artifact .*helm"):
        read_layout(str(layout.folder))


def attached(layout: Layout, image: dict[str, object], name: str = "", **more: object) -> dict[str, object]:
    """Add a manifest that says something of an image."""
    made = {"schemaVersion": 2, "mediaType": MANIFEST, "config": layout.blob(b"{}", "text/plain"), "layers": [], **more}
    made["annotations"] = {"of": str(image["digest"])}
    descriptor = layout.blob(json.dumps(made).encode(), MANIFEST)
    layout.add({**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}} if name else descriptor)
    return descriptor


def test_what_refers_to_an_image_is_no_image(layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    tag = str(image["digest"]).replace(":", "-")
    attached(layout, image, f"{tag}.sig")
    attached(layout, image, subject=image)
    assert read_layout(str(layout.folder)).digest == image["digest"]


def test_what_refers_to_an_image_is_found_by_its_subject_and_by_its_tag(layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    tag = str(image["digest"]).replace(":", "-")
    by_subject = attached(layout, image, subject=image)
    by_tag = attached(layout, image, f"{tag}.sig")
    repository = open_repository(str(layout.folder))
    assert [each.digest for each in repository.referrers(str(image["digest"]))] == [by_subject["digest"]]
    found = repository.tagged(f"{tag}.sig")
    assert found is not None
    assert found.digest == by_tag["digest"]
    assert repository.tagged("nothing") is None


def test_a_list_of_referrers_is_read_by_its_tag(layout: Layout) -> None:
    image = layout.image({"a": b"1"})
    held = layout.blob(b"{}", MANIFEST)
    listed = layout.blob(json.dumps({"schemaVersion": 2, "manifests": [held]}).encode(), INDEX)
    name = str(image["digest"]).replace(":", "-")
    layout.add({**listed, "annotations": {"org.opencontainers.image.ref.name": name}})
    repository = open_repository(str(layout.folder))
    assert [each.digest for each in repository.referrers(str(image["digest"]))] == [held["digest"]]


def test_a_saved_archive_of_docker_is_no_place_of_signatures(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(TransomError, match="no OCI layout"):
        open_repository(str(tmp_path))


def test_a_manifest_that_is_no_text_is_told(layout: Layout) -> None:
    descriptor = layout.blob(b'{"mediaType": "\xff"}', MANIFEST)
    layout.add(descriptor)
    with pytest.raises(TransomError, match="cannot read"):
        read_layout(str(layout.folder))
