"""A container, inspected: its root file system as the layers that are mounted over each other, and what it changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from transom.images.cache import LayerCache
from transom.images.containers.drift import Drift, drift_of
from transom.images.containers.finding import Container, find_container
from transom.images.containers.mounts import root_of_process
from transom.images.inspection import Inspection, NoBlobs, inspect, inspect_folder, inspection_of
from transom.model.errors import TransomError
from transom.registry.blobs import Descriptor, Image, Layer, this_platform
from transom.registry.containerd import read_containerd, root_of

if TYPE_CHECKING:
    from transom.lang.leaks.stream import Searcher

OWN = "the container itself"  # who made its layer


class Inspected(Struct, frozen=True):
    """A container and what it holds. drift: what it changed, None where that cannot be told, for a reason."""

    container: Container
    found: Inspection
    drift: Drift | None
    reason: str = ""


def inspect_container(wanted: str, root: str = "", state: str = "", searcher: Searcher | None = None) -> Inspected:
    """Return what a container holds and what it changed; raises TransomError. wanted, root, state: of find_container.

    searcher: what looks for credentials in every file, None for nobody.
    """
    container = find_container(wanted, root, state)
    folders, kind = _layers(container)
    if not folders:
        if not container.pid:
            why = "it does not run, and its layers lie nowhere on this machine"
            raise TransomError(f"cannot read {container.shown}", why, "start it, or scan its image")
        found = inspect_folder(f"/proc/{container.pid}/root", name=container.shown, one_device=True, searcher=searcher)
        return Inspected(container, found, None, f"its root is mounted as {kind or 'nothing known'}, not as layers")
    image = _image(container, folders, root)
    now = inspect(image, LayerCache(None, searcher=searcher))
    if len(folders) == 1:
        return Inspected(container, now, None, "it has no layer of its own")
    before = inspection_of(replace(image, layers=image.layers[:-1]), now.records[:-1])
    return Inspected(container, now, drift_of(folders[:-1], folders[-1], before, now))


def _layers(container: Container) -> tuple[tuple[str, ...], str]:
    """Return the folders of its root, the lowest first, its own last, and as what it is mounted.

    Where those that are mounted are not to be seen, since its node's folders are elsewhere here, those that its runtime
    keeps; () where neither are.
    """
    if not container.pid:
        return container.layers, "overlay"
    mounted = root_of_process(container.pid)
    folders = (*mounted.lower, mounted.upper) if mounted.upper else ()
    return (folders if folders and all(map(os.path.isdir, folders)) else container.layers), mounted.kind


def _image(container: Container, folders: Sequence[str], root: str) -> Image:
    """Return the container as an image of layers that lie unpacked; what its image tells of them is told of them."""
    known: tuple[Layer, ...] = ()
    config = {}
    if container.image:
        with suppress(TransomError):
            made_of = read_containerd(container.image, root_of(root), container.namespace)
            known, config = made_of.layers, {"created": made_of.config.get("created", "")}
    layers = [
        replace(known[number], folder=folder)
        if number < len(known) and number < len(folders) - 1
        else Layer(Descriptor(""), f"unpacked:{number}", folder=folder)
        for number, folder in enumerate(folders)
    ]
    layers[-1] = replace(layers[-1], created_by=OWN)
    return Image(container.shown, "", this_platform(), config, tuple(layers), (), NoBlobs())
