"""An image, inspected: its packages, its system, and everything of it that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from transom.images.cache import LayerCache
from transom.images.distro import Distro, distro_of
from transom.images.layers.merging import Hidden, Merged, merge
from transom.images.layers.record import LayerRecord, Unread
from transom.images.packages import Selection
from transom.images.packages.evidence import CHANGELOG, NOTE
from transom.images.sbom.purl import purl
from transom.model.errors import TransomError
from transom.model.packages import Package, Place
from transom.registry.blobs import Descriptor, Image, Layer, this_platform

if TYPE_CHECKING:
    from transom.images.jars.index import JarIndex
    from transom.images.layers.reading import Wanted
    from transom.lang.leaks.stream import Searcher

SYSTEM_KINDS = frozenset(("deb", "apk", "rpm", "alpm"))
"""Packages that a distribution ships, and its advisories speak of."""


class NoBlobs:
    """The blobs of what is no image."""

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Raise, since there is none."""
        raise TransomError(f"there is no blob {descriptor.digest}", "", "")


class Inspection(Struct, frozen=True):
    """What an image holds. packages: each once, with all its places; records: of its layers, the lowest first;
    base: the image that its lowest base_layers layers are, "" where none is known; unnamed: jars whose version nothing tells.
    """

    image: Image
    distro: Distro
    packages: tuple[Package, ...]
    merged: Merged
    records: tuple[LayerRecord, ...]
    unread: tuple[tuple[Layer, Unread], ...]
    base: str = ""
    base_layers: int = 0
    unnamed: tuple[Package, ...] = ()

    @property
    def hidden(self) -> Sequence[Hidden]:
        """Evidence of lower layers that higher ones take away."""
        return self.merged.hidden


def inspect(image: Image, cache: LayerCache) -> Inspection:
    """Read an image's layers, those that are kept from the cache; raises nothing for what it holds."""
    return inspection_of(image, _records(image, cache))


def inspect_folder(
    root: str,
    selection: Selection | None = None,
    name: str = "",
    one_device: bool = False,
    searcher: Searcher | None = None,
) -> Inspection:
    """Read a root file system in a folder as if it were an image of one layer.

    name: what it is called, if not by its folder; one_device: whether folders that lie on another are left out; searcher:
    what looks for credentials in every file, None for nobody.
    """
    from transom.images.layers.reading import Wanted

    wanted = Wanted(selection or Selection(), searcher)
    record = _read_folder("", root, wanted, one_device=one_device)
    if not record.algorithms.issubset(record.hashed):
        record = _read_folder("", root, replace(wanted, algorithms=frozenset(record.algorithms)), one_device=one_device)
    layer = Layer(Descriptor("", record.size_bytes), "")
    return inspection_of(Image(name or root, "", this_platform(), {}, (layer,), (), NoBlobs()), (record,))


def inspection_of(image: Image, records: tuple[LayerRecord, ...]) -> Inspection:
    """Return what the records of an image's layers tell together."""
    merged = merge(records)
    found = [package for packages in merged.packages.values() for package in packages]
    distro = distro_of(merged.texts, found)
    unread = [(layer, each) for layer, record in zip(image.layers, records, strict=True) for each in record.unread]
    unread += [(image.layers[-1], each) for each in merged.unread]
    packages = _joined(_settled(found, distro, merged))
    unnamed = tuple(package for package in packages if _is_unnamed(package))
    named = tuple(package for package in packages if not _is_unnamed(package))
    return Inspection(image, distro, named, merged, records, tuple(unread), unnamed=unnamed)


def _is_unnamed(package: Package) -> bool:
    return bool(package.sha1) and not package.version


def identified(found: Inspection, jars: JarIndex) -> Inspection:
    """Return an inspection in which jars that do not say what they are, are what an index knows them as."""
    told = [_identified(package, jars) for package in (*found.packages, *found.unnamed)]
    unnamed = tuple(package for package in told if _is_unnamed(package))
    return replace(found, packages=tuple(_joined(each for each in told if not _is_unnamed(each))), unnamed=unnamed)


def _identified(package: Package, jars: JarIndex) -> Package:
    """Return what a jar is by its SHA-1, which says more than a name or a manifest; else as it is."""
    known = jars.of(package.sha1) if package.sha1 else None
    if known is None:
        return package
    group, artifact, version = known
    return replace(package, namespace=group, name=artifact, version=version, evidence="sha1")


def _read_folder(
    diff_id: str, root: str, wanted: Wanted, overlay: bool = False, one_device: bool = False
) -> LayerRecord:
    from transom.images.layers.folders import entries_below
    from transom.images.layers.reading import read_entries

    unread: list[Unread] = []
    record = read_entries(diff_id, entries_below(root, unread, overlay, one_device), wanted)
    record.unread += unread
    return record


def _records(image: Image, cache: LayerCache) -> tuple[LayerRecord, ...]:
    """Return a record of each layer; those whose programs were not hashed as the lists of others ask are read again."""
    found = []
    asked: frozenset[str] = frozenset()
    for layer in image.layers:
        found.append(_record(image, layer, cache, asked))
        asked |= found[-1].algorithms
    both = zip(image.layers, found, strict=True)
    return tuple(
        record if asked.issubset(record.hashed) else _record(image, layer, cache, asked) for layer, record in both
    )


def _record(image: Image, layer: Layer, cache: LayerCache, algorithms: frozenset[str]) -> LayerRecord:
    kept = cache.get(layer.diff_id)
    if kept is not None:
        if algorithms.issubset(kept.hashed):
            return kept
        algorithms = algorithms.union(kept.hashed)  # for the images that asked for these
    record = _read_anew(image, layer, cache, algorithms)
    if not layer.folder:  # nothing holds it to the digest, so that it is never kept as the record of that
        cache.put(record)
    return record


def _read_anew(image: Image, layer: Layer, cache: LayerCache, algorithms: frozenset[str]) -> LayerRecord:
    from transom.images.layers.reading import Wanted, read_layer, unread_names  # known layers need no reader: 20 ms

    def read(wanted: Wanted) -> LayerRecord:
        with image.blobs.open(layer.descriptor) as stream:
            return read_layer(layer, stream, wanted)

    wanted = Wanted(cache.selection, cache.searcher, algorithms)
    if layer.folder:
        return _read_folder(layer.diff_id, layer.folder, wanted, overlay=True)
    try:
        if layer.descriptor.media_type.endswith("+encrypted"):
            raise OSError("it is encrypted")
        record = read(wanted)
        names = unread_names(record) if record.complete else {}
        return read(replace(wanted, names=names)) if names else record
    except (TransomError, OSError) as error:
        reason = "its content is kept elsewhere, by whoever may distribute it" if layer.is_foreign else str(error)
        return LayerRecord(layer.diff_id, unread=[Unread("", reason)], complete=False)


def _settled(packages: Sequence[Package], distro: Distro, merged: Merged) -> Iterator[Package]:
    """Yield packages with what only the whole image tells: the distribution, and the OS package that owns them."""
    system: dict[str, Package] = {}
    others = []
    for package in _of_databases(packages, merged):
        if package.kind in SYSTEM_KINDS:
            settled = replace(
                package,
                namespace=package.namespace or distro.id,
                distro=str(distro),
                licences=package.licences or (merged.licences.get(package.name, ()) if package.kind == "deb" else ()),
            )
            system.setdefault(package.name, settled)
            yield settled
        else:
            others.append(package)
    for package in others:
        owner = system.get(_owner(package, merged.owned))
        yield replace(package, owner=purl(owner)) if owner else package


def _of_databases(packages: Sequence[Package], merged: Merged) -> Iterator[Package]:
    """Yield packages without those that only programs and changelogs tell, where a database knows them.

    A database that a higher layer took away counts, where no other stands in its place: what it tells is still there.
    """
    ghosts = list(_ghosts(packages, merged))
    known = {
        (package.kind, name)
        for package in (*packages, *ghosts)
        if package.kind in SYSTEM_KINDS and package.evidence not in (NOTE, CHANGELOG)
        for name in (package.name, package.source_name)
    }
    for package in (*packages, *ghosts):
        if package.evidence == NOTE and (package.kind, package.name) in known:
            continue
        if package.evidence == CHANGELOG and (("deb", package.name) in known or _is_owned(package, merged)):
            continue
        yield package


def _ghosts(packages: Sequence[Package], merged: Merged) -> Iterator[Package]:
    """Yield what hidden databases of the system tell, of kinds of which no database is shown."""
    shown = {package.kind for package in packages if package.evidence not in (NOTE, CHANGELOG)}
    for hidden in merged.hidden:
        for package in hidden.packages:
            if package.kind in SYSTEM_KINDS and package.kind not in shown and package.evidence not in (NOTE, CHANGELOG):
                yield replace(package, evidence=f"{package.evidence}-hidden")


def _is_owned(package: Package, merged: Merged) -> bool:
    """Tell whether a package that a changelog tells is one that dpkg knows, by that name or as the changelog's owner."""
    owner = merged.owned.get(package.places[0].path, "")
    return package.name in merged.known or owner in merged.known


def _owner(package: Package, owned: Mapping[str, str]) -> str:
    """Return the name of the OS package whose list names the package's evidence, "" for none."""
    for place in package.places:
        listed = owned.get(place.path.partition("!")[0])
        if listed:
            return listed
    return ""


def _joined(packages: Iterable[Package]) -> list[Package]:
    """Return each package once, with the places of all, in a stable order."""
    places: dict[tuple[str, ...], list[Place]] = {}
    first: dict[tuple[str, ...], Package] = {}
    for package in packages:
        first.setdefault(package.identity, package)
        places.setdefault(package.identity, []).extend(package.places)
    return [replace(first[identity], places=tuple(sorted(set(found)))) for identity, found in sorted(places.items())]
