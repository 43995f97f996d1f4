"""What containerd keeps is read without it: names, blobs, and unpacked layers where blobs are gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.registry.bolts import database
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from tests.registry.runtimes import Containerd, containerd, system  # noqa: F401 - a fixture
from transom.images.cache import LayerCache
from transom.images.inspection import inspect
from transom.model.errors import TransomError
from transom.registry.blobs import Image
from transom.registry.containerd import CONTENT, METADATA, kept_containers, read_containerd, root_of

FRESH = LayerCache(None)


def node(tmp_path: Path, layout: Layout, *namespaces: str, **names: dict[str, Any]) -> Path:  # noqa: F811
    """Return the root of a containerd that has the blobs of a layout, and images by their names."""
    root = tmp_path / "containerd"
    (root / CONTENT).parent.mkdir(parents=True)
    (layout.folder / "blobs").rename(root / CONTENT)
    tree = {
        space.encode(): {b"images": {name.encode(): image(each) for name, each in names.items()}}
        for space in namespaces or ("k8s.io",)
    }
    (root / METADATA).parent.mkdir()
    (root / METADATA).write_bytes(database({b"v1": tree}))
    return root


def image(descriptor: dict[str, Any]) -> dict[bytes, Any]:
    target = {b"digest": descriptor["digest"].encode(), b"mediatype": descriptor["mediaType"].encode(), b"size": b"\2"}
    return {b"createdat": b"", b"target": target}


def packages(found: Image) -> list[str]:
    return [each.name for each in inspect(found, FRESH).packages if each.kind == "deb"]


@pytest.mark.parametrize("wanted", ["web:1", "docker.io/library/web:1", "{digest}", "{short}"])
def test_an_image_is_found_as_tools_name_it(tmp_path: Path, layout: Layout, wanted: str) -> None:  # noqa: F811
    made = layout.image({"etc/a": b"x"})
    root = node(tmp_path, layout, **{"docker.io/library/web:1": made, "docker.io/library/other:1": layout.image({})})
    digest = made["digest"]
    found = read_containerd(wanted.format(digest=digest, short=digest[7:20]), str(root))
    assert (found.name, found.digest) == ("docker.io/library/web:1", digest)


def test_an_image_that_is_not_there_is_told_with_those_that_are(tmp_path: Path, layout: Layout) -> None:  # noqa: F811
    root = node(tmp_path, layout, **{"docker.io/library/web:1": layout.image({})})
    with pytest.raises(TransomError, match=r"docker.io/library/web:1"):
        read_containerd("web:2", str(root))


def test_one_image_in_two_namespaces_is_one(tmp_path: Path, layout: Layout) -> None:  # noqa: F811
    root = node(tmp_path, layout, "k8s.io", "moby", **{"docker.io/library/web:1": layout.image({})})
    assert read_containerd("web:1", str(root)).digest


def test_two_images_of_one_name_ask_for_a_namespace(tmp_path: Path, layout: Layout) -> None:  # noqa: F811
    first, second = layout.image({"a": b"1"}), layout.image({"a": b"2"})
    root = node(tmp_path, layout, **{"docker.io/library/web:1": first})
    spaces = {
        space: {b"images": {b"docker.io/library/web:1": image(each)}} for space, each in ((b"a", first), (b"b", second))
    }
    (root / METADATA).write_bytes(database({b"v1": spaces}))
    with pytest.raises(TransomError, match="in a, b"):
        read_containerd("web:1", str(root))
    assert read_containerd("web:1", str(root), "b").digest == second["digest"]


def test_a_blob_and_a_snapshot_that_are_gone_are_told(tmp_path: Path, layout: Layout) -> None:  # noqa: F811
    made = layout.image({"a": b"1"}, {"b": b"2"})
    root = node(tmp_path, layout, **{"docker.io/library/web:1": made})
    manifest = json.loads((root / CONTENT / made["digest"].replace(":", "/")).read_bytes())
    (root / CONTENT / manifest["layers"][0]["digest"].replace(":", "/")).unlink()
    found = inspect(read_containerd("web:1", str(root)), FRESH)
    ((layer, unread),) = found.unread
    assert layer.diff_id == found.image.layers[0].diff_id
    assert "discarded" in unread.reason


@pytest.mark.parametrize("content", [b"", b"x" * 10_000, database({})[:5000]])
def test_a_database_that_is_broken_is_told(tmp_path: Path, layout: Layout, content: bytes) -> None:  # noqa: F811
    root = node(tmp_path, layout)
    (root / METADATA).write_bytes(content)
    with pytest.raises(TransomError, match=r"cannot read|no image"):
        read_containerd("web:1", str(root))


def test_no_containerd_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransomError, match="--containerd-root"):
        root_of(str(tmp_path))


@pytest.fixture(scope="module")
def loaded(containerd: Containerd) -> Iterator[Containerd]:  # noqa: F811
    containerd.load("docker.io/library/web:1", system())
    yield containerd


def test_a_real_containerd_is_read_while_it_runs(loaded: Containerd) -> None:
    assert packages(read_containerd("web:1", str(loaded.root))) == ["base-files"]


def test_a_real_snapshot_is_read_where_the_blob_is_gone(loaded: Containerd) -> None:
    (layer,) = read_containerd("web:1", str(loaded.root)).layers
    blob = loaded.root / CONTENT / layer.descriptor.digest.replace(":", "/")
    kept = blob.read_bytes()
    blob.unlink()
    try:
        found = read_containerd("web:1", str(loaded.root))
        assert found.layers[0].folder.endswith("/fs")
        assert packages(found) == ["base-files"]
    finally:
        blob.write_bytes(kept)
    assert hashlib.sha256(kept).hexdigest() == layer.descriptor.digest.partition(":")[2]


def test_a_container_is_known_with_its_layers(loaded: Containerd) -> None:
    loaded.ctr("containers", "create", "docker.io/library/web:1", "idle")
    (found,) = kept_containers(str(loaded.root))
    assert (found.id, found.image, len(found.layers)) == ("idle", "docker.io/library/web:1", 2)
    loaded.ctr("containers", "rm", "idle")
