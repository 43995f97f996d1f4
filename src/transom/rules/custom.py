"""Pod templates in custom kinds: no rule sees the pods that their controllers make, which is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transom.kube.kinds import TEMPLATE_PATHS, is_built_in, template_path
from transom.model.findings import Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transom.inventory import Entry, Inventory
    from transom.model.places import Path
    from transom.model.refs import Ref
    from transom.rules.policy import Policy

MAX_STEPS = 6  # from the root to a template: those of known operators stand within four
REASON = "its kind is none that rules know, so the pods of its template were not judged"
NEXT_STEP = "scan the workload that its controller makes of it"


def unseen_pods(policies: Sequence[Policy], inventory: Inventory, entries: Sequence[Entry]) -> Iterator[Skipped]:
    """Yield what carries a pod template that no policy about pods reads, unless its pods are in the inventory too."""
    if not any(policy.expands for policy in policies):
        return
    custom = [entry for entry in entries if not is_known(entry.ref)]
    found = [(entry, path) for entry in custom if (path := template_in(entry.object)) is not None]
    if not found:
        return
    kinds = (inventory.of_kind(*kind) for kind in TEMPLATE_PATHS)
    owners = {inventory.owner(entry) for entries_of_kind in kinds for entry in entries_of_kind}
    for entry, path in found:
        if entry.ref not in owners:
            yield Skipped(entry.ref, REASON, NEXT_STEP, locator=inventory.locate(entry, path))


def is_known(ref: Ref) -> bool:
    """Tell whether a kind has no pod template, or one that rules see."""
    return is_built_in(ref.group, ref.kind) or template_path(ref.group, ref.kind) is not None


def template_in(value: Any, path: Path = ()) -> Path | None:
    """Return the way to the first map below value whose `containers` are such as pods have; None where there is none."""
    if isinstance(value, dict) and _are_containers(value.get("containers")):
        return path
    if len(path) == MAX_STEPS or not isinstance(value, dict | list):
        return None
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    below = (template_in(child, (*path, step)) for step, child in steps)
    return next((found for found in below if found is not None), None)


def _are_containers(value: Any) -> bool:
    """Tell whether a value is a list of containers: of maps that all have a name and an image in words."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("image"), str)
            for each in value
        )
    )
