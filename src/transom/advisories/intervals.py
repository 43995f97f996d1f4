"""Events of a range become intervals of versions, and intervals become bounds that bytes compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from transom.lang.versions import order_key_of
from transom.lang.versions.semver import VersionError
from transom.model.advisories import Interval

FROM_THE_START = "0"  # what OSV writes for "before any version"
NO_LIMIT = "*"
_RANK = {"introduced": 0, "fixed": 1, "limit": 1, "last_affected": 2}
"""At one and the same version: what begins there begins, before what ends there ends."""


class ImpossibleError(ValueError):
    """A range that no version can be tested against."""


@lru_cache(65_536)
def key_of(scheme: str, version: str) -> bytes:
    """Return the order key of a version; raises VersionError."""
    return order_key_of(scheme)(version)


def intervals_of(turns: Sequence[tuple[str, str]], scheme: str) -> Iterator[Interval]:
    """Yield the intervals between the turns of one range, (event, version) in any order (OSV, evaluation).

    Raises ImpossibleError where a version cannot be read, or where the first turn ends what never began.
    """
    ordered = _sorted(turns, scheme)
    if ordered and ordered[0][0] != "introduced":
        raise ImpossibleError(f"a range that ends at {ordered[0][2]} and begins nowhere")
    begun: str | None = None
    for kind, _, version in ordered:
        if kind == "introduced":
            begun = version if begun is None else begun
        elif begun is not None:
            yield _interval(begun, kind, version)
            begun = None
    if begun is not None:
        yield Interval(_start(begun))


def _sorted(turns: Sequence[tuple[str, str]], scheme: str) -> list[tuple[str, bytes, str]]:
    try:
        keyed = [
            (kind, b"" if version == FROM_THE_START else key_of(scheme, version), version)
            for kind, version in turns
            if not (kind == "limit" and version == NO_LIMIT)
        ]
    except VersionError as error:
        raise ImpossibleError(f"a range with a version that cannot be read: {error}") from None
    return sorted(keyed, key=lambda turn: (turn[1], _RANK[turn[0]]))


def _interval(begun: str, kind: str, version: str) -> Interval:
    start = _start(begun)
    if kind == "fixed":
        return Interval(start, fixed=version)
    return Interval(start, limit=version) if kind == "limit" else Interval(start, last_affected=version)


def _start(version: str) -> str:
    return "" if version == FROM_THE_START else version


def bounds(interval: Interval, scheme: str) -> tuple[bytes, bytes | None]:
    """Return the keys between which a version is affected: low <= key < high; None for no end.

    No key lies between a key and the same followed by NUL: so an end that is affected itself is one bound too.
    Raises ImpossibleError.
    """
    below = interval.fixed or interval.limit
    try:
        low = key_of(scheme, interval.introduced) if interval.introduced else b""
        high = key_of(scheme, below) if below else None
        if interval.last_affected:
            high = key_of(scheme, interval.last_affected) + b"\0"
    except VersionError as error:
        raise ImpossibleError(f"a range with a version that cannot be read: {error}") from None
    if high is not None and high <= low:
        raise ImpossibleError(f"the range {interval} holds no version")
    return low, high
