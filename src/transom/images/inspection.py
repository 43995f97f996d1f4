"""An image, inspected: its packages, its system, and everything of it that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from transom.images.cache import LayerCache
from transom.images.distro import Distro, distro_of
from transom.images.layers.merging import Hidden, Merged, merge
from transom.images.layers.reading import read_layer
from transom.images.layers.record import LayerRecord, Unread
from transom.images.packages import Selection
from transom.model.errors import TransomError
from transom.model.packages import Package, Place
from transom.registry.blobs import Image, Layer

SYSTEM_KINDS = frozenset(("deb", "apk", "rpm", "alpm"))
"""Packages that a distribution ships, and its advisories speak of."""


class Inspection(Struct, frozen=True):
    """What an image holds. packages: each once, with all its places; records: of its layers, the lowest first."""

    image: Image
    distro: Distro
    packages: tuple[Package, ...]
    merged: Merged
    records: tuple[LayerRecord, ...]
    unread: tuple[tuple[Layer, Unread], ...]

    @property
    def hidden(self) -> Sequence[Hidden]:
        """Evidence of lower layers that higher ones take away."""
        return self.merged.hidden


def inspect(image: Image, cache: LayerCache, selection: Selection | None = None) -> Inspection:
    """Read an image's layers, those that are kept from the cache; raises nothing for what it holds."""
    chosen = selection or Selection()
    records = tuple(_record(image, layer, cache, chosen) for layer in image.layers)
    merged = merge(records)
    found = [package for packages in merged.packages.values() for package in packages]
    distro = distro_of(merged.texts, found)
    unread = tuple((layer, each) for layer, record in zip(image.layers, records, strict=True) for each in record.unread)
    return Inspection(image, distro, tuple(_joined(_settled(found, distro, merged))), merged, records, unread)


def _record(image: Image, layer: Layer, cache: LayerCache, selection: Selection) -> LayerRecord:
    kept = cache.get(layer.diff_id)
    if kept is not None:
        return kept
    if layer.is_foreign:
        reason = "its content is kept elsewhere, by whoever may distribute it"
        return LayerRecord(layer.diff_id, unread=[Unread("", reason)], complete=False)
    try:
        with image.blobs.open(layer.descriptor) as stream:
            record = read_layer(layer, stream, selection)
    except (TransomError, OSError) as error:
        return LayerRecord(layer.diff_id, unread=[Unread("", str(error))], complete=False)
    cache.put(record)
    return record


def _settled(packages: Iterable[Package], distro: Distro, merged: Merged) -> Iterator[Package]:
    """Yield packages with what only the whole image tells: the distribution, and the OS package that owns them."""
    for package in packages:
        if package.kind in SYSTEM_KINDS:
            yield replace(package, namespace=package.namespace or distro.id, distro=str(distro))
        else:
            owner = _owner(package, merged.owned)
            yield replace(package, owner=owner) if owner else package


def _owner(package: Package, owned: Mapping[str, str]) -> str:
    """Return the name of the OS package whose list names the package's evidence, "" for none."""
    for place in package.places:
        listed = owned.get(place.path.partition("!")[0])
        if listed:
            return listed.rpartition("/")[2].removesuffix(".list").partition(":")[0]
    return ""


def _joined(packages: Iterable[Package]) -> list[Package]:
    """Return each package once, with the places of all, in a stable order."""
    places: dict[tuple[str, ...], list[Place]] = {}
    first: dict[tuple[str, ...], Package] = {}
    for package in packages:
        first.setdefault(package.identity, package)
        places.setdefault(package.identity, []).extend(package.places)
    return [replace(first[identity], places=tuple(sorted(set(found)))) for identity, found in sorted(places.items())]
