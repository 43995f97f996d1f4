"""What a container is and what it changed, in the words of the object that policies judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from transom.images.containers.drift import Change, Drift
from transom.images.containers.inspecting import Inspected
from transom.kube.files import shown
from transom.model.findings import Skipped
from transom.model.refs import Ref

MAX_TOLD = 1_000  # of each list in the object; a container that is let alone changes none


def container_object(made: Inspected) -> dict[str, Any]:
    """Return what the object of a container has beyond that of an image."""
    container = made.container
    told = {
        "id": container.id,
        "name": container.shown,
        "pid": container.pid,
        "image": container.image,
        "namespace": container.namespace,
    }
    return {"container": told} | ({"drift": _drift(made.drift)} if made.drift is not None else {})


def unknown(made: Inspected, ref: Ref) -> Iterator[Skipped]:
    """Yield what of a container's changes could not be told."""
    if made.drift is None:
        yield Skipped(
            ref, f"what it changed is not known: {made.reason}", "scan it on its node, as root, or trust its image"
        )
        return
    for unread in made.drift.unread:
        yield Skipped(
            ref, f"{shown(unread.path)}: {unread.reason}", "look at the file on the node; the rest was compared"
        )


def _drift(drift: Drift) -> dict[str, Any]:
    return {
        "files": drift.files,
        "programs": _changes(drift.programs),
        "starts": _changes(drift.starts),
        "packages": [
            {"kind": each.kind, "name": each.name, "before": each.before, "now": each.now}
            for each in drift.packages[:MAX_TOLD]
        ],
    }


def _changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [{"path": shown(each.path), "how": each.how, "rights": each.rights} for each in changes][:MAX_TOLD]
