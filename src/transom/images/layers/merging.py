"""Layers over each other, as an overlay shows them: what is there, and what lies hidden below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from transom.images.layers.record import LayerRecord, Special, Unread, parted
from transom.images.layers.tar import normal
from transom.model.packages import Package, Place

DOCUMENTS = "usr/share/doc/"
MAX_LINKS = 40  # that a path may lead through, as Linux has it


class Hidden(Struct, frozen=True):
    """Evidence that a lower layer has, and a higher one took away: still in the image for whoever looks."""

    path: str
    layer: str
    taken_by: str
    packages: tuple[Package, ...]


class Merged(Struct, frozen=True):
    """What an image shows, by path. packages: by the file that tells them; owned: the OS package of other evidence;
    licences: by the name of a package's folder of documents.

    unlisted: packages whose list of files is there, and which no database knows; hidden: what lies below; unread: files
    of interest that are another by name, which was not read.
    """

    packages: dict[str, tuple[Package, ...]]
    texts: dict[str, bytes]
    specials: dict[str, Special]
    packed: dict[str, str]
    licences: dict[str, tuple[str, ...]]
    owned: dict[str, str]
    unlisted: tuple[str, ...]
    hidden: tuple[Hidden, ...]
    unread: tuple[Unread, ...]


class _Held(Struct):
    """A file that matters, and the layer that it is of."""

    layer: str
    packages: tuple[Package, ...] | None = None
    text: bytes | None = None
    special: Special | None = None
    owned: tuple[str, ...] = ()
    owners: dict[str, str] = {}
    listed: str = ""
    known: tuple[str, ...] = ()
    packed: str = ""
    licences: tuple[str, ...] = ()


class _Overlay:
    def __init__(self) -> None:
        self.files: dict[str, _Held] = {}
        self.links: dict[str, str] = {}
        self.hidden: list[Hidden] = []
        self.unread: list[Unread] = []
        self._real: dict[str, str] = {}

    def lay(self, record: LayerRecord) -> None:
        """Lay a record over what is there: removals first, since they never hide what their own layer brings."""
        before = {path: held for path, held in self.files.items() if held.packages}
        if self.files or self.links:
            self._take_away(record)
        for path, target in record.links.items():
            self.links[self.placed(path)] = target
            self._real = {}
        for path, held in _held(record):
            place = self.placed(path)
            self.files[place] = _after(before.get(place), held)
        for path, target in record.hardlinks.items():
            self._put_hardlink(path, target)

    def _put_hardlink(self, path: str, target: str) -> None:
        place = self.placed(path)
        there = self.files.get(self.placed(normal(target)))
        if there is not None:
            self.files[place] = there
        elif place not in self.files:
            self.unread.append(Unread(path, f"it is {target} by another name, which was not read"))

    def _take_away(self, record: LayerRecord) -> None:
        """Remove what a layer takes away or puts something else in the place of, with everything below."""
        opaque = {self.real(folder) for folder in record.opaque}
        gone = {self.placed(path) for path in (*record.whiteouts, *record.links, *parted(record.files))}
        flat = {self.placed(path) for path in parted(record.folders)}  # a folder leaves a folder as it is
        brought = {self.placed(path) for path in record.packages}
        for path in [each for each in self.files if _is_gone(each, gone, opaque, flat)]:
            held = self.files.pop(path)
            if held.packages and path not in brought:
                self.hidden.append(Hidden(path, held.layer, record.diff_id, held.packages))
        lost = [each for each in self.links if _is_gone(each, gone, opaque, flat)]
        for path in lost:
            del self.links[path]
        self._real = {}

    def placed(self, path: str) -> str:
        """Return where a path lies once the links among its folders are followed, its last step not."""
        if not self.links:
            return path
        folder, _, name = path.rpartition("/")
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = self.real(folder)
        return f"{real}/{name}" if real else name

    def real(self, path: str) -> str:
        """Return a path with every link in it followed; one that leads round in circles ends where it is."""
        if not self.links:
            return path
        done: list[str] = []
        waiting = [step for step in path.split("/") if step][::-1]
        followed = 0
        while waiting:
            step = waiting.pop()
            if step == "..":
                done = done[:-1]
                continue
            target = self.links.get("/".join((*done, step)))
            if target is None or followed >= MAX_LINKS:
                done.append(step)
                continue
            followed += 1
            if target.startswith("/"):
                done = []
            waiting += [each for each in target.split("/") if each not in ("", ".")][::-1]
        return "/".join(done)


def _is_gone(path: str, gone: set[str], opaque: set[str], flat: set[str]) -> bool:
    """Tell whether a path is taken away: itself, with a folder above it, or by what an opaque folder hides."""
    if path in gone or path in flat:
        return True
    folder = path.rpartition("/")[0]
    while folder:
        if folder in gone or folder in opaque:
            return True
        folder = folder.rpartition("/")[0]
    return "" in opaque


def _held(record: LayerRecord) -> Iterator[tuple[str, _Held]]:
    layer = record.diff_id
    found = (
        record.packages,
        record.texts,
        record.specials,
        record.owned,
        record.listed,
        record.known,
        record.packed,
        record.licences,
    )
    for path in dict.fromkeys(path for each in found for path in each):
        packages = record.packages.get(path)
        yield (
            path,
            _Held(
                layer,
                None if packages is None else tuple(_layered(packages, layer)),
                record.texts.get(path),
                record.specials.get(path),
                tuple(record.owned.get(path, ())),
                record.owners.get(path, {}),
                record.listed.get(path, ""),
                tuple(record.known.get(path, ())),
                record.packed.get(path, ""),
                tuple(record.licences.get(path, ())),
            ),
        )


def _after(before: _Held | None, held: _Held) -> _Held:
    """Return a file as it is now; what a database of packages had before still is of the layer that brought it."""
    if before is None or not before.packages or not held.packages:
        return held
    there = {package.identity: package.places[0].layer for package in before.packages if package.places}
    held.packages = tuple(
        package if package.identity not in there else next(_layered((package,), there[package.identity]))
        for package in held.packages
    )
    return held


def _layered(packages: Iterable[Package], layer: str) -> Iterator[Package]:
    for package in packages:
        places = tuple(Place(place.path, layer, place.line) for place in package.places)
        yield replace(package, places=places)


def _owned(overlay: _Overlay) -> Iterator[tuple[str, str]]:
    """Yield where files lie that packages own, and the name of the package."""
    for held in overlay.files.values():
        for path in held.owned:
            yield overlay.placed(path), held.listed
        for path, name in held.owners.items():
            yield overlay.placed(path), name


def merge(records: Sequence[LayerRecord]) -> Merged:
    """Return what layers show together, the lowest first."""
    overlay = _Overlay()
    for record in records:
        overlay.lay(record)
    files = overlay.files
    listed = {held.listed for held in files.values() if held.listed}
    return Merged(
        {path: held.packages for path, held in files.items() if held.packages is not None},
        {path: held.text for path, held in files.items() if held.text is not None},
        {path: held.special for path, held in files.items() if held.special is not None},
        {path: held.packed for path, held in files.items() if held.packed},
        _licences(overlay),
        dict(_owned(overlay)),
        tuple(sorted(listed - _known(files))),
        tuple(overlay.hidden),
        tuple(overlay.unread),
    )


def _licences(overlay: _Overlay) -> dict[str, tuple[str, ...]]:
    """Return the licences of each folder of documents, also of those that are links to another's."""
    found = {path.split("/")[3]: held.licences for path, held in overlay.files.items() if held.licences}
    for path in overlay.links:
        if path.startswith(DOCUMENTS) and path.count("/") == 3:
            there = overlay.files.get(f"{overlay.real(path)}/copyright")
            if there is not None:
                found[path.rpartition("/")[2]] = there.licences
    return found


def _known(files: dict[str, _Held]) -> set[str]:
    """Return the names of packages that the databases of dpkg tell, in whatever state."""
    known: set[str] = set()
    for held in files.values():
        known.update(held.known)
        known.update(each.name for each in held.packages or () if each.kind == "deb")
    return known
