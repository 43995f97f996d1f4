"""The one algebra of least privilege: what was granted, what was used, over which time, and whether less would do."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Domain = Literal["rbac", "syscall", "capability", "flow", "package"]


class Permission(Struct, frozen=True, order=True):
    """One thing that somebody may do. object: what it is done to; place: where it holds, "" for everywhere."""

    domain: Domain
    verb: str
    object: str
    place: str = ""

    def __str__(self) -> str:
        """Return it as people write it: `get secrets in shop`."""
        return f"{self.verb} {self.object} in {self.place}" if self.place else f"{self.verb} {self.object}"


class Use(Struct, frozen=True, order=True):
    """How often somebody used a permission, and when first and last (seconds since 1970)."""

    subject: str
    permission: Permission
    count: int
    first_s: float = 0.0
    last_s: float = 0.0


class Period(Struct, frozen=True):
    """A time span that was watched, but for its gaps. All in seconds since 1970; gaps are sorted and do not overlap."""

    start_s: float
    end_s: float
    gaps: tuple[tuple[float, float], ...] = ()

    def watched_s(self, since_s: float = 0.0) -> float:
        """Return how many seconds were watched, from a moment on."""
        start = max(self.start_s, since_s)
        missed = sum(max(0.0, end - max(begin, start)) for begin, end in self.gaps)
        return max(0.0, self.end_s - start - missed)

    def coverage(self, wanted_s: float, since_s: float = 0.0) -> float:
        """Return which part of a wanted time was watched, 1 at most."""
        return min(1.0, self.watched_s(since_s) / wanted_s) if wanted_s > 0 else 1.0


class Replay(Struct, frozen=True):
    """What a proposal says of everything that was recorded.

    requests: how many were recorded as allowed; denied: those that the proposal would refuse; unexplained: those that
    the present grants do not allow either, so that nothing follows from them.
    """

    requests: int
    denied: tuple[Use, ...] = ()
    unexplained: tuple[Use, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the proposal breaks nothing that was recorded."""
        return not self.denied
