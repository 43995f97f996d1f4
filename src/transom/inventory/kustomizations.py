"""Kustomizations as a source: what they build becomes entries whose places are in the files it was built from."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from msgspec import Struct

from transom.inventory.entries import Origin, Places
from transom.inventory.files import fill_from_path
from transom.inventory.inventory import Inventory
from transom.inventory.unrendered import KUSTOMIZATION, unrendered
from transom.kube.comments import Comment
from transom.kube.documents import Document, positions, read_documents
from transom.kube.files import shown
from transom.kube.kustomize.build import INSTALL, ORIGIN, BuildError, Built, build, find_builder
from transom.kube.kustomize.tree import Kustomization, patch_files, read_file, tree
from transom.kube.objects import objects
from transom.kube.positions import Positions
from transom.kube.reading import at
from transom.model.findings import Provenance, Skipped, Told
from transom.model.places import Locator, Path
from transom.model.refs import file_ref

TRANSFORMERS = {
    "image": ("images",),
    "namespace": ("namespace",),
    "replicas": ("replicas",),
    "name": ("namePrefix", "nameSuffix"),
    "labels": ("labels", "commonLabels"),
    "annotations": ("commonAnnotations",),
}
"""Which keys of a kustomization change a field, by the field's name."""


def fill_from_kustomization(inventory: Inventory, folder: str, exclude: Sequence[str]) -> Iterator[Told]:
    """Add what a kustomization builds; where it cannot be built the files below it are read as they stand, and said so."""
    name = shown(folder)
    parts = list(tree(folder))
    builder = find_builder()
    obstacle, step = _obstacle(parts, builder)
    if obstacle:
        yield Skipped(file_ref(name), obstacle, step, locator=Locator(name))
        yield from fill_from_path(inventory, folder, exclude)
        return
    try:
        built = build(os.path.realpath(folder), builder)
    except BuildError as error:
        place = Locator(shown(parts[0].path) if parts else name, 1, 1)
        yield from unrendered(KUSTOMIZATION, name, str(error), place)
        yield from fill_from_path(inventory, folder, exclude)
        return
    yield Provenance(name, f"built by {' '.join(builder)}")
    yield from _add_all(inventory, built, _Sources(folder, parts), folder, " ".join(builder))


def _obstacle(parts: Sequence[Kustomization], builder: tuple[str, ...]) -> tuple[str, str]:
    """Return why a kustomization is not built, and what to do about it."""
    if not builder:
        why = "it is a kustomization, and nothing here builds one; its files are judged as they stand"
        return why, INSTALL
    for part in parts:
        for remote in part.remote:
            step = "keep a copy beside it, or build it yourself: kubectl kustomize DIR | transom scan -"
            why = f"it builds on {remote}, which is not fetched; its files are judged as they stand"
            return why, step
        if part.charts:
            step = "kubectl kustomize --enable-helm DIR | transom scan -"
            why = "it inflates Helm charts, which may be fetched; its files are judged as they stand"
            return why, step
    return "", ""


def _add_all(inventory: Inventory, built: Built, sources: _Sources, target: str, label: str) -> Iterator[Skipped]:
    for document in read_documents(io.BytesIO(built.text), shown(target)):
        if isinstance(document, Skipped):
            yield document
            continue
        for item in objects(document.value, document=document):
            if isinstance(item, Skipped):
                yield item
                continue
            value, file = _without_origin(item[1], built)
            source = BuiltSource(value, file, sources)
            inventory.add(value, Origin(target, sources.shown(file), document.index, (), label), source)


def _without_origin(value: dict[str, Any], built: Built) -> tuple[dict[str, Any], str]:
    """Return an object without the annotation that names its origin, and the file that it names."""
    metadata = dict(value.get("metadata") or {})
    annotations = dict(metadata.get("annotations") or {})
    file = built.origin(str(annotations.pop(ORIGIN, "")))
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    return {**value, "metadata": metadata}, file


class _Sources:
    """The files that a build was made from, read when they are asked for."""

    def __init__(self, folder: str, parts: Sequence[Kustomization]) -> None:
        self.parts = parts
        self._folder = folder
        self._real = os.path.realpath(folder)
        self._documents: dict[str, list[Document]] = {}
        self._places: dict[int, Positions] = {}

    def shown(self, path: str) -> str:
        """Return how people see a file: relative as the folder was named, where it lies near it."""
        if not path:
            path = self.parts[0].path if self.parts else self._real
        return shown(os.path.normpath(os.path.join(self._folder, os.path.relpath(path, self._real))))  # noqa: PTH118

    def documents(self, path: str) -> list[Document]:
        """Return the documents of a file; what cannot be read is left out."""
        if path not in self._documents:
            read = read_documents(io.BytesIO(read_file(path)), self.shown(path))
            self._documents[path] = [each for each in read if isinstance(each, Document)]
        return self._documents[path]

    def place(self, document: Document, path: Path) -> Locator:
        """Return the place of a field in one of the documents that are kept here."""
        if id(document) not in self._places:
            self._places[id(document)] = positions(document)
        return self._places[id(document)].find(path)

    @cached_property
    def patches(self) -> list[str]:
        """The paths of all patches, those of the outermost kustomization first."""
        return [path for part in self.parts for path in patch_files(part)]


class BuiltSource(Struct, frozen=True, eq=False):
    """An object that a kustomization built, the file it began in, and the files that may have changed it."""

    value: dict[str, Any]
    file: str
    sources: _Sources

    def places(self) -> Places:
        """Return itself: places are looked for when they are asked for."""
        return self

    def comments(self) -> Sequence[Comment]:
        """Return nothing: a build drops comments."""
        return ()

    def find(self, path: Path) -> Locator:
        """Return where a field was set: in its own file, in a patch, or by a key of a kustomization."""
        wanted = at(self.value, *path)
        return (
            self._within(self.file, path, wanted)
            or next((place for patch in self.sources.patches if (place := self._within(patch, path, wanted))), None)
            or self._by_transformer(path)
            or Locator(self.sources.shown(self.file), 1, 1)
        )

    def _within(self, file: str, path: Path, wanted: Any) -> Locator | None:
        """Return the place of a field in the document of a file that is about this object and says the same."""
        for document in self.sources.documents(file):
            for item in objects(document.value, document=document):
                if isinstance(item, Skipped) or not _is_about(item[1], self.value):
                    continue
                there = _translated(item[1], self.value, path)
                if there is not None and at(item[1], *there) == wanted and (wanted is not None or file == self.file):
                    return self.sources.place(document, item[0] + there)
        return None

    def _by_transformer(self, path: Path) -> Locator | None:
        names = [step for step in path if isinstance(step, str)]
        keys = [key for name in reversed(names) for key in TRANSFORMERS.get(name, ())] + ["patches"]
        for key in keys:
            for part in self.sources.parts:
                if part.document.value.get(key):
                    place = self.sources.place(part.document, (key,))
                    return Locator(self.sources.shown(part.path), place.line, place.column, place.start, place.end)
        return None


def _is_about(value: dict[str, Any], built: dict[str, Any]) -> bool:
    """Tell whether an object of a file became a built one: its kind is the same, its name is within the other."""
    name = (value.get("metadata") or {}).get("name")
    whole = (built.get("metadata") or {}).get("name")
    return value.get("kind") == built.get("kind") and isinstance(name, str) and name in str(whole)


def _translated(value: Any, built: Any, path: Path) -> Path | None:
    """Return a path of a built object as one of the file's: elements of lists are found by name, as merges do.

    None where the file has no such element.
    """
    found: list[str | int] = []
    for step in path:
        if isinstance(step, int):
            element = built[step] if isinstance(built, list) and step < len(built) else None
            name = element.get("name") if isinstance(element, dict) else None
            if isinstance(name, str) and isinstance(value, list):
                alike = (at for at, each in enumerate(value) if isinstance(each, dict) and each.get("name") == name)
                index = next(alike, None)
                if index is None:
                    return None
                found.append(index)
            else:
                found.append(step)
        else:
            found.append(step)
        value, built = at(value, found[-1]), at(built, step)
    return tuple(found)
