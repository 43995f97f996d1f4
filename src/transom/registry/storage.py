"""Images and containers of CRI-O, podman and buildah (containers/storage): manifests and configs in files, layers unpacked.

No blob of a layer is kept, so that nothing holds what is read to its digest. Followed: containers/storage 1.50 and later, its
overlay driver.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import BinaryIO, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from transom.model.errors import TransomError
from transom.registry.blobs import Descriptor, Image, Platform, resolve, whole_name

ROOTS = ("/var/lib/containers/storage", "{home}/.local/share/containers/storage")
IMAGES, LAYERS, CONTAINERS = (
    "overlay-images/images.json",
    "overlay-layers/layers.json",
    "overlay-containers/containers.json",
)
MAX_LIST_BYTES = 64 * 1024 * 1024  # an image takes 2 kB of it
MAX_DEPTH = 1_000  # layers over each other
SHORT_ID_CHARS = 12  # what tools show of an image's id, at least
_HEX = re.compile(r"[0-9a-f]+\Z")
_PLAIN = re.compile(r"[0-9a-z.]+\Z")
_PLACE = re.compile(r"\[(?:[a-z0-9-]+@)?(/[^\]+]*)?(?:\+[^\]]*)?\]")
Made = TypeVar("Made")


class _Kept(Struct):
    id: str
    names: list[str] | None = None
    digest: str = ""
    layer: str = ""


class _Layer(Struct):
    id: str
    parent: str = ""


class _Container(Struct):
    id: str
    names: list[str] | None = None
    image: str = ""
    layer: str = ""


class Stored(Struct, frozen=True):
    """A container. image: by its name; layers: folders of its root file system, the lowest first, its own last."""

    id: str
    names: tuple[str, ...]
    image: str
    layers: tuple[str, ...]


class _Files:
    """The manifest and the config of one image, by their digests."""

    def __init__(self, folder: str, manifest: bytes) -> None:
        self._folder = folder
        self._manifest = manifest
        self.top = Descriptor(f"sha256:{sha256(manifest).hexdigest()}", len(manifest))

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return the stream of a file; raises TransomError where there is none."""
        name = "manifest" if descriptor.digest == self.top.digest else _file_of(descriptor.digest)
        try:
            return open(os.path.join(self._folder, name), "rb")  # noqa: PTH118, PTH123
        except OSError as error:
            why = error.strerror or str(error)
            raise TransomError(f"there is no blob {descriptor.digest[:80]}", why, "pull the image again") from error


def _file_of(key: str) -> str:
    """Return the name of the file that keeps what is called so."""
    return key if _PLAIN.match(key) else f"={base64.b64encode(key.encode()).decode()}"


def parse_place(text: str, home: str) -> tuple[str, str]:
    """Return the folder of a store and the name in it, of `[DRIVER@FOLDER+RUN]NAME` or NAME; raises TransomError."""
    place = _PLACE.match(text)
    name = text[place.end() :] if place else text
    roots = [place[1]] if place and place[1] else [each.format(home=home) for each in ROOTS]
    for root in roots:
        if os.path.exists(os.path.join(root, IMAGES)):  # noqa: PTH110, PTH118
            return root, name
    next_step = "name its folder: containers-storage:[overlay@/FOLDER]NAME; of other drivers save the image to a file"
    raise TransomError("there is no store of containers/storage here", f"looked in {', '.join(roots)}", next_step)


def read_storage(wanted: str, root: str, platform: Platform | None = None) -> Image:
    """Return an image of a store; raises TransomError. wanted: a name, a digest, or the start of an id."""
    kept = _named(wanted, _listed(root, IMAGES, _Kept))
    folder = os.path.join(root, "overlay-images", kept.id)  # noqa: PTH118
    files = _Files(folder, _read(os.path.join(folder, "manifest")))  # noqa: PTH118
    image = resolve(next(iter(kept.names or ()), wanted), files.top, files, platform)
    folders = _chain(root, kept.layer, _parents(root))
    if len(folders) != len(image.layers):
        why = f"it has {len(image.layers)} layers, of which {len(folders)} are there"
        raise TransomError(f"cannot read {wanted}", why, "pull the image again")
    layers = zip(image.layers, folders, strict=True)
    return replace(image, layers=tuple(replace(layer, folder=each) for layer, each in layers))


def stored_containers(root: str) -> Iterator[Stored]:
    """Yield every container of a store, running or not; raises TransomError."""
    parents = _parents(root)
    images = {each.id: next(iter(each.names or ()), "") for each in _listed(root, IMAGES, _Kept)}
    for each in _listed(root, CONTAINERS, _Container):
        yield Stored(each.id, tuple(each.names or ()), images.get(each.image, ""), _chain(root, each.layer, parents))


def _named(wanted: str, found: Sequence[_Kept]) -> _Kept:
    names = {wanted, whole_name(wanted)}
    fitting = [each for each in found if names & set(each.names or ()) or wanted in (each.digest, each.id)]
    short = wanted.removeprefix("sha256:")
    if not fitting and len(short) >= SHORT_ID_CHARS and _HEX.match(short):
        fitting = [each for each in found if each.id.startswith(short)]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(sorted(name for each in fitting or found for name in each.names or (each.id,))[:10])
    what = f"the store has several images {wanted}" if fitting else f"the store has no image {wanted}"
    raise TransomError(what, f"it has {there or 'none'}", "name one of these")


def _parents(root: str) -> dict[str, str]:
    return {each.id: each.parent for each in _listed(root, LAYERS, _Layer)}


def _chain(root: str, layer: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders of a layer and of all below it, the lowest first; () where one is missing."""
    found: list[str] = []
    while layer and len(found) < MAX_DEPTH:
        folder = os.path.join(root, "overlay", layer, "diff")  # noqa: PTH118
        if not _HEX.match(layer) or not os.path.isdir(folder):  # noqa: PTH112
            return ()
        found.append(folder)
        layer = parents.get(layer, "")
    return tuple(reversed(found))


def _listed(root: str, path: str, kind: type[Made]) -> list[Made]:
    try:
        return msgspec.json.decode(_read(os.path.join(root, path)), type=list[kind])  # type: ignore[valid-type]  # noqa: PTH118
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError(f"cannot read {path} below {root}", str(error), "") from error


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            content = stream.read(MAX_LIST_BYTES + 1)
    except FileNotFoundError:
        return b"[]"
    except OSError as error:
        raise TransomError(f"cannot read {path}", error.strerror or str(error), "run as root") from error
    if len(content) > MAX_LIST_BYTES:
        raise TransomError(f"cannot read {path}", f"it is larger than {MAX_LIST_BYTES // 2**20} MiB", "")
    return content
