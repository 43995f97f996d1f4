"""Images and containers as containerd keeps them on a node: names in its databases, content in files, layers unpacked.

Read without containerd, so that it may run, or not. Blobs of layers may be gone, since a node can be told to discard what
it has unpacked (`discard_unpacked_layers`); then the unpacked snapshot is read, which nothing holds to a digest. Followed:
containerd 1.6 to 2.1, metadata schema v1, content and snapshots of its own plug-ins.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from transom.model.errors import TransomError
from transom.registry.blobs import Descriptor, Image, Layer, Platform, resolve, whole_name
from transom.registry.bolt import BoltError, Bucket, read_bolt

ROOTS = (
    "/var/lib/containerd",
    "/var/lib/rancher/k3s/agent/containerd",
    "/var/lib/rancher/rke2/agent/containerd",
    "/var/lib/k0s/containerd",
    "/var/snap/microk8s/common/var/lib/containerd",
    "/var/lib/docker/containerd/daemon",
)
"""Where containerd keeps what lasts: its own default, and those of distributions that bring it along."""
METADATA = "io.containerd.metadata.v1.bolt/meta.db"
CONTENT = "io.containerd.content.v1.content/blobs"
SNAPSHOTTERS = ("overlayfs", "fuse-overlayfs", "stargz", "nydus", "soci")
"""Those that keep each layer by itself, in snapshots/ID/fs."""
SHORT_ID_CHARS = 12  # what tools show of an image's id, at least
MAX_SNAPSHOTS = 1_000  # over each other
_HEX = re.compile(r"[0-9a-f]+\Z")
_BLOB = re.compile(r"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\Z")


class Named(Struct, frozen=True):
    """An image by one of its names, in a namespace of containerd."""

    namespace: str
    name: str
    target: Descriptor


class Kept(Struct, frozen=True):
    """A container that containerd knows. layers: of its root file system, the lowest first, the last its own; () where
    they cannot be told."""

    namespace: str
    id: str
    image: str
    labels: dict[str, str]
    layers: tuple[str, ...]


class Content:
    """The content store: a file for each blob."""

    def __init__(self, root: str) -> None:
        self._root = os.path.join(root, CONTENT)  # noqa: PTH118

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return the stream of a blob; raises TransomError where there is none."""
        digest = descriptor.digest
        try:
            if not _BLOB.match(digest):
                raise FileNotFoundError
            return open(os.path.join(self._root, *digest.split(":")), "rb")  # noqa: PTH118, PTH123
        except FileNotFoundError:
            why = "containerd has discarded it, or never fetched it"
            raise TransomError(
                f"there is no blob {digest[:80]}", why, "pull the image again, or name its registry"
            ) from None
        except OSError as error:
            raise TransomError(f"cannot read blob {digest}", error.strerror or str(error), "run as root") from error


def root_of(configured: str = "") -> str:
    """Return the folder of containerd that is there; raises TransomError."""
    for root in (configured,) if configured else ROOTS:
        if os.path.exists(os.path.join(root, METADATA)):  # noqa: PTH110, PTH118
            return root
    where = configured or ", ".join(ROOTS)
    raise TransomError("there is no containerd here", f"looked in {where}", "name its folder: --containerd-root")


def read_containerd(wanted: str, root: str, namespace: str = "", platform: Platform | None = None) -> Image:
    """Return an image of containerd's; raises TransomError.

    wanted: a name, a digest, or the start of an id, as tools show it; namespace: where to look, "" for everywhere.
    """
    database = read_bolt(os.path.join(root, METADATA))  # noqa: PTH118
    try:
        found = _named(wanted, list(_images(database, namespace)))
        image = resolve(found.name, found.target, Content(root), platform)
        snapshots = Snapshots(database, root, found.namespace)
        return replace(image, layers=tuple(_unpacked_where_gone(image.layers, root, snapshots)))
    except BoltError as error:
        raise TransomError(f"cannot read containerd's database below {root}", str(error), "") from error


def _images(database: Bucket, namespace: str) -> Iterator[Named]:
    """Yield every image by every name."""
    for space, bucket in _namespaces(database, namespace):
        images = bucket.bucket(b"images")
        for name, image in images.buckets() if images else ():
            target = image.bucket(b"target")
            digest = (target.get(b"digest") if target else None) or b""
            kind = (target.get(b"mediatype") if target else None) or b""
            yield Named(space, _text(name), Descriptor(_text(digest), 0, _text(kind)))


def _namespaces(database: Bucket, wanted: str) -> Iterator[tuple[str, Bucket]]:
    version = database.bucket(b"v1")
    for name, bucket in version.buckets() if version else ():
        if not wanted or _text(name) == wanted:
            yield _text(name), bucket


def _named(wanted: str, found: Sequence[Named]) -> Named:
    """Return the one image that is meant; raises TransomError."""
    names = {wanted, whole_name(wanted)}
    fitting = [each for each in found if each.name in names or wanted == each.target.digest]
    if not fitting and len(wanted) >= SHORT_ID_CHARS and _HEX.match(wanted.removeprefix("sha256:")):
        start = f"sha256:{wanted.removeprefix('sha256:')}"
        fitting = [each for each in found if each.name.startswith(start) or each.target.digest.startswith(start)]
    if len({each.target.digest for each in fitting}) == 1:
        return min(fitting, key=lambda each: (each.name.startswith("sha256:"), each.namespace))
    if fitting:
        there = ", ".join(sorted({each.namespace for each in fitting}))
        raise TransomError(f"containerd has several images {wanted}", f"in {there}", f"name one: {wanted}#NAMESPACE")
    there = ", ".join(sorted({each.name for each in found if not each.name.startswith("sha256:")})[:10])
    raise TransomError(f"containerd has no image {wanted}", f"it has {there or 'none'}", "pull it, or name another")


def _unpacked_where_gone(layers: Sequence[Layer], root: str, snapshots: Snapshots) -> Iterator[Layer]:
    """Yield layers, with the folder of the unpacked snapshot where the blob is gone."""
    chain = ""
    for layer in layers:
        chain = f"sha256:{sha256(f'{chain} {layer.diff_id}'.encode()).hexdigest()}" if chain else layer.diff_id
        path = os.path.join(root, CONTENT, *layer.descriptor.digest.split(":", 1))  # noqa: PTH118
        is_there = _BLOB.match(layer.descriptor.digest) and os.path.exists(path)  # noqa: PTH110
        yield layer if is_there else replace(layer, folder=snapshots.folder(chain))


class Snapshots:
    """The unpacked layers of a namespace, by their keys: the chain of diff-IDs, or a container's own."""

    def __init__(self, database: Bucket, root: str, namespace: str) -> None:
        self._kept = database.bucket(b"v1", namespace.encode(), b"snapshots")
        self._root = root
        self._databases: dict[str, Bucket | None] = {}

    def folder(self, key: str) -> str:
        """Return where a snapshot lies, "" where there is none that is a layer by itself."""
        for snapshotter in SNAPSHOTTERS:
            folder = self._folder(snapshotter, key.encode())
            if folder:
                return folder
        return ""

    def chain(self, snapshotter: str, key: str) -> tuple[str, ...]:
        """Return the folders of a snapshot and of all below it, the lowest first; () where one is missing."""
        found: list[str] = []
        here: bytes | None = key.encode()
        while here and len(found) < MAX_SNAPSHOTS:
            folder = self._folder(snapshotter, here)
            if not folder:
                return ()
            found.append(folder)
            bucket = self._kept.bucket(snapshotter.encode(), here) if self._kept else None
            here = bucket.get(b"parent") if bucket else None
        return tuple(reversed(found))

    def _folder(self, snapshotter: str, key: bytes) -> str:
        bucket = self._kept.bucket(snapshotter.encode(), key) if self._kept else None
        name = bucket.get(b"name") if bucket else None
        own = self._own(snapshotter) if name else None
        snapshot = own.bucket(b"v1", b"snapshots", name) if own and name else None
        number = snapshot.get(b"id") if snapshot else None
        if not number:
            return ""
        folder = os.path.join(self._plugin(snapshotter), "snapshots", str(_uvarint(number)), "fs")  # noqa: PTH118
        return folder if os.path.isdir(folder) else ""  # noqa: PTH112

    def _own(self, snapshotter: str) -> Bucket | None:
        """Return the snapshotter's own database, None where it has none."""
        if snapshotter not in self._databases:
            path = os.path.join(self._plugin(snapshotter), "metadata.db")  # noqa: PTH118
            is_there = snapshotter in SNAPSHOTTERS and os.path.exists(path)  # noqa: PTH110
            self._databases[snapshotter] = read_bolt(path) if is_there else None
        return self._databases[snapshotter]

    def _plugin(self, snapshotter: str) -> str:
        return os.path.join(self._root, f"io.containerd.snapshotter.v1.{snapshotter}")  # noqa: PTH118


def kept_containers(root: str, namespace: str = "") -> Iterator[Kept]:
    """Yield every container that containerd knows, running or not; raises TransomError."""
    database = read_bolt(os.path.join(root, METADATA))  # noqa: PTH118
    try:
        for space, bucket in _namespaces(database, namespace):
            snapshots = Snapshots(database, root, space)
            containers = bucket.bucket(b"containers")
            for name, container in containers.buckets() if containers else ():
                yield _kept(space, _text(name), container, snapshots)
    except BoltError as error:
        raise TransomError(f"cannot read containerd's database below {root}", str(error), "") from error


def _kept(namespace: str, name: str, container: Bucket, snapshots: Snapshots) -> Kept:
    labels = container.bucket(b"labels")
    told = {_text(key): _text(value) for key, value in labels.items()} if labels else {}
    snapshotter, key = (_text(container.get(field) or b"") for field in (b"snapshotter", b"snapshotKey"))
    layers = snapshots.chain(snapshotter, key) if snapshotter and key else ()
    return Kept(namespace, name, _text(container.get(b"image") or b""), told, layers)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _uvarint(value: bytes) -> int:
    """Return a number of seven bits a byte, the lowest first."""
    return sum((byte & 0x7F) << 7 * place for place, byte in enumerate(value[:10]))
