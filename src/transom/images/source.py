"""Images as a source: one object of kind Image for each, which policies judge like any other.

`image:REF` is an image of a registry, or the path of an OCI layout or a saved archive, `#NAME` behind it for one of
several. The object tells settings, system, counts and oddities; the packages themselves are asked of `inspected`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from transom.images.cache import LayerCache
from transom.images.inspection import Inspection, inspect
from transom.inventory import Inventory, Origin
from transom.model.errors import TransomError
from transom.model.findings import Provenance, Skipped, Told
from transom.model.images import ImageError, parse_image
from transom.model.refs import Ref
from transom.registry.blobs import Image, Platform, parse_platform, resolve
from transom.registry.layouts import is_layout, read_layout
from transom.rules.cache import cache_folder

SCHEME = "image:"
API_VERSION, KIND = "transom.dev/v1", "Image"
MAX_TOLD = 1_000  # of each list in the object; an honest image has some dozens


class ImageOptions(Struct, frozen=True):
    """How images are fetched. platform: `linux/arm64`, "" for this machine's; mirrors: hosts that are asked first."""

    platform: str = ""
    mirrors: tuple[str, ...] = ()
    insecure: bool = False
    cached: bool = True


def open_image(target: str, options: ImageOptions) -> Image:
    """Return the image that a target names; raises TransomError."""
    name = target.removeprefix(SCHEME)
    platform: Platform | None = parse_platform(options.platform) if options.platform else None
    path, _, wanted = name.partition("#")
    if os.path.exists(path):  # noqa: PTH110 - the name is text everywhere else
        if not is_layout(path):
            raise TransomError(f"cannot read {path}", "it is neither an OCI layout nor a saved image", "skopeo copy …")
        return read_layout(path, wanted, platform)
    try:
        reference = parse_image(name)
    except ImageError as error:
        raise TransomError(f"cannot read the image {name}", str(error), "check its name") from error
    from transom.registry.client import RegistryClient

    client = RegistryClient(reference, mirrors=options.mirrors, insecure=options.insecure)
    return resolve(str(reference), client.manifest(), client, platform)


def inspected(target: str, options: ImageOptions) -> Inspection:
    """Return what an image holds; raises TransomError where it cannot be opened at all."""
    folder = cache_folder() if options.cached else None
    return inspect(open_image(target, options), LayerCache(Path(folder) / "layers" if folder else None))


def fill_from_image(inventory: Inventory, target: str, options: ImageOptions) -> Iterator[Told]:
    """Add the object of an image; yield what could not be read of it."""
    name = target.removeprefix(SCHEME)
    ref = Ref(scope="image", name=name)
    try:
        found = inspected(target, options)
    except TransomError as error:
        yield Skipped(ref, f"{error.what}: {error.why}" if error.why else error.what, error.next_step)
        return
    image = found.image
    counted = f"{len(found.packages):,} packages in {len(image.layers)} layers, {found.distro.name or 'no system told'}"
    yield Provenance(name, f"{image.platform} {image.digest}: {counted}")
    for layer, unread in found.unread:
        where = unread.path or f"layer {layer.diff_id}"
        yield Skipped(ref, f"{where}: {unread.reason}", "fetch or build the image again; what was read counts")
    inventory.add(image_object(found, name), Origin(target))


def image_object(found: Inspection, name: str) -> dict[str, Any]:
    """Return an image as an object for policies; kinds of packages are counted, never listed."""
    image, merged = found.image, found.merged
    kinds: dict[str, int] = {}
    for package in found.packages:
        kinds[package.kind] = kinds.get(package.kind, 0) + 1
    settings = image.config.get("config")
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "digest": image.digest,
        "platform": str(image.platform),
        "config": _settings(settings if isinstance(settings, dict) else {}),
        "system": {"id": found.distro.id, "version": found.distro.version, "told": found.distro.told},
        "packages": {"count": len(found.packages), "kinds": kinds, "databases": _databases(found)},
        "layers": [
            {
                "diffID": layer.diff_id,
                "createdBy": layer.created_by,
                "size": record.size_bytes,
                "entries": record.entries,
            }
            for layer, record in zip(image.layers, found.records, strict=True)
        ][:MAX_TOLD],
        "specials": [
            {"path": each.path, "mode": f"{each.mode:04o}", "uid": each.uid, "capabilities": each.capabilities}
            for each in list(merged.specials.values())[:MAX_TOLD]
        ],
        "hidden": [
            {"path": each.path, "packages": len(each.packages), "layer": each.layer, "takenBy": each.taken_by}
            for each in merged.hidden[:MAX_TOLD]
        ],
    }


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return what an image's config sets, values of variables left out."""
    variables = [each for each in config.get("Env") or () if isinstance(each, str)]
    return {
        "user": str(config.get("User") or ""),
        "env": [each.partition("=")[0] for each in variables][:MAX_TOLD],
        "ports": sorted(map(str, config.get("ExposedPorts") or ()))[:MAX_TOLD],
        "entrypoint": [str(each) for each in config.get("Entrypoint") or ()][:MAX_TOLD],
        "command": [str(each) for each in config.get("Cmd") or ()][:MAX_TOLD],
        "volumes": sorted(map(str, config.get("Volumes") or ()))[:MAX_TOLD],
        "healthcheck": bool(config.get("Healthcheck")),
        "labels": sorted(map(str, config.get("Labels") or ()))[:MAX_TOLD],
    }


def _databases(found: Inspection) -> list[str]:
    """Return the package databases that the image shows."""
    return sorted(path for path in found.merged.packages if path.endswith(("lib/dpkg/status", "apk/db/installed")))
