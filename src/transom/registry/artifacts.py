"""Files that are no image, kept where images are: a manifest whose layers are named by their titles (as ORAS writes them).

`oci://HOST/REPOSITORY:TAG` is a registry; `oci:PATH[:TAG]` is an OCI layout, a folder or, if it ends in `.tar`, an archive.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from transom.model.errors import TransomError
from transom.model.images import ImageError, ImageRef, parse_image
from transom.registry.blobs import MANIFESTS, Descriptor, verified
from transom.registry.client import RegistryClient
from transom.registry.layouts import REF_NAME, LayoutBlobs, open_layout
from transom.registry.pushing import push_blob, push_manifest

WORD = "oci:"
TITLE = "org.opencontainers.image.title"
MANIFEST = MANIFESTS[0]
EMPTY = Descriptor(
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", 2, "application/vnd.oci.empty.v1+json"
)
"""The config of what has none: `{}` (OCI image specification 1.1, guidance for an empty descriptor)."""
MAX_FILES = 1_000
MAX_INDEX_BYTES = 16 << 20
CHUNK_BYTES = 1 << 20
PART = ".fetching"


class Manifest(Struct, rename="camel"):
    """The manifest of an artifact, as far as it is read."""

    artifact_type: str = ""
    layers: list[Descriptor] = []


class _Listed(Struct):
    """The index of a layout; what is in it is kept as it is."""

    manifests: list[dict[str, Any]] = []


class Artifact:
    """The files of an artifact, each brought by its title."""

    def __init__(self, name: str, layers: Iterable[Descriptor], blobs: RegistryClient | LayoutBlobs) -> None:
        self.name = name
        self._layers = {
            each.annotations[TITLE]: each for each in layers if each.annotations and TITLE in each.annotations
        }
        self._blobs = blobs

    def bring(self, file: str, target: Path, limit_bytes: int) -> Path:
        """Bring a file to the target; what broke off before goes on. Raises TransomError."""
        descriptor = self._layers.get(file)
        if descriptor is None:
            raise TransomError(f"cannot read {self.name}", f"it has no {file}", "look at what was pushed there")
        if descriptor.size > limit_bytes:
            raise TransomError(f"cannot use {file} of {self.name}", f"it is larger than {limit_bytes >> 20} MB", "")
        part = target.with_name(target.name + PART)
        try:
            with part.open("ab") as into:
                _copy(self._opened(descriptor, into.tell()), into, descriptor.size)
        except OSError as error:
            again = "try again: what has come is kept, and the rest is asked for"
            raise TransomError(f"cannot fetch {file} of {self.name}", str(error), again) from error
        if descriptor_of(part, "").digest != descriptor.digest:
            part.unlink()
            raise TransomError(
                f"cannot use {file} of {self.name}", "it is not what its manifest says", "fetch it again"
            )
        part.replace(target)
        return target

    def _opened(self, descriptor: Descriptor, start: int) -> BinaryIO:
        if isinstance(self._blobs, RegistryClient):
            return self._blobs.open(descriptor, start)
        stream = self._blobs.open(descriptor)
        while start and (skipped := len(stream.read(min(start, CHUNK_BYTES)))):
            start -= skipped
        return stream


def _copy(source: BinaryIO, target: BinaryIO, size_bytes: int) -> None:
    """Copy what is missing of a file, and not a byte more than it has."""
    with source:
        while (left := size_bytes - target.tell()) > 0 and (chunk := source.read(min(left, CHUNK_BYTES))):
            target.write(chunk)


def is_artifact(name: str) -> bool:
    """Tell whether a name is of an artifact."""
    return name.startswith(WORD)


def open_artifact(name: str, kind: str, insecure: bool = False) -> Artifact:
    """Return the files of an artifact of a kind; raises TransomError where there is none."""
    blobs: RegistryClient | LayoutBlobs
    path, tag = layout_of(name)
    if path:
        top, blobs = open_layout(path, tag)
    else:
        blobs = RegistryClient(reference_of(name), insecure=insecure)
        top = blobs.manifest()
    try:
        manifest = msgspec.json.decode(verified(blobs.open(top), top), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError(f"cannot read {name}", str(error), "push it again") from error
    if manifest.artifact_type != kind:
        why = f"it is {manifest.artifact_type or 'an image'}, not {kind}"
        raise TransomError(f"cannot use {name}", why, "name what `transom db export` pushed")
    return Artifact(name, manifest.layers[:MAX_FILES], blobs)


def write_artifact(name: str, kind: str, files: Iterable[tuple[Path, str]], insecure: bool = False) -> int:
    """Push files, each with its media type, as an artifact of a kind; return how many bytes were new there."""
    layers = []
    paths: dict[str, Path] = {}
    for path, media_type in files:
        layer = descriptor_of(path, media_type)
        layers.append(layer)
        paths[layer.digest] = path
    manifest = msgspec.json.encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": _described(EMPTY),
            "layers": [_described(each) for each in layers],
        }
    )
    layout, tag = layout_of(name)
    if layout:
        return _write_layout(layout, tag or "latest", manifest, layers, paths)
    return _push(name, manifest, layers, paths, insecure)


def layout_of(name: str) -> tuple[str, str]:
    """Return the path and tag of a name that is a layout's, ("", "") where it is a registry's."""
    rest = name.removeprefix(WORD)
    if rest.startswith("//"):
        return "", ""
    path, _, tag = rest.rpartition(":") if "/" not in rest.rpartition(":")[2] else (rest, "", "")
    path, tag = (path, tag) if path else (rest, "")
    is_path = rest.startswith(("/", ".", "~")) or path.endswith(".tar") or os.path.exists(path)  # noqa: PTH110
    return (os.path.expanduser(path), tag) if is_path else ("", "")  # noqa: PTH111


def reference_of(name: str) -> ImageRef:
    """Return the reference in a registry; raises TransomError."""
    try:
        return parse_image(name.removeprefix(WORD).removeprefix("//"))
    except ImageError as error:
        raise TransomError(f"cannot use {name}", str(error), "write oci://HOST/REPOSITORY:TAG") from error


def descriptor_of(path: Path, media_type: str) -> Descriptor:
    """Return the descriptor of a file, titled by its name."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Descriptor(f"sha256:{digest}", path.stat().st_size, media_type, annotations={TITLE: path.name})


def _push(name: str, manifest: bytes, layers: list[Descriptor], paths: dict[str, Path], insecure: bool) -> int:
    reference = reference_of(name)
    client = RegistryClient(reference, insecure=insecure)
    try:
        with TemporaryDirectory(prefix="transom-") as folder:
            empty = Path(folder) / "config.json"
            empty.write_bytes(b"{}")
            push_blob(client, EMPTY, empty)
        sent = sum(each.size for each in layers if push_blob(client, each, paths[each.digest]))
        push_manifest(client, reference.tag or "latest", manifest, MANIFEST)
    finally:
        client.close()
    return sent


def _write_layout(path: str, tag: str, manifest: bytes, layers: list[Descriptor], paths: dict[str, Path]) -> int:
    target = Path(path)
    if not path.endswith(".tar"):
        return _fill_layout(target, tag, manifest, layers, paths)
    with TemporaryDirectory(prefix=".transom-", dir=target.parent) as folder:
        layout, packed = Path(folder) / "layout", Path(folder) / "layout.tar"
        sent = _fill_layout(layout, tag, manifest, layers, paths)
        with tarfile.open(packed, "w") as archive:
            for each in sorted(layout.rglob("*")):
                archive.add(each, each.relative_to(layout).as_posix(), recursive=False)
        packed.replace(target)
    return sent


def _fill_layout(folder: Path, tag: str, manifest: bytes, layers: list[Descriptor], paths: dict[str, Path]) -> int:
    """Write blobs, then what names them, so that whoever reads meanwhile finds all that is named."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    sent = 0
    for each in layers:
        blob = blobs / each.digest.partition(":")[2]
        if not blob.exists():
            shutil.copyfile(paths[each.digest], blob)
            sent += each.size
    (blobs / EMPTY.digest.partition(":")[2]).write_bytes(b"{}")
    digest = hashlib.sha256(manifest).hexdigest()
    (blobs / digest).write_bytes(manifest)
    (folder / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')
    named = _described(Descriptor(f"sha256:{digest}", len(manifest), MANIFEST, annotations={REF_NAME: tag}))
    others = [each for each in _manifests(folder) if (each.get("annotations") or {}).get(REF_NAME) != tag]
    part = folder / "index.json.part"
    part.write_bytes(msgspec.json.encode({"schemaVersion": 2, "manifests": [*others, named]}))
    part.replace(folder / "index.json")
    return sent


def _manifests(folder: Path) -> list[dict[str, Any]]:
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode((folder / "index.json").read_bytes()[:MAX_INDEX_BYTES], type=_Listed).manifests
    return []


def _described(descriptor: Descriptor) -> dict[str, Any]:
    told = {"mediaType": descriptor.media_type, "digest": descriptor.digest, "size": descriptor.size}
    return told | ({"annotations": descriptor.annotations} if descriptor.annotations else {})
