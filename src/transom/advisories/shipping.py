"""The index on its way to others: packed, with a manifest that says what it is, signed; taken only where all of it fits.

A mirror is a folder: `transom.db.json`, the manifest, the packed index that it names, and deltas that lead to it from former
ones. The signature is Ed25519 over the manifest without it, its keys in order.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import msgspec
import zstandard
from msgspec import Struct
from msgspec.structs import replace

from transom.advisories.ages import setback
from transom.advisories.deltas import apply_delta, write_delta
from transom.advisories.documents import BROKEN
from transom.advisories.index import Index
from transom.advisories.mirrors import Mirror
from transom.model.advisories import FeedAge
from transom.model.errors import TransomError

MANIFEST = "transom.db.json"
PACKED = "transom.db.zst"
DELTAS = "transom.db.*.delta"
NEW = "new.db"
MAX_MANIFEST_BYTES = 1 << 20
MAX_INDEX_BYTES = 8 << 30  # of everything there is, about 1 GB
CHUNK_BYTES = 1 << 20
LEVEL = 12  # 19 takes five times as long for 3 % less
PART = ".part"
MAX_DELTAS = 30  # a month of days; who comes later takes the whole
WORTH = 0.5  # of the packed index: what all deltas may come to together


_FILE = re.compile(r"[A-Za-z0-9][\w.-]{0,200}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Delta(Struct, frozen=True):
    """What leads from one index to the next. base, sha256: the digests of both; file: its name, its digest, its size."""

    base: str
    sha256: str
    file: str
    file_sha256: str
    size_bytes: int


class Manifest(Struct, frozen=True, omit_defaults=True):
    """What an index is: when it was built, of what, and the digests of the packed file and of the one within it."""

    built: str
    packed: str
    packed_sha256: str
    packed_bytes: int
    sha256: str
    size_bytes: int
    feeds: tuple[FeedAge, ...] = ()
    deltas: tuple[Delta, ...] = ()
    signature: str = ""


class Taken(Struct, frozen=True):
    """What was taken, and what of it had to be fetched. deltas: how many led there, 0 for the whole."""

    manifest: Manifest
    fetched_bytes: int
    deltas: int = 0


def export(index: Path, folder: Path, private_key: Path | None = None) -> Manifest:
    """Write an index as a mirror offers it, signed where a key is given (PEM); raises TransomError.

    What the folder offered until now is what a delta leads from.
    """
    with Index(index) as opened:
        built, feeds = opened.built, opened.feeds
    folder.mkdir(parents=True, exist_ok=True)
    packed, part = folder / PACKED, folder / (PACKED + PART)
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with index.open("rb") as source, part.open("wb") as target:
        compressor.copy_stream(source, target, size=index.stat().st_size)
    digest, packed_bytes = digest_of(index), part.stat().st_size
    deltas = _deltas(index, digest, folder, packed_bytes)
    manifest = Manifest(
        *(built, PACKED, digest_of(part), packed_bytes, digest, index.stat().st_size, feeds, deltas),
    )
    if private_key:
        manifest = replace(manifest, signature=_signature(manifest, private_key))
    part.replace(packed)
    (folder / (MANIFEST + PART)).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    (folder / (MANIFEST + PART)).replace(folder / MANIFEST)
    kept = {each.file for each in deltas}
    for each in folder.glob(DELTAS):
        if each.name not in kept:
            each.unlink()
    return manifest


def _deltas(index: Path, digest: str, folder: Path, packed_bytes: int) -> tuple[Delta, ...]:
    """Return the deltas that lead to an index: those of the folder, and one from what it offered until now."""
    try:
        former = read_manifest((folder / MANIFEST).read_bytes(), str(folder))
        if former.sha256 == digest:
            return former.deltas
        made = _delta(former, index, digest, folder)
    except (OSError, TransomError):  # a mirror that is new, or broken, leads from nowhere
        return ()
    found: list[Delta] = []
    for each in (made, *reversed(former.deltas)):
        if sum(one.size_bytes for one in (*found, each)) > packed_bytes * WORTH or len(found) == MAX_DELTAS:
            break
        found.insert(0, each)
    return tuple(found)


def _delta(former: Manifest, index: Path, digest: str, folder: Path) -> Delta:
    with TemporaryDirectory(prefix=".transom-", dir=folder) as scratch:
        old = Path(scratch) / "former.db"
        _unpack_verified(folder / former.packed, old, former, str(folder))
        file = folder / DELTAS.replace("*", former.sha256[:16])
        size_bytes = write_delta(old, index, file)
    return Delta(former.sha256, digest, file.name, digest_of(file), size_bytes)


def take(mirror: Mirror, index: Path, public_key: Path | None = None, older: bool = False) -> Taken | None:
    """Put the index that a mirror offers in place of ours; None where ours is the same.

    Refused, with ours left as it is: a signature that does not fit, other bytes than the manifest says, and an index that
    knows less than ours, unless older is asked for.
    """
    index.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".transom-", dir=index.parent) as folder:
        path = mirror.bring(MANIFEST, Path(folder) / MANIFEST, MAX_MANIFEST_BYTES)
        manifest = read_manifest(path.read_bytes(), mirror.name)
        if public_key:
            check_signature(manifest, public_key, mirror.name)
        ours_digest = digest_of(index) if index.is_file() else ""
        if ours_digest == manifest.sha256:
            return None
        _check_fits(index, manifest, mirror.name, older)
        steps = steps_from(ours_digest, manifest)
        taken = _stepped(mirror, manifest, steps, index, Path(folder)) or _whole(mirror, manifest, index, Path(folder))
        new = Path(folder) / NEW
        with Index(new) as opened:
            if (opened.built, opened.feeds) != (manifest.built, manifest.feeds):
                raise _refused(mirror.name, "its manifest tells of another index than it offers")
        new.replace(index)
    for each in index.parent.glob(f".{index.name}.*"):
        each.unlink()
    return taken


def take_file(path: Path, index: Path, older: bool = False) -> Taken | None:
    """Put the index that lies in a file, packed or not, in place of ours; None where ours is the same.

    Nobody signs a file alone; what knows less than ours is refused, unless older is asked for.
    """
    index.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".transom-", dir=index.parent) as folder:
        new = Path(folder) / NEW
        with path.open("rb") as source, new.open("wb") as target:
            if source.read(len(zstandard.FRAME_HEADER)) == zstandard.FRAME_HEADER:
                source.seek(0)
                _unpack(source, target, MAX_INDEX_BYTES, str(path))
            else:
                source.seek(0)
                shutil.copyfileobj(source, target, CHUNK_BYTES)
        with Index(new) as opened:
            sizes = (path.stat().st_size, digest_of(new), new.stat().st_size)
            manifest = Manifest(opened.built, path.name, "", *sizes, opened.feeds)
        if index.is_file() and digest_of(index) == manifest.sha256:
            return None
        _check_fits(index, manifest, str(path), older)
        new.replace(index)
    return Taken(manifest, manifest.packed_bytes)


def _check_fits(index: Path, manifest: Manifest, source: str, older: bool) -> None:
    """Raise TransomError for what is of the future, or knows less than the index in use."""
    if manifest.built > (datetime.now(UTC) + timedelta(days=1)).isoformat():
        raise _refused(source, f"it says that it was built {manifest.built}: it is of the future")
    if older or not index.is_file():
        return
    try:
        opened = Index(index)
    except TransomError:  # what cannot be used is no reason to keep it
        return
    with opened as ours:
        check_newer(ours.feeds, ours.built, manifest.feeds, manifest.built, source)


def bring_all(mirror: Mirror, folder: Path) -> Manifest:
    """Bring everything that a mirror offers into a folder, which is then the same mirror; raises TransomError."""
    path = mirror.bring(MANIFEST, folder / MANIFEST, MAX_MANIFEST_BYTES)
    manifest = read_manifest(path.read_bytes(), mirror.name)
    for name, limit_bytes in (
        (manifest.packed, manifest.packed_bytes),
        *((each.file, each.size_bytes) for each in manifest.deltas),
    ):
        mirror.bring(name, folder / name, limit_bytes)
    return manifest


def steps_from(digest: str, manifest: Manifest) -> Sequence[Delta]:
    """Return the deltas that lead from an index to what is offered, none where there is no way, or no shorter one."""
    by_base = {each.base: each for each in manifest.deltas}
    steps: list[Delta] = []
    while digest != manifest.sha256:
        step = by_base.pop(digest, None)
        if step is None:
            return ()
        steps.append(step)
        digest = step.sha256
    return steps if sum(each.size_bytes for each in steps) < manifest.packed_bytes else ()


def _stepped(mirror: Mirror, manifest: Manifest, steps: Sequence[Delta], index: Path, folder: Path) -> Taken | None:
    """Go from delta to delta; None where there is none, or where they do not lead to what the manifest says."""
    if not steps:
        return None
    here, new = index, folder / NEW
    try:
        for step in steps:
            delta = mirror.bring(step.file, _kept(index, step.file_sha256), step.size_bytes)
            if digest_of(delta) != step.file_sha256:
                return None
            apply_delta(here, delta, folder / "step.db")
            here = (folder / "step.db").replace(new)
        if digest_of(new) != manifest.sha256:
            return None
    except TransomError:
        return None
    return Taken(manifest, sum(each.size_bytes for each in steps), len(steps))


def _whole(mirror: Mirror, manifest: Manifest, index: Path, folder: Path) -> Taken:
    """Fetch, verify and unpack the whole index."""
    kept = _kept(index, manifest.packed_sha256)
    packed = mirror.bring(manifest.packed, kept, manifest.packed_bytes)
    try:
        _unpack_verified(packed, folder / NEW, manifest, mirror.name)
    finally:
        kept.unlink(missing_ok=True)
    return Taken(manifest, manifest.packed_bytes)


def _kept(index: Path, digest: str) -> Path:
    """Return where something is fetched to, and where a broken download goes on the next time."""
    return index.with_name(f".{index.name}.{digest[:16]}")


def _unpack_verified(packed: Path, unpacked: Path, manifest: Manifest, source: str) -> None:
    """Unpack what a manifest names, and hold both sides to its digests; raises TransomError."""
    if digest_of(packed) != manifest.packed_sha256:
        raise _refused(source, "the packed index is not what its manifest says")
    with packed.open("rb") as stream, unpacked.open("wb") as target:
        _unpack(stream, target, manifest.size_bytes, source)
    if digest_of(unpacked) != manifest.sha256:
        raise _refused(source, "the index is not what its manifest says")


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
    for name in (manifest.packed, *(each.file for each in manifest.deltas)):
        if not _FILE.fullmatch(name):
            raise _refused(source, f"its manifest names a file elsewhere: {name[:80]!r}")
    for digest in (manifest.packed_sha256, manifest.sha256, *(each.file_sha256 for each in manifest.deltas)):
        if not _SHA256.fullmatch(digest):
            raise _refused(source, "its manifest names no SHA-256")
    return manifest


def check_newer(
    ours: tuple[FeedAge, ...], our_time: str, theirs: tuple[FeedAge, ...], their_time: str, source: str
) -> None:
    """Raise TransomError where what is offered knows less than what we have, as a whole or in one of its feeds."""
    again = "ask the mirror's keeper, or say --older where you mean it"
    if their_time < our_time:
        raise _refused(source, f"it was built {their_time}, ours {our_time}: a mirror that goes back in time", again)
    why = setback(ours, theirs)
    if why:
        raise _refused(source, why, again)


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
