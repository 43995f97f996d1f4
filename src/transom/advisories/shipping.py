"""The index on its way to others: packed, with a manifest that says what it is, signed; taken only where all of it fits.

A mirror is a folder with two files: `transom.db.json`, the manifest, and the packed index that it names. The signature is
Ed25519 over the manifest without it, its keys in order.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import msgspec
import zstandard
from msgspec import Struct
from msgspec.structs import replace

from transom.advisories.documents import BROKEN
from transom.advisories.index import Index
from transom.advisories.mirrors import fetch
from transom.model.advisories import FeedAge
from transom.model.errors import TransomError

MANIFEST = "transom.db.json"
PACKED = "transom.db.zst"
MAX_MANIFEST_BYTES = 1 << 20
MAX_INDEX_BYTES = 8 << 30  # of everything there is, about 1 GB
CHUNK_BYTES = 1 << 20
LEVEL = 12  # 19 takes five times as long for 3 % less
PART = ".part"


class Manifest(Struct, frozen=True, omit_defaults=True):
    """What an index is: when it was built, of what, and the digests of the packed file and of the one within it."""

    built: str
    packed: str
    packed_sha256: str
    packed_bytes: int
    sha256: str
    size_bytes: int
    feeds: tuple[FeedAge, ...] = ()
    signature: str = ""


def export(index: Path, folder: Path, private_key: Path | None = None) -> Manifest:
    """Write an index as a mirror offers it, signed where a key is given (PEM); raises TransomError."""
    with Index(index) as opened:
        built, feeds = opened.built, opened.feeds
    folder.mkdir(parents=True, exist_ok=True)
    packed, part = folder / PACKED, folder / (PACKED + PART)
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with index.open("rb") as source, part.open("wb") as target:
        compressor.copy_stream(source, target, size=index.stat().st_size)
    manifest = Manifest(
        *(built, PACKED, digest_of(part), part.stat().st_size, digest_of(index), index.stat().st_size, feeds)
    )
    if private_key:
        manifest = replace(manifest, signature=_signature(manifest, private_key))
    part.replace(packed)
    (folder / (MANIFEST + PART)).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    (folder / (MANIFEST + PART)).replace(folder / MANIFEST)
    return manifest


def take(source: str, index: Path, public_key: Path | None = None, older: bool = False) -> Manifest | None:
    """Put the index that a mirror offers in place of ours; None where ours is the same.

    source: a folder or address. Refused, with ours left as it is: a signature that does not fit, other bytes than the
    manifest says, and an index that knows less than ours, unless older is asked for.
    """
    base = source.rstrip("/")
    index.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".transom-", dir=index.parent) as folder:
        path = fetch(f"{base}/{MANIFEST}", Path(folder) / MANIFEST, MAX_MANIFEST_BYTES)
        manifest = read_manifest(path.read_bytes(), source)
        if public_key:
            check_signature(manifest, public_key, source)
        if index.is_file():
            if digest_of(index) == manifest.sha256:
                return None
            with Index(index) as ours:
                if not older:
                    check_newer(ours.feeds, ours.built, manifest.feeds, manifest.built, source)
        _put(base, manifest, index, Path(folder))
    return manifest


def _put(base: str, manifest: Manifest, index: Path, folder: Path) -> None:
    """Fetch, verify and unpack; the file at index is replaced last, in one step."""
    kept = index.with_name(f".{manifest.packed_sha256[:16]}.zst")  # where a broken download goes on the next time
    packed = fetch(f"{base}/{manifest.packed}", kept, manifest.packed_bytes)
    try:
        if digest_of(packed) != manifest.packed_sha256:
            raise _refused(base, "the packed index is not what its manifest says")
        unpacked = folder / "index.db"
        with packed.open("rb") as source, unpacked.open("wb") as target:
            _unpack(source, target, manifest.size_bytes, base)
        if digest_of(unpacked) != manifest.sha256:
            raise _refused(base, "the index is not what its manifest says")
        Index(unpacked).close()
        unpacked.replace(index)
    finally:
        kept.unlink(missing_ok=True)


def _unpack(source: BinaryIO, target: BinaryIO, size_bytes: int, base: str) -> None:
    written = 0
    try:
        for chunk in zstandard.ZstdDecompressor().read_to_iter(source, write_size=CHUNK_BYTES):
            written += len(chunk)
            if written > min(size_bytes, MAX_INDEX_BYTES):
                raise _refused(base, "the index is larger than its manifest says")
            target.write(chunk)
    except zstandard.ZstdError as error:
        raise _refused(base, f"the index cannot be unpacked: {error}") from None
    target.flush()
    os.fsync(target.fileno())


def read_manifest(content: bytes, source: str) -> Manifest:
    """Return a manifest; raises TransomError for what is none, or names a file elsewhere."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except BROKEN as error:
        raise _refused(source, f"its manifest cannot be read: {error}") from None
    if "/" in manifest.packed or manifest.packed.startswith("."):
        raise _refused(source, f"its manifest names a file elsewhere: {manifest.packed!r}")
    if len(manifest.packed_sha256) != 64 or not manifest.packed_sha256.isalnum():
        raise _refused(source, "its manifest names no SHA-256")
    return manifest


def check_newer(
    ours: tuple[FeedAge, ...], our_time: str, theirs: tuple[FeedAge, ...], their_time: str, source: str
) -> None:
    """Raise TransomError where what is offered is older than what we have, as a whole or in one of its feeds."""
    again = "ask the mirror's keeper, or say --older where you mean it"
    if their_time < our_time:
        raise _refused(source, f"it was built {their_time}, ours {our_time}: a mirror that goes back in time", again)
    offered = {each.feed: each for each in theirs}
    for each in ours:
        other = offered.get(each.feed)
        if other is None and each.records:
            raise _refused(source, f"it has no {each.feed}, which ours has", again)
        if other is not None and other.modified < each.modified:
            reason = f"its {each.feed} is of {other.modified or 'no told time'}, ours of {each.modified}"
            raise _refused(source, reason, again)


def check_signature(manifest: Manifest, public_key: Path, source: str) -> None:
    """Raise TransomError where the manifest is not signed by the key (PEM, Ed25519)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key.read_bytes())
    except (OSError, ValueError) as error:
        raise _no_key(public_key, str(error)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(public_key, "it is no Ed25519 key")
    if not manifest.signature:
        raise _refused(source, "it is not signed, and a key was given")
    try:
        key.verify(b64decode(manifest.signature, validate=True), _signed(manifest))
    except (InvalidSignature, ValueError):
        raise _refused(source, f"its signature is not by {public_key}") from None


def _signature(manifest: Manifest, private_key: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _no_key(private_key, str(error)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(private_key, "it is no Ed25519 key")
    return b64encode(key.sign(_signed(manifest))).decode()


def _signed(manifest: Manifest) -> bytes:
    return msgspec.json.encode(replace(manifest, signature=""), order="sorted")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refused(source: str, why: str, again: str = "the index in use stays as it was") -> TransomError:
    return TransomError(f"will not take the index of {source}", why, again)


def _no_key(path: Path, why: str) -> TransomError:
    return TransomError(f"cannot use the key {path}", why, "make one with `openssl genpkey -algorithm ed25519`")
