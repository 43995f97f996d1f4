"""Another base: images of the base's own repository that were inspected before, and hold less of what the base brings.

Nothing is fetched for it. An image counts only where the index speaks of its system: one of which nothing is known would look
like the best of all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from transom.advisories import Index, match
from transom.images.cache import Chain, LayerCache
from transom.images.inspection import NoBlobs, inspect
from transom.images.vulnerable import VulnerabilityOptions
from transom.model.advisories import Match
from transom.model.findings import Finding
from transom.model.images import ImageError, parse_image
from transom.model.packages import Bill
from transom.model.vulnerabilities import Rebase
from transom.registry.blobs import Descriptor, Image, Layer, this_platform


def rebases(
    bills: Sequence[Bill], findings: Collection[Finding], index: Index, options: VulnerabilityOptions, cache: LayerCache
) -> Iterator[Rebase]:
    """Yield, of each image whose base brings vulnerabilities, the known image that would bring the fewest."""
    brought: dict[str, set[str]] = defaultdict(set)
    for finding in findings:
        if finding.vulnerability is not None and finding.vulnerability.base:
            brought[finding.ref.name].add(finding.vulnerability.id)
    chains = list(cache.known()) if brought else []
    held: dict[Chain, frozenset[str] | None] = {}
    for bill in bills:
        before = brought.get(bill.name)
        best: Rebase | None = None
        for chain in _candidates(bill, chains) if before else ():
            if chain not in held:
                held[chain] = _vulnerabilities(chain, index, options, cache)
            found = _rebase(bill, before or set(), chain, held[chain])
            if found is not None and (best is None or _gain(found) > _gain(best)):
                best = found
        if best is not None:
            yield best


def _candidates(bill: Bill, chains: Sequence[Chain]) -> Iterator[Chain]:
    """Yield the images of the base's repository that are newer than it, as far as both say when they were made."""
    own = tuple(diff_id for diff_id, _ in bill.layers[: bill.base_layers])
    made = next((chain.created for chain in chains if chain.diff_ids == own), "")
    repository = _repository(bill.base)
    for chain in chains:
        older = bool(made and chain.created and chain.created <= made)
        if (
            repository
            and chain.diff_ids
            and chain.diff_ids != own
            and not older
            and _repository(chain.name) == repository
        ):
            yield chain


def _repository(name: str) -> str:
    try:
        return parse_image(name).name
    except ImageError:
        return ""


def _vulnerabilities(
    chain: Chain, index: Index, options: VulnerabilityOptions, cache: LayerCache
) -> frozenset[str] | None:
    """Return what an image holds by its kept layers; None where one is not kept, or not all of it could be judged."""
    if any(cache.get(diff_id) is None for diff_id in chain.diff_ids):
        return None
    layers = tuple(Layer(Descriptor(""), diff_id) for diff_id in chain.diff_ids)
    found = inspect(Image(chain.name, "", this_platform(), {}, layers, (), NoBlobs()), cache)
    answers = list(match(found.packages, str(found.distro), index))
    if not found.packages or not all(isinstance(each, Match) for each in answers):
        return None
    return frozenset(each.id for each in answers if isinstance(each, Match) and options.wants(each))


def _rebase(bill: Bill, before: set[str], chain: Chain, holds: frozenset[str] | None) -> Rebase | None:
    """Return what another base comes to; None where it clears nothing more than it brings."""
    if holds is None:
        return None
    clears, brings = tuple(sorted(before - holds)), tuple(sorted(holds - before))
    made = f" of {chain.created[:10]}" if chain.created else ""
    found = Rebase(bill.name, bill.base, f"{chain.name}{made}", len(before), clears, brings)
    return found if _gain(found) > 0 else None


def _gain(rebase: Rebase) -> int:
    return len(rebase.clears) - len(rebase.brings)
