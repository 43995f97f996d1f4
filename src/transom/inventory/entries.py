"""One object as one source told it, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from transom.model.places import Locator, Path
from transom.model.refs import Ref, Scope

if TYPE_CHECKING:
    from transom.kube.comments import Comment

DEFAULT_NAMESPACE = "default"  # where kubectl puts an object that names none


class Places(Protocol):
    """Whatever can tell where a node of a document stands."""

    def find(self, path: Path) -> Locator:
        """Return the place of the node at path, or of its deepest ancestor that exists."""


class Source(Protocol):
    """Whatever can be asked, later and at some cost, for the places of a document."""

    def places(self) -> Places:
        """Return the places of all nodes."""

    def comments(self) -> Sequence[Comment]:
        """Return the comments that are addressed to Transom."""


OURS: dict[str, Scope] = {"Dockerfile": "file", "Image": "image"}
"""Kinds of our own that no cluster has, and the scopes of their Refs."""


class Origin(Struct, frozen=True, order=True):
    """Where an object was told: the target a person named, its file, the document of the file, the item of a List.

    renderer: what made the object from the file, where that is a template of a chart or part of a kustomization.
    """

    target: str
    file: str = ""
    document: int = 0
    item: Path = ()
    renderer: str = ""


class Entry(Struct, frozen=True, eq=False):
    """An object of one origin. The same Ref may have several entries; each entry is judged by itself.

    object: the raw object, whole, never changed. source: tells the places of its fields; None where nothing can.
    """

    ref: Ref
    api_version: str
    object: dict[str, Any]
    origin: Origin
    source: Source | None = None

    @property
    def metadata(self) -> dict[str, Any]:
        """The object's metadata, empty where it is missing or no map."""
        metadata = self.object.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def labels(self) -> dict[str, str]:
        """The object's labels; entries that are not text are left out."""
        labels = self.metadata.get("labels")
        if not isinstance(labels, dict):
            return {}
        return {key: value for key, value in labels.items() if isinstance(value, str)}


def ref_of(value: dict[str, Any]) -> Ref:
    """Return the Ref of an object, of another scope for a Dockerfile or an image; a generated name ends in `*`, a missing one is empty."""
    api_version, kind, metadata = value.get("apiVersion"), value.get("kind"), value.get("metadata")
    group = api_version.rpartition("/")[0] if isinstance(api_version, str) else ""
    metadata = metadata if isinstance(metadata, dict) else {}
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if group == "transom.dev" and kind in OURS and isinstance(name, str):
        scope: Scope = (
            "image" if value.get("rebuilt") is True else OURS[kind]
        )  # a Dockerfile that an image's history tells
        return Ref(scope=scope, group=group, kind=kind, name=name)
    if not isinstance(name, str) or not name:
        prefix = metadata.get("generateName")
        name = f"{prefix}*" if isinstance(prefix, str) and prefix else ""
    return Ref(
        group=group,
        kind=kind if isinstance(kind, str) else "",
        namespace=namespace if isinstance(namespace, str) else "",
        name=name,
    )
