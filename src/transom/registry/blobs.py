"""Images as manifests and blobs (OCI image specification 1.1, Docker schema 2), whoever keeps the blobs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Protocol, TypeVar

import msgspec
from msgspec import Struct

from transom.model.errors import TransomError
from transom.model.images import ImageError, parse_image

MAX_MANIFEST_BYTES = 16 * 1024 * 1024  # registries take manifests of 4 MB
MAX_LAYERS = 1_000  # overlayfs mounts 128 at most, and builders stop there
MAX_INDEX_DEPTH = 3  # an index of indexes of manifests
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
CONFIGS = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json", "")
SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
FOREIGN = ("application/vnd.oci.image.layer.nondistributable", "application/vnd.docker.image.rootfs.foreign")
ALGORITHMS = ("sha256", "sha512")
Made = TypeVar("Made")


class Platform(Struct, frozen=True):
    """What an image runs on: `linux/arm64/v8`."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class Descriptor(Struct, frozen=True, rename="camel"):
    """What points to a blob: its digest, size and type, and where it says more."""

    digest: str
    size: int = 0
    media_type: str = ""
    platform: Platform | None = None
    annotations: Mapping[str, str] | None = None
    urls: Sequence[str] | None = None
    artifact_type: str = ""


class Blobs(Protocol):
    """Whatever keeps blobs."""

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """Return the stream of a blob; raises TransomError where there is none."""


class Repository(Blobs, Protocol):
    """Whatever keeps blobs, and knows what belongs to a manifest."""

    def referrers(self, digest: str) -> list[Descriptor]:
        """Return what refers to a manifest (signatures, SBOMs)."""

    def tagged(self, tag: str) -> Descriptor | None:
        """Return what a tag leads to, None where there is no such tag."""


class Layer(Struct, frozen=True):
    """One layer. diff_id: digest of its uncompressed tar; created_by: the instruction that made it; folder: where it lies
    unpacked, as an overlay has it, "" where its blob is read."""

    descriptor: Descriptor
    diff_id: str
    created_by: str = ""
    folder: str = ""

    @property
    def is_foreign(self) -> bool:
        """Whether its content is kept elsewhere, by whoever may distribute it."""
        return self.descriptor.media_type.startswith(FOREIGN) or bool(self.descriptor.urls)


class History(Struct, frozen=True):
    """One step of an image's making; empty: it changed no file."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class Image(Struct, frozen=True):
    """One image for one platform. digest: of its manifest; config: as decoded; layers: the lowest first."""

    name: str
    digest: str
    platform: Platform
    config: Mapping[str, Any]
    layers: tuple[Layer, ...]
    history: tuple[History, ...]
    blobs: Blobs
    index_digest: str = ""


class _Rootfs(Struct):
    diff_ids: list[str] = []


class _Config(Struct):
    architecture: str = "amd64"
    os: str = "linux"
    variant: str = ""
    rootfs: _Rootfs = msgspec.field(default_factory=_Rootfs)
    history: list[History] | None = None


class _Manifest(Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    fs_layers: list[Any] | None = None


def referrers_tag(digest: str) -> str:
    """Return the tag that lists what refers to a manifest, where a registry has no API for that."""
    return digest.replace(":", "-", 1)


def verified(stream: BinaryIO, descriptor: Descriptor, limit: int = MAX_MANIFEST_BYTES) -> bytes:
    """Read a small blob whole and hold it to its digest and size; raises TransomError."""
    try:
        with stream:
            content = stream.read(limit + 1)
    except OSError as error:
        why = error.strerror or str(error)
        raise TransomError(f"cannot read {descriptor.digest}", why, "fetch it again") from error
    if len(content) > limit:
        raise TransomError(f"cannot read {descriptor.digest}", f"it is larger than {limit // 2**20} MiB", "")
    check_digest(content, descriptor.digest)
    return content


def check_digest(content: bytes, digest: str) -> None:
    """Raise TransomError where content is not what a digest names."""
    algorithm, _, wanted = digest.partition(":")
    if algorithm not in ALGORITHMS:
        raise TransomError(f"cannot verify {digest}", f"the algorithm {algorithm!r} is not known", "use sha256")
    found = hashlib.new(algorithm, content).hexdigest()
    if found != wanted:
        raise TransomError(f"{digest} is not what it should be", f"its digest is {algorithm}:{found}", "fetch it again")


def resolve(name: str, top: Descriptor, blobs: Blobs, platform: Platform | None = None) -> Image:
    """Return the image that a descriptor leads to, through indexes; raises TransomError.

    platform: which image of an index, else this machine's, else the only one.
    """
    here, manifest, index_digest = _followed(name, top, blobs, platform)
    return _image(name, here, manifest, blobs, index_digest)


def manifest_of(name: str, top: Descriptor, blobs: Blobs, platform: Platform | None = None) -> Descriptor:
    """Return the descriptor of the manifest that a descriptor leads to, through indexes; raises TransomError."""
    return _followed(name, top, blobs, platform)[0]


def _followed(name: str, top: Descriptor, blobs: Blobs, platform: Platform | None) -> tuple[Descriptor, _Manifest, str]:
    """Return a manifest, as named and as read, and the digest of the index that names it, "" without one."""
    index_digest, here = "", top
    for _ in range(MAX_INDEX_DEPTH + 1):
        content = verified(blobs.open(here), here)
        manifest = _decoded(content, _Manifest, f"the manifest {here.digest}")
        if manifest.manifests is None:
            return here, manifest, index_digest
        index_digest = index_digest or here.digest
        here = _chosen(name, manifest.manifests, platform)
    raise TransomError(f"cannot read {name}", "its indexes lead to indexes without end", "push it again")


def _decoded(content: bytes, kind: type[Made], what: str) -> Made:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError(f"cannot read {what}", str(error), "build or push the image again") from error


def _chosen(name: str, found: Sequence[Descriptor], platform: Platform | None) -> Descriptor:
    images = [each for each in found if not each.platform or each.platform.architecture != "unknown"]
    wanted = platform or this_platform()
    for fits in (_equal, _alike):
        fitting = [each for each in images if each.platform and fits(each.platform, wanted)]
        if fitting:
            return fitting[0]
    if platform is None and len(images) == 1:
        return images[0]
    there = ", ".join(str(each.platform) for each in images) or "none"
    raise TransomError(f"{name} has no image for {wanted}", f"it has {there}", "choose one with --platform")


def _equal(found: Platform, wanted: Platform) -> bool:
    return found == wanted


def _alike(found: Platform, wanted: Platform) -> bool:
    return (found.os, found.architecture) == (wanted.os, wanted.architecture)


def whole_name(text: str) -> str:
    """Return an image's name as stores of nodes keep it: with registry and tag; what is none as it is."""
    try:
        image = parse_image(text)
    except ImageError:
        return text
    return str(image if image.tag or image.digest else msgspec.structs.replace(image, tag="latest"))


def this_platform() -> Platform:
    """Return the platform of this machine, as images name it."""
    import platform

    machine = platform.machine().lower()
    return Platform("linux", {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}.get(machine, machine))


def parse_platform(text: str) -> Platform:
    """Read `linux/arm64` or `linux/arm/v7`; raises TransomError."""
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise TransomError(f"{text!r} is no platform", "", "write it like linux/arm64")
    return Platform(*parts)


def _image(name: str, top: Descriptor, manifest: _Manifest, blobs: Blobs, index_digest: str) -> Image:
    if manifest.schema_version == 1 or manifest.fs_layers is not None or top.media_type in SCHEMA_1:
        why = "its manifest is of schema 1, which tells too little of its layers"
        raise TransomError(f"cannot read {name}", why, "push it again with a builder of this decade")
    if manifest.config is None or manifest.layers is None:
        why = "its manifest names no config and layers, so it is an artifact and no image"
        raise TransomError(f"cannot read {name}", why, "name an image")
    if len(manifest.layers) > MAX_LAYERS:
        raise TransomError(f"cannot read {name}", f"it has more than {MAX_LAYERS:,} layers", "build it again")
    content = verified(blobs.open(manifest.config), manifest.config)
    config = _decoded(content, _Config, f"the config of {name}")
    diff_ids = config.rootfs.diff_ids
    if len(diff_ids) != len(manifest.layers) and manifest.config.media_type not in CONFIGS:
        why = f"it is an artifact ({manifest.config.media_type[:100]}) and no image"
        raise TransomError(f"cannot read {name}", why, "name an image")
    if len(diff_ids) != len(manifest.layers):
        why = f"its config tells {len(diff_ids)} layers, its manifest {len(manifest.layers)}"
        raise TransomError(f"cannot read {name}", why, "build or push the image again")
    history = tuple(config.history or ())
    steps = [each.created_by for each in history if not each.empty_layer]
    made_by = steps if len(steps) == len(diff_ids) else [""] * len(diff_ids)
    layers = tuple(map(Layer, manifest.layers, diff_ids, made_by))
    platform = Platform(config.os, config.architecture, config.variant)
    raw: dict[str, Any] = msgspec.json.decode(content)
    return Image(name, top.digest, platform, raw, layers, history, blobs, index_digest)
