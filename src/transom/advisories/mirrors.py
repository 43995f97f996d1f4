"""Files of a mirror: a folder, or a place that HTTP serves. Asked for by a person, never by a scan."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from transom.model.errors import TransomError
from transom.proxies import Pools

MAX_FETCHED_BYTES = 8 << 30  # all of OSV has 2 GB
CHUNK_BYTES = 1 << 20
SILENCE_S = 60.0
TRIES = 4  # of one file; each goes on where the one before broke off
PART = ".fetching"
PARTIAL, COMPLETE, NO_SUCH_RANGE = 206, 200, 416


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
    if not is_remote(source):
        path = Path(source)
        if not path.is_file():
            raise TransomError(f"cannot read {source}", "there is no such file", "look at the mirror's folder")
        if path.stat().st_size > limit_bytes:
            raise _too_large(source, limit_bytes)
        return path
    _check_scheme(source)
    part = target.with_name(target.name + PART)
    why = ""
    for _ in range(TRIES):
        why = _go_on(source, part, limit_bytes)
        if not why:
            part.replace(target)
            return target
    raise TransomError(f"cannot fetch {source}", why, "try again: what has come is kept, and the rest is asked for")


def _check_scheme(source: str) -> None:
    url = urlsplit(source)
    try:
        near = ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        near = url.hostname == "localhost"
    if url.scheme == "http" and not near:
        raise TransomError(f"will not fetch {source}", "anybody on the way may change plain HTTP", "use https://")


def _go_on(source: str, part: Path, limit_bytes: int) -> str:
    """Fetch what is missing of a file; return why it is not whole yet, "" where it is."""
    import urllib3

    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
    pools = Pools(timeout=SILENCE_S, retries=urllib3.Retry(3, redirect=3, status=0))
    try:
        reply = pools.of(source).request("GET", source, headers=headers, preload_content=False)
        if reply.status == NO_SUCH_RANGE:  # all of it had come, or the file was changed
            part.unlink()
            return "the file on the mirror has changed"
        if reply.status not in (PARTIAL, COMPLETE):
            return f"the mirror answers {reply.status}"
        with part.open("ab" if reply.status == PARTIAL else "wb") as file:
            for chunk in reply.stream(CHUNK_BYTES):
                if file.tell() + len(chunk) > limit_bytes:
                    raise _too_large(source, limit_bytes)
                file.write(chunk)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return str(error)
    finally:
        pools.close()
    return ""


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
