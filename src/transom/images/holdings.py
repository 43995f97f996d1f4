"""What an image holds that opens it, for policies: accounts, programs, credentials, modes, caches, sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from transom.images.accounts import Accounts, accounts_of
from transom.images.history import Step
from transom.images.inspection import Inspection
from transom.images.layers.notable import CACHES, CREDENTIAL, REPOSITORY
from transom.images.sizes import wasted
from transom.kube.files import shown

MAX_TOLD = 1_000  # of each list; an honest image has some dozens
LARGEST = 20  # files that are wasted, told one by one


def holdings(found: Inspection, steps: Sequence[Step]) -> dict[str, Any]:
    """Return the fields of an image's object that tell what it holds; steps: of its history.

    `layer` in it counts from 0, `step` is the instruction that made the layer, "" where the history does not tell it.
    """
    merged = found.merged
    numbers = {layer.diff_id: number for number, layer in enumerate(found.image.layers)}
    made = made_by(steps)

    def brought(path: str) -> dict[str, Any]:
        layer = numbers.get(merged.brought.get(path, ""), 0)
        return {"path": shown(path), "layer": layer, "step": made.get(layer, "")}

    accounts = accounts_of(merged.texts)
    credentials = (CREDENTIAL, REPOSITORY)
    told = sorted(merged.notable.items())
    return {
        "accounts": _accounts(accounts),
        "programs": [{**brought(path), "kind": kind} for path, kind in told if kind not in credentials][:MAX_TOLD],
        "credentials": [{**brought(path), "kind": kind} for path, kind in told if kind in credentials][:MAX_TOLD],
        "open": [{**brought(path), "mode": f"{mode & 0o7777:04o}"} for path, mode in sorted(merged.open.items())][
            :MAX_TOLD
        ],
        "specials": [
            {**brought(path), "mode": f"{each.mode:04o}", "uid": each.uid, "capabilities": each.capabilities}
            for path, each in merged.specials.items()
        ][:MAX_TOLD],
        "packed": [{**brought(path), "by": by} for path, by in merged.packed.items()][:MAX_TOLD],
        "caches": list(_caches(merged.caches)),
        "strangers": [
            {**brought(path), "uid": uid} for path, uid in sorted(_strangers(merged.strangers, accounts).items())
        ][:MAX_TOLD],
        "sizes": _sizes(found, made),
    }


def made_by(steps: Sequence[Step]) -> dict[int, str]:
    """Return what the instruction that made a layer does, by the layer's number; no value is in it."""
    from transom.images.history import rebuilt

    names = [each["name"] for each in rebuilt(steps, "")["stages"][0]["instructions"]][1:]
    return {step.layer: name for step, name in zip(steps, names, strict=True) if step.layer >= 0}


def _accounts(accounts: Accounts) -> dict[str, Any]:
    return {
        "count": len(accounts.users),
        "roots": list(accounts.roots[:MAX_TOLD]),
        "withoutPassword": list(accounts.open[:MAX_TOLD]),
        "shared": [list(each) for each in accounts.shared[:MAX_TOLD]],
    }


def _caches(sizes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for folder in CACHES:
        size = sum(each for path, each in sizes.items() if path.startswith(folder))
        if size:
            yield {"path": folder.rstrip("/"), "size": size}


def _strangers(found: Mapping[str, int], accounts: Accounts) -> dict[str, int]:
    """Return a file of each user that no account has, by its path."""
    known = set(accounts.users.values())
    by_user: dict[int, str] = {}
    for path, uid in found.items():
        if uid not in known:
            by_user.setdefault(uid, path)
    return {path: uid for uid, path in by_user.items()}


def _sizes(found: Inspection, made: Mapping[int, str]) -> dict[str, Any]:
    lost = wasted(found.records)
    total, waste = sum(each.size_bytes for each in found.records), sum(each.size_bytes for each in lost)
    return {
        "total": total,
        "wasted": waste,
        "wastedPercent": waste * 100 // total if total else 0,
        "largest": [
            {
                "path": shown(each.path),
                "size": each.size_bytes,
                "layer": each.layer,
                "step": made.get(each.layer, ""),
                "takenBy": made.get(each.taken_by, ""),
            }
            for each in lost[:LARGEST]
        ],
    }
