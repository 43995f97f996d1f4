"""What a kustomization is made of: its own file, those that it builds on, and the patches that they name."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from transom.kube.documents import Document, read_documents
from transom.model.limits import MAX_DOCUMENT_BYTES

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
BUILT_ON = ("resources", "bases", "components")
PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")
FETCHING = ("resources", "bases", "components", "crds", "openapi", "configurations", "generators", "transformers")
MAX_KUSTOMIZATIONS = 1_000  # that one builds on; the largest public trees have about a hundred
_REMOTE_MARKS = ("://", "?ref=", "git@", "git::", "github.com/", "gitlab.com/", "bitbucket.org/")


class Kustomization(Struct, frozen=True):
    """One kustomization file. path: of the file; document: what it holds, always a map."""

    path: str
    document: Document

    @property
    def folder(self) -> str:
        """The folder that its paths are relative to."""
        return os.path.dirname(self.path)  # noqa: PTH120 - the path is text everywhere else

    @property
    def remote(self) -> Iterator[str]:
        """What it would fetch from elsewhere, as it names it."""
        return (each for field in FETCHING for each in _texts(self.document.value.get(field)) if is_remote(each))

    @property
    def charts(self) -> bool:
        """Whether it inflates Helm charts, which a build does only when it is told to."""
        return any(self.document.value.get(field) for field in ("helmCharts", "helmChartInflationGenerator"))


def kustomization_file(folder: str) -> str:
    """Return the path of a folder's kustomization file, "" where it has none."""
    for name in FILE_NAMES:
        path = os.path.join(folder, name)  # noqa: PTH118
        if os.path.isfile(path):  # noqa: PTH113
            return path
    return ""


def is_remote(resource: str) -> bool:
    """Tell whether kustomize would fetch a resource from elsewhere."""
    return any(sign in resource for sign in _REMOTE_MARKS)


def tree(folder: str) -> Iterator[Kustomization]:
    """Yield the kustomization of a folder and all that it builds on, itself first; what cannot be read is left out."""
    waiting, seen = [os.path.realpath(folder)], set[str]()
    while waiting and len(seen) < MAX_KUSTOMIZATIONS:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        found = _read(here)
        if found is None:
            continue
        yield found
        for field in BUILT_ON:
            for named in _texts(found.document.value.get(field)):
                below = os.path.realpath(os.path.join(here, named))  # noqa: PTH118
                if not is_remote(named) and os.path.isdir(below):  # noqa: PTH112
                    waiting.append(below)


def _read(folder: str) -> Kustomization | None:
    path = kustomization_file(folder)
    content = read_file(path) if path else b""
    for document in read_documents(io.BytesIO(content), path):
        if isinstance(document, Document) and isinstance(document.value, dict):
            return Kustomization(path, document)
    return None


def read_file(path: str) -> bytes:
    """Return a file's content; empty where it cannot be read or is larger than any document may be."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            content = stream.read(MAX_DOCUMENT_BYTES + 1)
    except OSError:
        return b""
    return content if len(content) <= MAX_DOCUMENT_BYTES else b""


def patch_files(found: Kustomization) -> Iterator[str]:
    """Yield the paths of the patches that a kustomization names; those written into it are not among them."""
    for field in PATCHES:
        value = found.document.value.get(field)
        for each in value if isinstance(value, list) else []:
            named = each.get("path") if isinstance(each, dict) else each
            if isinstance(named, str) and "\n" not in named:
                yield os.path.join(found.folder, named)  # noqa: PTH118


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    yield from (each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
