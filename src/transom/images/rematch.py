"""Kept bills against an index, and against what has changed in it: which images are affected now and were not before.

Packages are matched once, whatever number of images hold them; of a changed index only those that a changed record names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from transom.advisories import Index, match
from transom.advisories.changes import changes
from transom.advisories.matching import no_data
from transom.images.exploitability import Exploitability
from transom.images.stored import Catalogue, Held
from transom.images.vulnerabilities import ages, finding_of
from transom.images.vulnerable import VULNERABLE, VulnerabilityOptions
from transom.model.advisories import Match
from transom.model.findings import Judged, Provenance, Result, Skipped
from transom.model.packages import Bill

Workloads = Mapping[str, tuple[str, ...]]
"""The workloads that run an image, by its digest, or by its name where no digest is told."""


def rematched(
    catalogue: Catalogue, options: VulnerabilityOptions, before: str = "", workloads: Workloads | None = None
) -> Iterator[Result]:
    """Yield the vulnerabilities of all kept bills; with an index of before only those that it did not tell.

    workloads: that run the images, from a cluster or a snapshot. Raises TransomError for an index that is none.
    """
    vex = Exploitability(options.vex)
    with Index(options.index) as index:
        yield from ages(index, options.max_age_days)
        if before:
            with Index(before) as former:
                records = list(changes(former, index))
                names = {name for each in records for name in each.packages}
                held = list(catalogue.named(names))
                told = f"{len(records):,} records differ, which name {len(held):,} kept packages"
                yield Provenance(f"changed since {before}", told)
                yield from _told(catalogue, held, index, former, options, vex, workloads or {})
        else:
            yield from _told(catalogue, catalogue.every(), index, None, options, vex, workloads or {})
    yield from vex.told()


def _told(
    catalogue: Catalogue,
    held: Iterable[Held],
    index: Index,
    former: Index | None,
    options: VulnerabilityOptions,
    vex: Exploitability,
    workloads: Workloads,
) -> Iterator[Result]:
    bills: dict[int, Bill] = {}
    affected: set[int] = set()
    skipped: set[Skipped] = set()
    unknown: Counter[str] = Counter()
    for each in held:
        known = _names(each, former) if former else frozenset()
        for found in match((each.package,), each.package.distro, index):
            if isinstance(found, Skipped):
                if "/" in found.ref.name:
                    skipped.add(found)
                elif former is None:  # of what changed, none is of a channel that nobody knows
                    unknown[found.ref.name] += len(each.bills)
            elif options.wants(found) and not known & {found.id, *found.aliases}:
                affected.update(each.bills)
                for number in each.bills:
                    if number not in bills:
                        bills[number] = _run_by(catalogue.bill(number), workloads)
                    yield vex.judged(finding_of(found, bills[number]), found, bills[number])
    yield from sorted(skipped, key=lambda each: (each.ref, each.reason))
    yield from (no_data(channel, count) for channel, count in sorted(unknown.items()))
    yield Judged(VULNERABLE.id, len(catalogue), len(catalogue) - len(affected))


def _names(held: Held, former: Index) -> frozenset[str]:
    """Return every name of what a package was known to have before."""
    found = match((held.package,), held.package.distro, former)
    return frozenset(name for each in found if isinstance(each, Match) for name in (each.id, *each.aliases))


def _run_by(bill: Bill, workloads: Workloads) -> Bill:
    """Return a bill with the workloads that run it."""
    found = {name for key in (bill.digest, bill.index_digest, bill.name) if key for name in workloads.get(key, ())}
    return replace(bill, workloads=tuple(sorted(found))) if found else bill
