"""Layers over each other, as an overlay shows them: what is there, and what lies hidden below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from transom.images.layers.altered import DIVERSIONS, Altered, Found, differing
from transom.images.layers.links import Links
from transom.images.layers.record import LayerRecord, Leaked, Special, Unread, parted
from transom.images.layers.tar import normal
from transom.images.packages.evidence import CHANGELOG
from transom.images.packages.sums import Sums
from transom.model.packages import Package, Place

DOCUMENTS = "usr/share/doc/"


class Hidden(Struct, frozen=True):
    """Evidence that a lower layer has, and a higher one took away: still in the image for whoever looks."""

    path: str
    layer: str
    taken_by: str
    packages: tuple[Package, ...]


class LeakedFile(Struct, frozen=True):
    """A file of a layer that holds credentials. taken_by: the layer that takes it away or replaces it, "" for none."""

    path: str
    layer: str
    leaks: tuple[Leaked, ...]
    taken_by: str = ""


class Merged(Struct, frozen=True):
    """What an image shows, by path. packages: by the file that tells them; owned: the OS package of other evidence;
    licences: by the name of a package's folder of documents.

    notable, open, strangers: what layers.record says of them, of files that are still there; caches: sizes by path;
    brought: the layer that each of these paths is of; unlisted: packages whose list of files is there, and which no
    database knows; altered: files that are not what their package says; hidden: what lies below; unread: files of interest
    that are another by name, which was not read; leaked: files with credentials, those that lie below too; known: packages
    that databases of dpkg tell, in whatever state.
    """

    packages: dict[str, tuple[Package, ...]]
    texts: dict[str, bytes]
    specials: dict[str, Special]
    functions: dict[str, bytes]
    packed: dict[str, str]
    licences: dict[str, tuple[str, ...]]
    owned: dict[str, str]
    unlisted: tuple[str, ...]
    altered: tuple[Altered, ...]
    hidden: tuple[Hidden, ...]
    unread: tuple[Unread, ...]
    leaked: tuple[LeakedFile, ...]
    notable: dict[str, str] = {}
    caches: dict[str, int] = {}
    open: dict[str, int] = {}
    strangers: dict[str, int] = {}
    brought: dict[str, str] = {}
    known: frozenset[str] = frozenset()


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
    functions: bytes = b""
    packed: str = ""
    licences: tuple[str, ...] = ()
    sums: tuple[Sums, ...] = ()
    notable: str = ""
    cached_bytes: int = 0
    open: int = 0
    stranger: int = 0
    leaks: tuple[Leaked, ...] = ()


class _Overlay:
    def __init__(self) -> None:
        self.files: dict[str, _Held] = {}
        self.digests: dict[str, Found] = {}
        self.links = Links()
        self.hidden: list[Hidden] = []
        self.leaked_below: list[LeakedFile] = []
        self.unread: list[Unread] = []

    def lay(self, record: LayerRecord, awaited: bool) -> None:
        """Lay a record over what is there: removals first, since they never hide what their own layer brings.

        awaited: whether a list of a higher layer speaks of files of lower ones.
        """
        placed = self.links.placed
        before = {path: held for path, held in self.files.items() if held.packages}
        if self.files or self.links.targets or self.digests:
            self._take_away(record)
        for path, target in record.links.items():
            self.links.put(placed(path), target)
        for path, held in _held(record):
            place = placed(path)
            self.files[place] = _after(before.get(place), held)
        for path, algorithm, digest in _digests(record, awaited):
            place = placed(path)
            there = self.digests.get(place)
            if there is None or there.layer != record.diff_id:
                there = self.digests[place] = Found(record.diff_id, {})
            there.digests[algorithm] = digest
        for path, target in record.hardlinks.items():
            self._put_hardlink(path, target)
        for path, target in record.leaking.items():
            leaking = self.files.get(placed(target))
            if leaking is not None:
                self.files.setdefault(placed(path), leaking)

    def _put_hardlink(self, path: str, target: str) -> None:
        place, below = self.links.placed(path), self.links.placed(normal(target))
        digests = self.digests.get(below)
        if digests is not None and place not in self.digests:
            self.digests[place] = digests
        there = self.files.get(below)
        if there is not None:
            self.files[place] = there
        elif place not in self.files:
            self.unread.append(Unread(path, f"it is {target} by another name, which was not read"))

    def _take_away(self, record: LayerRecord) -> None:
        """Remove what a layer takes away or puts something else in the place of, with everything below."""
        placed = self.links.placed
        opaque = {self.links.real(folder) for folder in record.opaque}
        gone = {placed(path) for path in (*record.whiteouts, *record.links, *parted(record.files))}
        flat = {placed(path) for path in parted(record.folders)}  # a folder leaves a folder as it is
        brought = {placed(path) for path in record.packages}
        is_gone = _Gone(gone, flat, opaque)
        for path in [each for each in self.files if is_gone(each)]:
            held = self.files.pop(path)
            if held.leaks:
                self.leaked_below.append(LeakedFile(path, held.layer, held.leaks, record.diff_id))
            if held.packages and path not in brought and not path.startswith(DOCUMENTS):
                self.hidden.append(Hidden(path, held.layer, record.diff_id, held.packages))
        for path in [each for each in self.digests if is_gone(each)]:
            del self.digests[path]
        for path in [each for each in self.links.targets if is_gone(each)]:
            self.links.drop(path)


class _Gone:
    """Tells whether a path is taken away: itself, with a folder above it, or by what an opaque folder hides."""

    def __init__(self, gone: set[str], flat: set[str], opaque: set[str]) -> None:
        self._gone, self._flat, self._opaque = gone, flat, opaque
        self._folders = {"": "" in opaque}

    def __call__(self, path: str) -> bool:
        return path in self._gone or path in self._flat or self._with_folder(path.rpartition("/")[0])

    def _with_folder(self, folder: str) -> bool:
        """Tell it of all that lies in a folder; most paths share theirs with others, so each is looked at once."""
        known = self._folders.get(folder)
        if known is None:
            known = folder in self._gone or folder in self._opaque or self._with_folder(folder.rpartition("/")[0])
            self._folders[folder] = known
        return known


def _digests(record: LayerRecord, awaited: bool) -> Iterator[tuple[str, str, bytes]]:
    """Yield path, algorithm and digest of programs that the lists of their layer do not bear out; awaited: of all."""
    if awaited:
        for lists in record.sums.values():
            for sums in lists:
                yield from ((path, sums.algorithm, digest) for path, digest in sums.files.items())
    for algorithm, found in record.digests.items():
        yield from ((path, algorithm, digest) for path, digest in found.items())


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
        record.sums,
        record.notable,
        record.caches,
        record.open,
        record.strangers,
        record.leaks,
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
                record.functions.get(path, b""),
                record.packed.get(path, ""),
                tuple(record.licences.get(path, ())),
                tuple(record.sums.get(path, ())),
                record.notable.get(path, ""),
                record.caches.get(path, 0),
                record.open.get(path, 0),
                record.strangers.get(path, 0),
                tuple(record.leaks.get(path, ())),
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
            yield overlay.links.placed(path), held.listed
        for path, name in held.owners.items():
            yield overlay.links.placed(path), name


def merge(records: Sequence[LayerRecord]) -> Merged:
    """Return what layers show together, the lowest first."""
    overlay = _Overlay()
    awaiting = [any(each.awaited for lists in record.sums.values() for each in lists) for record in records]
    for number, record in enumerate(records):
        overlay.lay(record, any(awaiting[number + 1 :]))
    files = overlay.files
    listed = {held.listed for held in files.values() if held.listed}
    known = _known(files)
    return Merged(
        {path: held.packages for path, held in files.items() if held.packages is not None},
        {path: held.text for path, held in files.items() if held.text is not None},
        {path: held.special for path, held in files.items() if held.special is not None},
        {path: held.functions for path, held in files.items() if held.functions},
        {path: held.packed for path, held in files.items() if held.packed},
        _licences(overlay),
        dict(_owned(overlay)),
        tuple(sorted(listed - known)),
        tuple(_altered(overlay)),
        tuple(overlay.hidden),
        tuple(overlay.unread),
        (*overlay.leaked_below, *_leaked(files)),
        notable={path: held.notable for path, held in files.items() if held.notable},
        caches={path: held.cached_bytes for path, held in files.items() if held.cached_bytes},
        open={path: held.open for path, held in files.items() if held.open},
        strangers={path: held.stranger for path, held in files.items() if held.stranger},
        brought={path: held.layer for path, held in files.items()},
        known=frozenset(known),
    )


def _leaked(files: dict[str, _Held]) -> Iterator[LeakedFile]:
    """Yield the files with credentials that an image shows, each by its first name."""
    told: set[int] = set()
    for path, held in files.items():
        if held.leaks and id(held) not in told:
            told.add(id(held))
            yield LeakedFile(path, held.layer, held.leaks)


def _altered(overlay: _Overlay) -> list[Altered]:
    lists = ((path, each) for path, held in overlay.files.items() for each in held.sums)
    diversions = overlay.files.get(DIVERSIONS)
    return differing(overlay.digests, lists, overlay.links, (diversions.text if diversions else None) or b"")


def _licences(overlay: _Overlay) -> dict[str, tuple[str, ...]]:
    """Return the licences of each folder of documents, also of those that are links to another's."""
    found = {path.split("/")[3]: held.licences for path, held in overlay.files.items() if held.licences}
    for path in overlay.links.targets:
        if path.startswith(DOCUMENTS) and path.count("/") == 3:
            there = overlay.files.get(f"{overlay.links.real(path)}/copyright")
            if there is not None:
                found[path.rpartition("/")[2]] = there.licences
    return found


def _known(files: dict[str, _Held]) -> set[str]:
    """Return the names of packages that the databases of dpkg tell, in whatever state."""
    known: set[str] = set()
    for held in files.values():
        known.update(held.known)
        known.update(each.name for each in held.packages or () if each.kind == "deb" and each.evidence != CHANGELOG)
    return known
