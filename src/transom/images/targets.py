"""Targets that are images, root file systems and containers: looked into, whoever asks and for what."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.images.cache import LayerCache
from transom.images.inspection import Inspection, identified, inspect, inspect_folder
from transom.images.opening import ImageOptions, open_image
from transom.model.errors import TransomError
from transom.rules.folder import cache_folder

if TYPE_CHECKING:
    from transom.images.containers.inspecting import Inspected

IMAGE, FOLDER, CONTAINER = "image:", "dir:", "container:"


def inspected(target: str, options: ImageOptions) -> Inspection:
    """Return what an image holds; raises TransomError where it, or the index of jars, cannot be opened at all."""
    return with_jars(_inspected(target, options), options)


def with_jars(found: Inspection, options: ImageOptions) -> Inspection:
    """Return an inspection in which jars are what the index of jars knows them as, where one is named."""
    if not options.jars:
        return found
    from transom.images.jars.index import JarIndex

    with closing(JarIndex(options.jars)) as jars:
        return identified(found, jars)


def _inspected(target: str, options: ImageOptions) -> Inspection:
    if target.startswith(FOLDER):
        root = name_of(target)
        if not os.path.isdir(root):  # noqa: PTH112
            raise TransomError(f"cannot read {root}", "it is no folder", "name the folder of a root file system")
        return inspect_folder(root, searcher=options.searcher)
    if target.startswith(CONTAINER):
        return container_of(target, options).found
    folder = cache_folder() if options.cached else None
    cache = LayerCache(Path(folder) / "layers" if folder else None, searcher=options.searcher)
    image = open_image(name_of(target), options)
    chain = [layer.diff_id for layer in image.layers]
    base, base_layers = cache.base_of(chain)
    found = replace(inspect(image, cache), base=base, base_layers=base_layers)
    created = image.config.get("created")
    cache.learn(image.name, chain, created if isinstance(created, str) else "")
    return found


def container_of(target: str, options: ImageOptions) -> Inspected:
    """Return what a container holds and what it changed; raises TransomError."""
    from transom.images.containers.inspecting import inspect_container

    return inspect_container(name_of(target), options.containerd, options.containerd_state, options.searcher)


def name_of(target: str) -> str:
    """Return what a target calls an image or a folder: words that say where it is stay with it."""
    return target.removeprefix(IMAGE).removeprefix(FOLDER).removeprefix(CONTAINER)
