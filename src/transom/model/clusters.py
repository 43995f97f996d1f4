"""What is known of a live cluster beside its objects: its version, its distribution, and what was not listed."""

from __future__ import annotations

from msgspec import Struct


class Gap(Struct, frozen=True, order=True, omit_defaults=True):
    """A kind of which not every object is told. refused: against the person's wish, by the cluster or by a fault."""

    group: str
    kind: str
    refused: bool = False


class ClusterFacts(Struct, frozen=True, omit_defaults=True):
    """A cluster that was read.

    context: the name that its reader knows it by; version: of its API server, `v1.31.5+k3s1`; distribution: "" where
    unknown; namespace: the only one that was read, "" for all; verified: whether its certificate was; gaps: kinds that
    are not told whole; kinds: those that were asked for, as `Kind` or `group/Kind`, none where that is not known.
    """

    context: str
    version: str
    distribution: str = ""
    namespace: str = ""
    verified: bool = True
    gaps: tuple[Gap, ...] = ()
    kinds: tuple[str, ...] = ()
