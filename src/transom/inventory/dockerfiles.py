"""Dockerfiles as a source: each file is one entry, an object of kind Dockerfile with the places of its instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.inventory.entries import Entry, Origin, Places
from transom.kube.comments import MARK, Comment
from transom.lang.dockerfile import Dockerfile, DockerfileError, instruction_paths, parse, shape
from transom.model.findings import Skipped
from transom.model.places import Locator, Path
from transom.model.refs import file_ref

if TYPE_CHECKING:
    from transom.inventory.inventory import Inventory
    from transom.kube.files import Found

FOR_OTHERS = ("hadolint ", "trivy:ignore:", "checkov:skip")
"""How comments begin that speak to other scanners, and are understood here too."""
BOM = b"\xef\xbb\xbf"
MAX_READ_BYTES = 1024 * 1024 + 1  # one more than a Dockerfile may have


class DockerfilePlaces(Struct, frozen=True, eq=False):
    """The places of a file's instructions."""

    file: str
    known: dict[Path, Locator]

    def find(self, path: Path) -> Locator:
        """Return the place of the instruction that a path leads to or through; of the file where it leads to none."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.known:
                return self.known[path[:length]]
        return Locator(self.file, 1, 1)


class DockerfileSource(Struct, frozen=True, eq=False):
    """One file, asked for its places when the first finding asks."""

    file: str
    parsed: Dockerfile
    text: bytes

    def places(self) -> Places:
        """Return the places of all instructions."""
        known = {
            path: Locator(self.file, each.line, 1, each.start, each.end)
            for path, each in instruction_paths(self.parsed)
        }
        return DockerfilePlaces(self.file, known)

    def comments(self) -> Sequence[Comment]:
        """Return the comments that are addressed to scanners; each speaks of the instruction below it."""
        return list(self._comments())

    def _comments(self) -> Iterator[Comment]:
        for text, line in self.parsed.comments:
            if text.startswith((MARK, *FOR_OTHERS)):
                below = [(path, each) for path, each in instruction_paths(self.parsed) if each.end_line >= line]
                first = min((each.line for _, each in below), default=0)
                yield Comment(text, line, 1, tuple(path for path, each in below if each.line == first))


def fill_from_dockerfiles(inventory: Inventory, files: Sequence[Found], target: str) -> Iterator[Skipped]:
    """Add each file as an entry; yield those that are none."""
    for found in files:
        try:
            with open(found.path, "rb") as stream:  # noqa: PTH123 - as for manifests
                add_dockerfile(inventory, stream.read(MAX_READ_BYTES), Origin(target, found.shown))
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}"
            yield Skipped(file_ref(found.shown), reason, "make it readable, or exclude it")
        except DockerfileError as error:
            reason = f"it is no Dockerfile: {error}"
            place = Locator(found.shown, error.line, 1 if error.line else 0)
            yield Skipped(file_ref(found.shown), reason, "correct it, or exclude it", locator=place)


def add_dockerfile(inventory: Inventory, text: bytes, origin: Origin) -> Entry:
    """Add the object of a Dockerfile; raises DockerfileError."""
    text = text.removeprefix(BOM)  # as its places have it
    parsed = parse(text)
    return inventory.add(shape(parsed, origin.file), origin, DockerfileSource(origin.file, parsed, text))
