"""Feeds fetched from their publishers or a mirror, into a folder: only what changed since, and only when asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import msgspec
from msgspec import Struct

from transom.advisories.documents import BROKEN
from transom.advisories.mirrors import GoneError, Stamp, fetch, renew
from transom.advisories.sources import Remote, folder_of, mirrored, remotes
from transom.advisories.xml import elements, local_name
from transom.model.errors import TransomError

STATE = "fetched.state"  # a name that no feed's document has
MAX_POINTER_BYTES = 1 << 20  # a list of mirrors, the name of an archive, the head of a repository
MAX_LIST_BYTES = 64 << 20  # of all documents that there are: Red Hat's has some 20 MB
MAX_CHANGED = 5_000  # documents since an archive of last week; Red Hat changes some hundreds a day
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_CHANGE = re.compile(r'"(\d{4}/[A-Za-z0-9_-]+\.json)","(\d{4}-\d{2}-\d{2})[^"]*"')
ONLY_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class Fetched(Struct, frozen=True):
    """One file as it was brought or found unchanged."""

    file: str
    size_bytes: int
    changed: bool


def fetch_feed(name: str, folder: Path, mirror: str = "") -> Iterator[Fetched]:
    """Bring a feed's files into its own folder below this one, and yield each; what is gone there goes here.

    Files that the publisher did not change are not sent again; their time becomes that of the question. Raises TransomError
    where a file cannot be had: those of before stay.
    """
    own = folder / folder_of(name)
    own.mkdir(parents=True, exist_ok=True)
    stamps = _stamps(own)
    found: list[str] = []
    for remote in remotes(name, mirror):
        try:
            address = _address(remote, mirror, own)
        except GoneError:
            if remote.optional:
                continue
            raise
        file = remote.file if remote.kind == "file" else _beside(remote.file, address)
        for one, here, optional in ((address, file, remote.optional), *_changed(remote, address, own)):
            brought = _brought(one, own, here, stamps, optional)
            if brought:
                found.append(here)
                yield brought
    if not found:
        raise TransomError(
            f"cannot fetch {name}", "none of its files is there", "look at the mirror, or at the address"
        )
    for each in list(own.iterdir()):
        if each.name not in (*found, STATE):
            each.unlink()


def _brought(address: str, own: Path, file: str, stamps: dict[str, Stamp], optional: bool) -> Fetched | None:
    """Bring one file where it changed, and keep its stamp; None where it may be missing, and is."""
    stamp = stamps.get(file, Stamp()) if (own / file).is_file() else Stamp()
    try:
        new = renew(address, own / file, stamp)
    except GoneError:
        if optional:
            return None
        raise
    os.utime(own / file)
    stamps[file] = new or stamp
    (own / STATE).write_bytes(msgspec.json.encode(stamps))
    return Fetched(f"{own.name}/{file}", (own / file).stat().st_size, new is not None)


def _changed(remote: Remote, archive: str, folder: Path) -> Iterator[tuple[str, str, bool]]:
    """Yield the documents that changed since the day of an archive: address, name here, and that each may be gone.

    Raises TransomError where they are more than could be asked for one by one.
    """
    day = _DAY.search(archive.rpartition("/")[2])
    if not remote.changes or not day:
        return
    list_address = urljoin(remote.address, remote.changes)
    listed = _pointer(list_address, folder, MAX_LIST_BYTES).decode("utf-8", "replace")
    since = [found[1] for found in map(_CHANGE.fullmatch, listed.splitlines()) if found and found[2] >= day[0]]
    if len(since) > MAX_CHANGED:
        why = f"{len(since):,} documents changed since {archive}"
        raise TransomError(
            f"cannot fetch what {list_address} lists", why, "wait for the next archive, or mirror them all"
        )
    for path in since:
        yield urljoin(remote.address, path), f"changed-{path.replace('/', '-')}", True


def _stamps(folder: Path) -> dict[str, Stamp]:
    try:
        return msgspec.json.decode((folder / STATE).read_bytes(), type=dict[str, Stamp])
    except (OSError, *BROKEN):
        return {}


def _beside(file: str, address: str) -> str:
    """Return what a file that another one led to is called here: the same from day to day, whatever it is called there."""
    ending = "".join(Path(address).suffixes[-2:]) if ".tar" in address else Path(address).suffix
    return f"{file}{ending}"


def _address(remote: Remote, mirror: str, folder: Path) -> str:
    """Return where a file is, which another one may have to tell."""
    if remote.kind == "file":
        return remote.address
    told = _pointer(remote.address, folder).decode("utf-8", "replace").split()
    if not told:
        raise TransomError(f"cannot use {remote.address}", "it is empty", "try again later")
    if remote.kind == "named":
        if not set(told[0].encode()) <= ONLY_NAME:
            raise TransomError(
                f"cannot use {remote.address}", "it names no file", "a proxy or a login may have answered"
            )
        return urljoin(remote.address, told[0])
    return _updateinfo(mirrored(told[0].rstrip("/"), mirror), folder)


def _updateinfo(base: str, folder: Path) -> str:
    """Return where an RPM repository keeps its errata; raises GoneError where it has none."""
    head = f"{base}/repodata/repomd.xml"
    for entry in elements(_pointer(head, folder), ("data",)):
        if entry.get("type") == "updateinfo":
            places = [each.get("href", "") for each in entry if local_name(each) == "location"]
            if places and not places[0].startswith(("/", "..")) and "://" not in places[0]:
                return f"{base}/{places[0]}"
    raise GoneError(f"cannot fetch {head}", "it names no errata", "look at the repository")


def _pointer(address: str, folder: Path, limit_bytes: int = MAX_POINTER_BYTES) -> bytes:
    path = folder / "pointer.part"
    try:
        return fetch(address, path, limit_bytes).read_bytes()
    finally:
        path.unlink(missing_ok=True)
