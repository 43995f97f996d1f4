"""Files of a mirror: a folder, or a place that HTTP serves. Asked for by a person, never by a scan."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Struct

from transom.model.errors import TransomError
from transom.proxies import Pools

MAX_FETCHED_BYTES = 8 << 30  # all of OSV has 2 GB
CHUNK_BYTES = 1 << 20
SILENCE_S = 60.0
TRIES = 4  # of one file; each goes on where the one before broke off
PART = ".fetching"
PAUSES_S = (0.5, 2.0, 8.0)
LONGEST_S = 3600.0  # of one file: 2 GB at 5 Mbit/s
PARTIAL, COMPLETE, NOT_MODIFIED, NO_SUCH_RANGE = 206, 200, 304, 416
GONE = (403, 404, 410)  # storage that may not be listed answers 403 for what is not there


class GoneError(TransomError):
    """There is no such file."""


class Stamp(Struct, frozen=True):
    """What tells one version of a file from the next: what the server calls it, and since when it is so."""

    etag: str = ""
    modified: str = ""


UNCHANGED = Stamp("unchanged")


class Mirror(Protocol):
    """Where files are offered by their names."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    def bring(self, file: str, target: Path, limit_bytes: int) -> Path:
        """Bring a file to the target, or return where it lies already; raises TransomError."""


class Place(Struct, frozen=True):
    """A mirror that is a folder, or an address that HTTP serves."""

    name: str

    def bring(self, file: str, target: Path, limit_bytes: int) -> Path:
        """Bring a file to the target, or return where it lies already; raises TransomError."""
        return fetch(f"{self.name.rstrip('/')}/{file}", target, limit_bytes)


def is_remote(source: str) -> bool:
    """Tell whether a source is on the network."""
    return source.startswith(("https://", "http://"))


def fetch(source: str, target: Path, limit_bytes: int = MAX_FETCHED_BYTES) -> Path:
    """Bring a file of a mirror to the target, or return where it lies already; what broke off before goes on.

    Raises TransomError for what is not there, is larger than the limit, or comes over plain HTTP from another machine.
    """
    if is_remote(source):
        _download(source, target, limit_bytes, Stamp())
        return target
    path = Path(source)
    if not path.is_file():
        raise GoneError(f"cannot read {source}", "there is no such file", "look at the mirror's folder")
    if path.stat().st_size > limit_bytes:
        raise _too_large(source, limit_bytes)
    return path


def renew(source: str, target: Path, stamp: Stamp, limit_bytes: int = MAX_FETCHED_BYTES) -> Stamp | None:
    """Bring a file to the target where it is another than the one of the stamp, and return the new stamp; None where not.

    Raises as fetch does; GoneError where there is no such file.
    """
    if is_remote(source):
        return _download(source, target, limit_bytes, stamp)
    path = fetch(source, target, limit_bytes)
    found = path.stat()
    new = Stamp(f"{found.st_size}-{found.st_mtime_ns}")
    if new == stamp:
        return None
    import shutil

    part = target.with_name(target.name + PART)
    shutil.copyfile(path, part)
    part.replace(target)
    return new


def _download(source: str, target: Path, limit_bytes: int, stamp: Stamp) -> Stamp | None:
    """Download to the target; None where the server says that it is still what the stamp tells."""
    _check_scheme(source)
    part = target.with_name(target.name + PART)
    why = ""
    deadline = time.monotonic() + LONGEST_S
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSES_S[attempt - 1])
        got = _go_on(source, part, limit_bytes, stamp, deadline)
        if isinstance(got, str):
            why = got
            continue
        if got is not UNCHANGED:
            part.replace(target)
            _of_part(part).unlink(missing_ok=True)
        return None if got is UNCHANGED else got
    raise TransomError(f"cannot fetch {source}", why, "try again: what has come is kept, and the rest is asked for")


def _check_scheme(source: str) -> None:
    url = urlsplit(source)
    try:
        near = ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        near = url.hostname == "localhost"
    if url.scheme != "https" and not (url.scheme == "http" and near):
        raise TransomError(f"will not fetch {source}", "anybody on the way may change plain HTTP", "use https://")


def _go_on(source: str, part: Path, limit_bytes: int, stamp: Stamp, deadline: float) -> Stamp | str:
    """Fetch what is missing of a file; return its stamp, UNCHANGED, or why it is not whole yet."""
    import urllib3

    have = part.stat().st_size if part.exists() else 0
    pools = Pools(timeout=SILENCE_S, retries=urllib3.Retry(3, redirect=5, status=0))
    try:
        headers = _asking(have, _of_part(part), stamp)
        reply = pools.of(source).request("GET", source, headers=headers, preload_content=False)
        _check_scheme(urljoin(source, reply.geturl() or ""))
        if reply.status == NOT_MODIFIED:
            return UNCHANGED
        if reply.status == NO_SUCH_RANGE:  # all of it had come, or the file was changed
            part.unlink()
            return "the file on the mirror has changed"
        if reply.status in GONE:
            raise GoneError(f"cannot fetch {source}", f"the mirror answers {reply.status}", "check the address")
        if reply.status not in (PARTIAL, COMPLETE):
            return f"the mirror answers {reply.status}"
        new = Stamp(reply.headers.get("ETag", ""), reply.headers.get("Last-Modified", ""))
        _of_part(part).write_bytes(msgspec.json.encode(new))
        goes_on = reply.status == PARTIAL and _starts_at(reply.headers.get("Content-Range", ""), have)
        if reply.status == PARTIAL and not goes_on:
            part.unlink()
            return "the mirror sends another part than was asked for"
        with part.open("ab" if goes_on else "wb") as file:
            while chunk := reply.read1(CHUNK_BYTES):
                if file.tell() + len(chunk) > limit_bytes:
                    raise _too_large(source, limit_bytes)
                if time.monotonic() > deadline:
                    raise TransomError(f"cannot fetch {source}", f"it takes more than {LONGEST_S / 60:.0f} minutes", "")
                file.write(chunk)
        if reply.length_remaining:
            return f"the connection ended, {reply.length_remaining:,} bytes before the end"
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return str(error)
    finally:
        pools.close()
    return new


def _asking(have: int, of_part: Path, stamp: Stamp) -> dict[str, str]:
    """Return the headers that ask for the rest of a part, or for what is newer than a stamp (RFC 9110, 13 and 14)."""
    headers = {"Accept-Encoding": "identity"}
    if have:
        known = _read_stamp(of_part)
        strong = known.etag if not known.etag.startswith("W/") else ""
        same = {"If-Range": strong or known.modified} if strong or known.modified else {}
        return headers | same | {"Range": f"bytes={have}-"}
    if stamp.etag:
        headers["If-None-Match"] = stamp.etag
    if stamp.modified:
        headers["If-Modified-Since"] = stamp.modified
    return headers


def _starts_at(told: str, have: int) -> bool:
    return not told or told.startswith(f"bytes {have}-")


def _of_part(part: Path) -> Path:
    """Return where the stamp of a part is kept, so that two versions of a file are never joined."""
    return part.with_name(part.name + ".stamp")


def _read_stamp(path: Path) -> Stamp:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Stamp)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return Stamp()


def _too_large(source: str, limit_bytes: int) -> TransomError:
    return TransomError(f"cannot use {source}", f"it is larger than {limit_bytes >> 20} MB", "look at the mirror")


@contextmanager
def at_hand(feeds: list[str]) -> Iterator[list[str]]:
    """Give the paths of feeds, those of the network fetched into a folder that is gone afterwards."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="transom-feeds-") as folder:
        paths = []
        for number, feed in enumerate(feeds):
            name = urlsplit(feed).path.rpartition("/")[2] or "feed"
            paths.append(str(fetch(feed, Path(folder) / f"{number}-{name}")) if is_remote(feed) else feed)
        yield paths
