"""Layers over each other, as an overlay shows them: what is there, and what lies hidden below."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from posixpath import dirname, join

from msgspec import Struct
from msgspec.structs import replace

from transom.images.layers.record import LayerRecord, Special
from transom.images.layers.tar import normal
from transom.model.packages import Package, Place

MAX_LINKS = 40  # that a path may lead through, as Linux has it


class Hidden(Struct, frozen=True):
    """Evidence that a lower layer has, and a higher one took away: still in the image for whoever looks."""

    path: str
    layer: str
    taken_by: str
    packages: tuple[Package, ...]


class Merged(Struct, frozen=True):
    """What an image shows. packages: by the file that tells them; texts, specials: by path; hidden: below it."""

    packages: dict[str, tuple[Package, ...]]
    texts: dict[str, bytes]
    specials: dict[str, Special]
    owned: dict[str, str]
    hidden: tuple[Hidden, ...]


class _Held(Struct):
    """A file that matters, and the layer that it is of."""

    layer: str
    packages: tuple[Package, ...] | None = None
    text: bytes | None = None
    special: Special | None = None
    owned: tuple[str, ...] = ()


class _Overlay:
    def __init__(self) -> None:
        self.files: dict[str, _Held] = {}
        self.links: dict[str, str] = {}
        self.hidden: list[Hidden] = []

    def lay(self, record: LayerRecord) -> None:
        """Lay a record over what is there: removals first, since they never hide what their own layer brings."""
        for folder in record.opaque:
            self._remove_below(self.real(folder), record.diff_id, itself=False)
        for path in record.whiteouts:
            self._remove_below(self._placed(path), record.diff_id, itself=True)
        for path, target in record.links.items():
            place = self._placed(path)
            self._remove_below(place, record.diff_id, itself=True)
            self.links[place] = target
        for path, held in _held(record):
            self._put(self._placed(path), held)
        for path, target in record.hardlinks.items():
            there = self.files.get(self._placed(normal(target)))
            if there is not None:
                self._put(self._placed(path), there)

    def _put(self, path: str, held: _Held) -> None:
        self.links.pop(path, None)
        self.files[path] = held

    def _remove_below(self, path: str, layer: str, itself: bool) -> None:
        below = path + "/" if path else ""
        gone = [each for each in self.files if each.startswith(below) or (itself and each == path)]
        for each in gone:
            held = self.files.pop(each)
            if held.packages:
                self.hidden.append(Hidden(each, held.layer, layer, held.packages))
        for each in [link for link in self.links if link.startswith(below) or (itself and link == path)]:
            del self.links[each]

    def _placed(self, path: str) -> str:
        """Return where a path lies once the links among its folders are followed, its last step not."""
        folder, _, name = path.rpartition("/")
        real = self.real(folder)
        return f"{real}/{name}" if real else name

    def real(self, path: str) -> str:
        """Return a path with every link in it followed."""
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
            here = "/".join((*done, step))
            target = self.links.get(here)
            if target is None or followed >= MAX_LINKS:
                done.append(step)
                continue
            followed += 1
            whole = normal(target if target.startswith("/") else join("/".join(done), target))
            done = []
            waiting += [each for each in whole.split("/") if each][::-1]
        return "/".join(done)


def _held(record: LayerRecord) -> Iterator[tuple[str, _Held]]:
    layer = record.diff_id
    paths = dict.fromkeys((*record.packages, *record.texts, *(each.path for each in record.specials), *record.owned))
    specials = {each.path: each for each in record.specials}
    for path in paths:
        packages = record.packages.get(path)
        yield (
            path,
            _Held(
                layer,
                None if packages is None else tuple(_layered(packages, layer)),
                record.texts.get(path),
                specials.get(path),
                tuple(record.owned.get(path, ())),
            ),
        )


def _layered(packages: Iterable[Package], layer: str) -> Iterator[Package]:
    for package in packages:
        places = tuple(Place(place.path, layer, place.line) for place in package.places)
        yield replace(package, places=places)


def merge(records: Sequence[LayerRecord]) -> Merged:
    """Return what layers show together, the lowest first."""
    overlay = _Overlay()
    for record in records:
        overlay.lay(record)
    files = overlay.files
    owned = {
        overlay.real(owned): dirname(path) + "/" + path.rpartition("/")[2]
        for path, held in files.items()
        for owned in held.owned
    }
    return Merged(
        {path: held.packages for path, held in files.items() if held.packages is not None},
        {path: held.text for path, held in files.items() if held.text is not None},
        {path: held.special for path, held in files.items() if held.special is not None},
        owned,
        tuple(overlay.hidden),
    )
