"""What the targets showed at a git revision: whatever is found now and was not found then is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.inventory import Inventory
from transom.inventory.revisions import Revision, at_revision
from transom.kube.files import shown
from transom.model.findings import Finding, Provenance
from transom.model.refs import Ref
from transom.scan import scan

if TYPE_CHECKING:
    from transom.scan import ScanOptions


def known_since(revision: str, targets: Sequence[str], options: ScanOptions) -> tuple[frozenset[str], Provenance]:
    """Return the fingerprints of what the same rules find at a revision, and what to say of it."""
    with at_revision(revision, targets) as past:
        results = scan(past.targets, options, Inventory())
        found = [replace(each, ref=_present(each.ref, past, targets)) for each in results if isinstance(each, Finding)]
    how = f"what was there at {past.commit[:12]} already is left out"
    if past.absent:
        how = f"{how}; submodules that are not here as they were then count as new: {', '.join(past.absent)}"
    told = Provenance(revision, how)
    return frozenset(finding.fingerprint for finding in found), told


def _present(ref: Ref, past: Revision, targets: Sequence[str]) -> Ref:
    """Return what a Ref of the past is called now: a file is named by the way to it."""
    if ref.scope != "file":
        return ref
    for then, now in zip(past.targets, targets, strict=True):
        if ref.name == shown(then) or ref.name.startswith(shown(then) + "/"):
            return replace(ref, name=shown(now).rstrip("/") + ref.name[len(shown(then)) :])
    return ref
