"""Images in files: OCI layouts (a folder or a tar of one) and what `docker save` writes."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar, cast
from weakref import finalize

import msgspec
from msgspec import Struct

from transom.model.errors import TransomError
from transom.registry.blobs import (
    INDEXES,
    MANIFESTS,
    MAX_MANIFEST_BYTES,
    Blobs,
    Descriptor,
    Image,
    Platform,
    referrers_tag,
    resolve,
    verified,
)

if TYPE_CHECKING:
    import tarfile

MAX_ARCHIVE_MEMBERS = 100_000  # of an archive of blobs; an image has a few dozen
MAX_LISTED = 10_000  # manifests of a layout, each of which may have to be read to know what it belongs to
MAX_ARCHIVE_BYTES = 64 * 1024**3  # of one that is packed; public images have up to 20 GB
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PACKED = (GZIP, ZSTD)
"""How an archive begins that was packed as a whole."""
CHUNK = 1024 * 1024
MAX_LINKS = 8  # that lead from one member to another
Made = TypeVar("Made")
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
COSIGN_KINDS = ("dev.cosignproject.cosign/sigs", "dev.cosignproject.cosign/atts", "dev.cosignproject.cosign/sboms")
_ATTACHED = re.compile(r"(?:^|:)sha(?:256|512)-[0-9a-f]+(?:\.(?:sig|att|sbom))?\Z")  # tags for what belongs to a digest


class _Files(Protocol):
    """The files of a layout: below a folder, or in an archive."""

    def open(self, path: str) -> BinaryIO:
        """Return a file's content; raises KeyError where there is none."""

    def __contains__(self, path: str) -> bool: ...


class _Folder:
    def __init__(self, root: str) -> None:
        self._root = os.path.realpath(root)

    def _path(self, path: str) -> str:
        found = os.path.realpath(os.path.join(self._root, path))  # noqa: PTH118
        if os.path.commonpath((self._root, found)) != self._root:
            raise KeyError(path)
        return found

    def __contains__(self, path: str) -> bool:
        try:
            return os.path.isfile(self._path(path))  # noqa: PTH113
        except KeyError:
            return False

    def open(self, path: str) -> BinaryIO:
        try:
            return open(self._path(path), "rb")  # noqa: PTH123 - the caller closes it
        except OSError as error:
            raise KeyError(path) from error


class _Archive:
    """Members of a tar, read in place; it stays open as long as anything of it is read, and is indexed by name."""

    def __init__(self, path: str, stream: BinaryIO) -> None:
        import tarfile

        self.number = os.dup(stream.fileno())
        finalize(self, os.close, self.number)
        self._members: dict[str, tarfile.TarInfo] = {}
        try:
            with tarfile.open(fileobj=stream, mode="r:") as archive:
                for number, member in enumerate(archive):
                    if number >= MAX_ARCHIVE_MEMBERS:
                        raise TransomError(f"cannot read {path}", "it has too many members to be an image", "")
                    self._members[member.name.removeprefix("./")] = member
        except (tarfile.TarError, OSError, EOFError) as error:
            raise TransomError(f"cannot read {path}", str(error), "save the image again") from error

    def _member(self, path: str) -> tarfile.TarInfo:
        for _ in range(MAX_LINKS):
            member = self._members[path]
            if member.isreg():
                return member
            if not member.issym() and not member.islnk():
                break
            base = os.path.dirname(path) if member.issym() else ""  # noqa: PTH120
            path = os.path.normpath(os.path.join(base, member.linkname))  # noqa: PTH118
        raise KeyError(path)

    def __contains__(self, path: str) -> bool:
        try:
            return bool(self._member(path))
        except KeyError:
            return False

    def open(self, path: str) -> BinaryIO:
        member = self._member(path)
        return cast("BinaryIO", io.BufferedReader(_Slice(self, member.offset_data, member.size), 1 << 20))


class _Slice(io.RawIOBase):
    """A part of an archive as a stream; several may be read at once."""

    def __init__(self, archive: _Archive, start: int, size_bytes: int) -> None:
        self._archive = archive
        self._at = start
        self._left = size_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        piece = os.pread(self._archive.number, min(len(buffer), self._left), self._at)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        self._left -= len(piece)
        return len(piece)


class LayoutBlobs:
    """The blobs of a layout: `blobs/ALGORITHM/HEX`, or of an older `docker save` wherever its manifest says."""

    def __init__(self, files: _Files, paths: Mapping[str, str] | None = None) -> None:
        self._files = files
        self._paths = paths or {}

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return the stream of a blob; raises TransomError where there is none."""
        digest = descriptor.digest
        path = self._paths.get(digest) or f"blobs/{digest.replace(':', '/', 1)}"
        try:
            return self._files.open(path)
        except KeyError:
            raise TransomError(f"there is no blob {digest}", f"{path} is missing", "save the image again") from None


class _Index(Struct):
    manifests: list[Descriptor] = []


class _OfSubject(Struct):
    subject: Descriptor | None = None


class _Saved(Struct, rename="pascal"):
    """One image of the manifest.json that `docker save` writes."""

    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


def is_layout(path: str) -> bool:
    """Tell whether a path is an OCI layout or a saved image, packed or not, by its first look."""
    if os.path.isdir(path):  # noqa: PTH112
        return os.path.isfile(os.path.join(path, "oci-layout"))  # noqa: PTH113, PTH118
    import tarfile

    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - the name is text everywhere else
            if stream.read(4).startswith(PACKED):
                return True  # whether it holds an image is told when it is unpacked
        with tarfile.open(path, "r:") as archive:
            for number, member in enumerate(archive):
                name = member.name.removeprefix("./")
                if name in ("oci-layout", "index.json", "manifest.json") or name.startswith("blobs/sha256"):
                    return True
                if number > 200:
                    return False
    except (tarfile.TarError, OSError, EOFError):
        return False
    return False


def read_layout(path: str, wanted: str = "", platform: Platform | None = None, spool: str | None = None) -> Image:
    """Return the image of a layout or saved archive, packed or not; raises TransomError.

    wanted: which of several, by its name, tag or digest; spool: the folder where a packed one is unpacked to a file
    without a name.
    """
    if os.path.isdir(path):  # noqa: PTH112
        return _read_files(path, _Folder(path), wanted, platform)
    from tempfile import TemporaryFile

    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - the name is text everywhere else
            if not stream.peek(4).startswith(PACKED):
                return read_archive(path, stream, wanted, platform)
            with TemporaryFile(dir=spool) as plain:
                _unpack(path, stream, plain)
                return read_archive(path, cast("BinaryIO", plain), wanted, platform)
    except OSError as error:
        raise TransomError(f"cannot read {path}", error.strerror or str(error), "check the path") from error


def _unpack(path: str, packed: BinaryIO, plain: IO[bytes]) -> None:
    """Write what gzip or zstd packed; raises TransomError, OSError."""
    import zlib

    import zstandard

    size = 0
    try:
        with _unpacking(packed) as stream:
            while piece := stream.read(CHUNK):
                size += len(piece)
                if size > MAX_ARCHIVE_BYTES:
                    raise TransomError(
                        f"cannot read {path}", f"it unpacks to more than {MAX_ARCHIVE_BYTES // 2**30} GiB", ""
                    )
                plain.write(piece)
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise TransomError(f"cannot read {path}", f"it cannot be unpacked: {error}", "save the image again") from error
    plain.seek(0)


def _unpacking(packed: BinaryIO) -> Any:
    import gzip

    import zstandard

    if packed.peek(2).startswith(GZIP):  # type: ignore[attr-defined]
        return gzip.GzipFile(fileobj=packed)
    return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)


def read_archive(name: str, stream: BinaryIO, wanted: str = "", platform: Platform | None = None) -> Image:
    """Return the image of an archive that is open; raises TransomError."""
    return _read_files(name, _Archive(name, stream), wanted, platform)


def open_layout(path: str, wanted: str = "") -> tuple[Descriptor, LayoutBlobs]:
    """Return a manifest of an OCI layout, of whatever it is, and what keeps its blobs; raises TransomError."""
    files = _opened(path)
    index = _json(files, "index.json", _Index)
    manifests = [each for each in index.manifests if each.media_type in (*INDEXES, *MANIFESTS, "")]
    return _pick(path, manifests, wanted, _names), LayoutBlobs(files)


def open_repository(path: str) -> LayoutRepository:
    """Return an OCI layout as a place of images and of what belongs to them; raises TransomError."""
    return LayoutRepository(path, _opened(path))


def _opened(path: str) -> _Files:
    try:
        if os.path.isdir(path):  # noqa: PTH112
            files: _Files = _Folder(path)
        else:
            with open(path, "rb") as stream:  # noqa: PTH123
                files = _Archive(path, stream)
    except OSError as error:
        raise TransomError(f"cannot read {path}", error.strerror or str(error), "check the path") from error
    if "index.json" not in files:
        raise TransomError(f"cannot read {path}", "it is no OCI layout: it has no index.json", "check the path")
    return files


def _read_files(path: str, files: _Files, wanted: str, platform: Platform | None) -> Image:
    if "index.json" in files:
        descriptor = LayoutRepository(path, files).manifest(wanted)
        name = next(iter(_names(descriptor)), "")
        return resolve(name or path, descriptor, LayoutBlobs(files), platform)
    if "manifest.json" in files:
        saved = _json(files, "manifest.json", list[_Saved])
        return _of_saved(path, files, _pick(path, saved, wanted, lambda each: tuple(each.repo_tags or ())))
    raise TransomError(f"cannot read {path}", "it is no image: it has neither index.json nor manifest.json", "")


class LayoutRepository(LayoutBlobs):
    """A layout as a place that knows what belongs to a manifest, as a registry does."""

    def __init__(self, path: str, files: _Files) -> None:
        super().__init__(files)
        self._path = path
        self._listed = _json(files, "index.json", _Index).manifests[:MAX_LISTED]

    def manifest(self, wanted: str = "") -> Descriptor:
        """Return the image that is wanted by its name, tag or digest, or the only one; raises TransomError."""
        manifests = [each for each in self._listed if each.media_type in (*INDEXES, *MANIFESTS, "")]
        images = [each for each in manifests if not self._is_attached(each)]
        return _pick(self._path, images, wanted, _names)

    def tagged(self, tag: str) -> Descriptor | None:
        """Return what a tag leads to, None where there is no such tag."""
        return next((each for each in self._listed if any(_is_named(name, tag) for name in _names(each))), None)

    def referrers(self, digest: str) -> list[Descriptor]:
        """Return what is listed as referring to a manifest, by its subject, by the tag for such lists, or as cosign saves it."""
        found = [each for each in self._listed if self._belongs(each, digest)]
        listed = self.tagged(referrers_tag(digest))
        if listed is None:
            return found
        content = verified(self.open(listed), listed)
        try:
            return found + msgspec.json.decode(content, type=_Index).manifests
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TransomError(f"cannot read the referrers of {digest}", str(error), "save the image again") from error

    def _belongs(self, descriptor: Descriptor, digest: str) -> bool:
        return descriptor.digest != digest and (_saved_by_cosign(descriptor) or self._subject(descriptor) == digest)

    def _is_attached(self, descriptor: Descriptor) -> bool:
        """Tell whether a manifest is no image but says something of one."""
        named = any(_ATTACHED.search(name) for name in _names(descriptor))
        return named or _saved_by_cosign(descriptor) or bool(self._subject(descriptor))

    def _subject(self, descriptor: Descriptor) -> str:
        if descriptor.media_type not in MANIFESTS:
            return ""
        try:
            subject = msgspec.json.decode(verified(self.open(descriptor), descriptor), type=_OfSubject).subject
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TransomError):
            return ""  # what cannot be read is told where it is asked for
        return subject.digest if subject else ""


def _saved_by_cosign(descriptor: Descriptor) -> bool:
    """Tell whether `cosign save` wrote a manifest as what belongs to the layout's only image."""
    return (descriptor.annotations or {}).get("kind", "") in COSIGN_KINDS


def _json(files: _Files, path: str, kind: type[Made]) -> Made:
    with files.open(path) as stream:
        content = stream.read(MAX_MANIFEST_BYTES + 1)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError(f"cannot read {path} of the image", str(error), "save the image again") from error


def _names(descriptor: Descriptor) -> tuple[str, ...]:
    annotations = descriptor.annotations or {}
    return tuple(filter(None, (annotations.get(CONTAINERD_NAME), annotations.get(REF_NAME), descriptor.digest)))


def _pick(path: str, found: Sequence[Made], wanted: str, names: Callable[[Made], tuple[str, ...]]) -> Made:
    """Return the image that is wanted, or the only one."""
    if not found:
        raise TransomError(f"there is no image in {path}", "", "save the image again")
    fitting = [each for each in found if not wanted or any(_is_named(name, wanted) for name in names(each))]
    if len(fitting) == 1:
        return fitting[0]
    there = ", ".join(name for each in found for name in names(each)[:1])
    what = f"{path} has no image {wanted}" if not fitting else f"{path} has several images"
    raise TransomError(what, f"it has {there}", f"name one: image:{path}#NAME")


def _is_named(name: str, wanted: str) -> bool:
    return wanted in (name, name.rpartition(":")[2])


def _of_saved(path: str, files: _Files, saved: _Saved) -> Image:
    """Return an image as older versions of `docker save` write it: layers are plain files, known by their diff-IDs."""
    if saved.config not in files:
        raise TransomError(f"cannot read {path}", f"{saved.config} is missing", "save the image again")
    with files.open(saved.config) as stream:
        config = stream.read(MAX_MANIFEST_BYTES + 1)
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    diff_ids = _diff_ids(path, config)
    if len(diff_ids) != len(saved.layers):
        why = f"its config tells {len(diff_ids)} layers, its manifest {len(saved.layers)}"
        raise TransomError(f"cannot read {path}", why, "save the image again")
    paths = {digest: saved.config, **dict(zip(diff_ids, saved.layers, strict=True))}
    manifest = msgspec.json.encode(
        {
            "schemaVersion": 2,
            "config": {"digest": digest, "size": len(config)},
            "layers": [{"digest": each, "size": 0} for each in diff_ids],
        }
    )
    top = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    blobs = _Saving(LayoutBlobs(files, paths), top, manifest)
    name = next(iter(saved.repo_tags or ()), path)
    return resolve(name, Descriptor(top, len(manifest)), blobs)


class _Saving:
    """The blobs of a saved image, and the manifest that a registry would have of it."""

    def __init__(self, blobs: Blobs, top: str, manifest: bytes) -> None:
        self._blobs, self._top, self._manifest = blobs, top, manifest

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return the stream of a blob."""
        return io.BytesIO(self._manifest) if descriptor.digest == self._top else self._blobs.open(descriptor)


class _ConfigRoots(Struct):
    diff_ids: list[str] = []


class _ConfigOfSaved(Struct):
    rootfs: _ConfigRoots = msgspec.field(default_factory=_ConfigRoots)


def _diff_ids(path: str, config: bytes) -> list[str]:
    try:
        return msgspec.json.decode(config, type=_ConfigOfSaved).rootfs.diff_ids
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError(f"cannot read the config of {path}", str(error), "save the image again") from error
