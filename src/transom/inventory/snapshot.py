"""Snapshots: a whole inventory in one file, to be judged later, elsewhere, or by another command.

The file is gzip of JSON lines: a header with the schema's version, then one line for each cluster that was read, for each
entry (origin, object, places of its nodes), for each bill of an image and for whatever else its source told (Skipped and
the like). The same
inventory gives the same bytes. Values of Secrets are never written, wherever a Secret stands in an object.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import msgspec
from msgspec.structs import replace

from transom.inventory.entries import Entry, Origin, Places
from transom.inventory.inventory import Inventory
from transom.kube.comments import Comment
from transom.kube.sight import LAST_APPLIED
from transom.model.clusters import ClusterFacts
from transom.model.errors import TransomError
from transom.model.findings import Finding, NotApplicable, Provenance, Skipped, Told
from transom.model.packages import Bill
from transom.model.places import Locator, Path

if TYPE_CHECKING:
    import gzip
    from pathlib import Path as File

SCHEMA = "transom.snapshot/1"
GZIP_MAGIC = b"\x1f\x8b"
MAX_LINE_BYTES = 64 * 1024 * 1024  # an object of 10 MB with the places of all its nodes
MAX_SNAPSHOT_BYTES = 16 * 1024**3  # unpacked; 20,000 Deployments take about 0.1 GB
MAX_REDACTION_DEPTH = 400  # beyond what a reader of documents lets in

Node = list[Any]
"""[line, column, start, end] of a node, then, for a map or list, a fifth element: its children."""


class StoredPlaces(msgspec.Struct, frozen=True, eq=False):
    """The places of one object, as the snapshot's maker saw them."""

    file: str
    item: Path
    tree: Node
    remarks: Sequence[Comment] = ()

    def places(self) -> Places:
        """Return itself: nothing needs computing."""
        return self

    def comments(self) -> Sequence[Comment]:
        """Return the comments that stood at the object and are addressed to Transom."""
        return self.remarks

    def find(self, path: Path) -> Locator:
        """Return the place of the node at path, or of its deepest ancestor that exists."""
        node = self.tree
        for step in path[len(self.item) :]:
            children = node[4] if len(node) > 4 else None
            if isinstance(children, dict) and str(step) in children:
                node = children[str(step)]
            elif isinstance(children, list) and isinstance(step, int) and 0 <= step < len(children):
                node = children[step]
            else:
                break
        return Locator(self.file, *node[:4])


class _Header(msgspec.Struct, frozen=True, omit_defaults=True):
    schema: str


class _StoredCluster(msgspec.Struct, frozen=True, tag="cluster"):
    target: str
    facts: ClusterFacts


class _Stored(msgspec.Struct, frozen=True, omit_defaults=True, tag="object"):
    target: str
    object: dict[str, Any]
    file: str = ""
    document: int = 0
    item: list[str | int] = []
    places: Node | None = None
    comments: Sequence[Comment] = ()
    renderer: str = ""


class _StoredSkipped(msgspec.Struct, frozen=True, tag="skipped"):
    skipped: Skipped


class _StoredNotApplicable(msgspec.Struct, frozen=True, tag="not-applicable"):
    not_applicable: NotApplicable


class _StoredProvenance(msgspec.Struct, frozen=True, tag="provenance"):
    provenance: Provenance


class _StoredFinding(msgspec.Struct, frozen=True, tag="finding"):
    finding: Finding


class _StoredBill(msgspec.Struct, frozen=True, tag="bill"):
    bill: Bill


_OfSource = _StoredSkipped | _StoredNotApplicable | _StoredProvenance | _StoredFinding
_Line = _Stored | _OfSource | _StoredCluster | _StoredBill
_TOLD = {
    Skipped: _StoredSkipped,
    NotApplicable: _StoredNotApplicable,
    Provenance: _StoredProvenance,
    Finding: _StoredFinding,
}


def write(inventory: Inventory, others: Iterable[Told], file: File) -> None:
    """Write a snapshot, replacing the file only when it is whole."""
    import gzip

    unfinished = file.with_name(f".{file.name}.part")
    encode = msgspec.json.Encoder().encode
    try:
        with unfinished.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
            stream.write(encode(_Header(SCHEMA)) + b"\n")
            for line in _lines(inventory, others):
                stream.write(encode(line) + b"\n")
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise TransomError(f"cannot write {file}", error.strerror or str(error), "choose another file") from error


def _lines(inventory: Inventory, others: Iterable[Told]) -> Iterator[_Line]:
    for target, facts in sorted(inventory.clusters.items()):
        yield _StoredCluster(target, facts)
    for entry in inventory.entries():
        origin = entry.origin
        value = cast("dict[str, Any]", without_secret_values(entry.object))
        item = list(origin.item)
        places = _places(inventory, entry, value)
        remarks = _comments(inventory, entry)
        yield _Stored(origin.target, value, origin.file, origin.document, item, places, remarks, origin.renderer)
    yield from map(_StoredBill, inventory.bills)
    for other in others:
        yield _TOLD[type(other)](other)


def _comments(inventory: Inventory, entry: Entry) -> list[Comment]:
    item = entry.origin.item
    return [replace(each, paths=tuple((*item, *path) for path in each.paths)) for each in inventory.comments(entry)]


def _places(inventory: Inventory, entry: Entry, value: dict[str, Any]) -> Node | None:
    if entry.source is None:
        return None

    def node(part: object, path: Path) -> Node:
        place = inventory.locate(entry, path)
        own = [place.line, place.column, place.start, place.end]
        if isinstance(part, dict) and part:
            return [*own, {key: node(child, (*path, key)) for key, child in part.items()}]
        if isinstance(part, list) and part:
            return [*own, [node(child, (*path, index)) for index, child in enumerate(part)]]
        return own

    return node(value, ())


def without_secret_values(value: object, depth: int = 0) -> object:
    """Return a copy in which no Secret carries a value: keys stay, values become empty text."""
    if depth > MAX_REDACTION_DEPTH:
        return None
    if isinstance(value, list):
        return [without_secret_values(part, depth + 1) for part in value]
    if not isinstance(value, dict):
        return value
    copy = {key: without_secret_values(part, depth + 1) for key, part in value.items()}
    if copy.get("kind") == "Secret" and copy.get("apiVersion") == "v1":
        _redact(copy)
    return copy


def _redact(secret: dict[str, Any]) -> None:
    for field in ("data", "stringData"):
        values = secret.get(field)
        secret[field] = dict.fromkeys(values, "") if isinstance(values, dict) else None
        if secret[field] is None:
            del secret[field]
    metadata = secret.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if isinstance(annotations, dict):
        annotations.pop(LAST_APPLIED, None)  # kubectl keeps the whole object there, values included


def is_snapshot(path: str) -> bool:
    """Tell whether a file begins as a snapshot does."""
    try:
        with open(path, "rb") as raw:
            if raw.read(2) != GZIP_MAGIC:
                return False
            import gzip

            raw.seek(0)
            return b'"transom.snapshot/' in gzip.GzipFile(fileobj=raw).read(64)
    except (OSError, EOFError):
        return False


def fill_from_snapshot(inventory: Inventory, path: str) -> Iterator[Told]:
    """Add every entry of a snapshot; yield again what was skipped at its making."""
    import gzip

    try:
        with open(path, "rb") as raw:
            yield from _read(inventory, gzip.GzipFile(fileobj=raw), path)
    except (OSError, EOFError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TransomError(f"cannot read the snapshot {path}", str(error), "make it again") from error


def _read(inventory: Inventory, stream: gzip.GzipFile, path: str) -> Iterator[Told]:
    header = msgspec.json.decode(stream.readline(MAX_LINE_BYTES), type=_Header)
    if header.schema != SCHEMA:
        raise TransomError(
            f"cannot read the snapshot {path}", f"its schema is {header.schema}, not {SCHEMA}", "make it again"
        )
    decoder = msgspec.json.Decoder(_Line)
    for line in _bounded_lines(cast("BinaryIO", stream), path):
        stored = decoder.decode(line)
        if isinstance(stored, _StoredCluster):
            inventory.clusters[stored.target] = stored.facts
        elif isinstance(stored, _StoredBill):
            inventory.bills.append(stored.bill)
        elif not isinstance(stored, _Stored):
            (told,) = msgspec.structs.astuple(stored)
            yield told
        else:
            origin = Origin(stored.target, stored.file, stored.document, tuple(stored.item), stored.renderer)
            source = StoredPlaces(stored.file, origin.item, stored.places, stored.comments) if stored.places else None
            inventory.add(stored.object, origin, source)


def clusters_of(path: str) -> dict[str, ClusterFacts]:
    """Return what a snapshot tells of the clusters in it, by target, read from its first lines; {} for other files."""
    if not os.path.isfile(path) or not is_snapshot(path):
        return {}
    import gzip

    found: dict[str, ClusterFacts] = {}
    try:
        with gzip.open(path, "rb") as stream:
            stream.readline(MAX_LINE_BYTES)
            for line in _bounded_lines(cast("BinaryIO", stream), path):
                stored = msgspec.json.decode(line, type=_Line)
                if not isinstance(stored, _StoredCluster):
                    break
                found[stored.target] = stored.facts
    except (OSError, EOFError, msgspec.DecodeError, UnicodeDecodeError):
        return {}  # whoever reads all of it will say so
    return found


def _bounded_lines(stream: BinaryIO, path: str) -> Iterator[bytes]:
    total = 0
    while line := stream.readline(MAX_LINE_BYTES):
        total += len(line)
        if total > MAX_SNAPSHOT_BYTES or not line.endswith(b"\n"):
            raise TransomError(f"cannot read the snapshot {path}", "a line or the whole is larger than allowed, or cut")
        yield line
