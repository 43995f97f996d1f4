"""Where an image was written: the lines of a Dockerfile that made its layers, where one is given beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Any

from msgspec import Struct

from transom.images.history import Step, places_in, rebuilt
from transom.inventory.entries import Places
from transom.kube.comments import Comment
from transom.lang.dockerfile import DockerfileError, instruction_paths, parse, shape
from transom.lang.dockerfile.parse import MAX_DOCKERFILE_BYTES
from transom.model.places import Locator, Path

LISTS = frozenset(("programs", "credentials", "open", "strangers", "specials", "packed"))
"""Lists of an image's object whose elements tell the layer that brought them."""


class WrittenPlaces(Struct, frozen=True, eq=False):
    """The places of an image's fields: lines of its Dockerfile, nowhere where these are not known."""

    known: dict[Path, Locator]

    def find(self, path: Path) -> Locator:
        """Return the place of what a path leads to or through."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.known:
                return self.known[path[:length]]
        return Locator()


class WrittenSource(Struct, frozen=True, eq=False):
    """An object of an image whose places are known from the start."""

    known: dict[Path, Locator]

    def places(self) -> Places:
        """Return the places."""
        return WrittenPlaces(self.known)

    def comments(self) -> Sequence[Comment]:
        """Return no comments: those of the Dockerfile speak where it is judged itself."""
        return ()


def lines_of(made: Sequence[Step], files: Sequence[str]) -> dict[int, Locator]:
    """Return where steps of an image stand, by their numbers, in the one of some Dockerfiles that tells most of them.

    Files that cannot be read are passed by: they are targets of their own, and told as such.
    """
    found = [each for each in (_lines_in(made, file) for file in files) if each]
    return max(found, key=len, default={})


def _lines_in(made: Sequence[Step], file: str) -> dict[int, Locator]:
    try:
        with File(file).open("rb") as stream:
            parsed = parse(stream.read(MAX_DOCKERFILE_BYTES + 1))
    except (OSError, DockerfileError):
        return {}
    lines = dict(instruction_paths(parsed))
    there = places_in(rebuilt(made, ""), shape(parsed, file))
    return {
        number: Locator(file, lines[path].line, 1, lines[path].start, lines[path].end) for number, path in there.items()
    }


def places_of_image(told: Mapping[str, Any], made: Sequence[Step], lines: Mapping[int, Locator]) -> dict[Path, Locator]:
    """Return the places of what an image's object tells, by the layers that brought it."""
    by_layer = {made[number].layer: place for number, place in lines.items() if made[number].layer >= 0}
    return {
        (name, index): by_layer[each["layer"]]
        for name in LISTS
        for index, each in enumerate(told.get(name, ()))
        if each["layer"] in by_layer
    }
