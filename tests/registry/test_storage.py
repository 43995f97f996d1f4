"""Images and containers of containers/storage are read as skopeo, podman and CRI-O keep them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images.layers.making import DATABASE, status
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from transom.images.cache import LayerCache
from transom.images.inspection import inspect
from transom.model.errors import TransomError
from transom.registry.storage import CONTAINERS, IMAGES, parse_place, read_storage, stored_containers


@pytest.fixture
def store(tmp_path: Path, layout: Layout) -> Iterator[tuple[str, str]]:  # noqa: F811
    """A store with an image of two layers, written by skopeo; its folder, and the image's digest."""
    if not shutil.which("skopeo") or os.geteuid():
        pytest.skip("a store is written by skopeo, as root: apt-get install skopeo")
    made = layout.image(
        {DATABASE: status("a", "b"), "etc/gone": b"x", "opt/old/x": b"1"},
        {DATABASE: status("b"), "etc/.wh.gone": b"", "opt/old/.wh..wh..opq": b"", "opt/old/y": b"2"},
    )
    target = f"containers-storage:[overlay@{tmp_path}/store+{tmp_path}/run]docker.io/library/web:1"
    words = ["skopeo", "copy", "-q", f"oci:{layout.folder}:latest", target]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"skopeo writes no store here: {done.stderr[-200:]}")
    yield f"{tmp_path}/store", made["digest"]
    umount = ["umount", f"{tmp_path}/store/overlay"]  # which whoever writes a store mounts onto itself
    subprocess.run(umount, capture_output=True, check=False)


@pytest.mark.parametrize("wanted", ["web:1", "docker.io/library/web:1", "{digest}", "{short}"])
def test_an_image_is_found_by_each_of_its_names(store: tuple[str, str], wanted: str) -> None:
    root, digest = store
    (kept,) = json.loads((Path(root) / IMAGES).read_text())
    found = read_storage(wanted.format(digest=digest, short=kept["id"][:12]), root)
    assert (found.name, found.digest) == ("docker.io/library/web:1", digest)


def test_its_layers_are_read_as_they_lie(store: tuple[str, str]) -> None:
    found = inspect(read_storage("web:1", store[0]), LayerCache(None))
    assert [each.name for each in found.packages] == ["b"]
    assert [(each.whiteouts, each.opaque) for each in found.records] == [([], []), (["etc/gone"], ["opt/old"])]
    assert not found.unread


def test_a_layer_that_is_gone_is_told(store: tuple[str, str]) -> None:
    shutil.rmtree(sorted(Path(store[0], "overlay").glob("*/diff"))[0])
    with pytest.raises(TransomError, match="layers, of which 0 are there"):
        read_storage("web:1", store[0])


def test_containers_are_told_with_their_layers(store: tuple[str, str]) -> None:
    root = Path(store[0])
    (kept,) = json.loads((root / IMAGES).read_text())
    layers = root / "overlay-layers" / "layers.json"
    layers.write_text(json.dumps([*json.loads(layers.read_text()), {"id": "c0ffee", "parent": kept["layer"]}]))
    (root / "overlay" / "c0ffee" / "diff").mkdir(parents=True)
    told = {"id": "f00", "names": ["k8s_web_web-0_shop_uid_0"], "image": kept["id"], "layer": "c0ffee"}
    (root / CONTAINERS).write_text(json.dumps([told, {"id": "bad", "layer": "../../etc"}]))
    good, bad = stored_containers(str(root))
    assert (good.id, good.image, len(good.layers)) == ("f00", "docker.io/library/web:1", 3)
    assert good.layers[-1].endswith("c0ffee/diff")
    assert bad.layers == ()


@pytest.mark.parametrize("content", ["", "{", "{}", '[{"id": 3}]', "[" * 100_000])
def test_a_list_that_is_broken_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / IMAGES).parent.mkdir()
    (tmp_path / IMAGES).write_text(content)
    with pytest.raises(TransomError, match="cannot read"):
        read_storage("web:1", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "name"), [("[overlay@{}+/run]web:1", "web:1"), ("[overlay@{}]a/b", "a/b"), ("[{}]web", "web")]
)
def test_a_place_is_written_as_for_skopeo(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / IMAGES).parent.mkdir()
    (tmp_path / IMAGES).write_text("[]")
    assert parse_place(text.format(tmp_path), "/nowhere") == (str(tmp_path), name)


def test_a_store_of_a_user_is_found_in_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / ".local/share/containers/storage"
    (root / IMAGES).parent.mkdir(parents=True)
    (root / IMAGES).write_text("[]")
    monkeypatch.setattr("transom.registry.storage.ROOTS", ("{home}/.local/share/containers/storage",))
    assert parse_place("web:1", str(tmp_path)) == (str(root), "web:1")
    with pytest.raises(TransomError, match="no store"):
        parse_place("web:1", "/nowhere")
