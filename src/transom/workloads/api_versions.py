"""API versions beside the release of Kubernetes that is judged for: those that it no longer serves, and those that go.

The table `content/kubernetes/api-versions.json` names every removal since 1.16.
"""

from __future__ import annotations

import os
from functools import lru_cache

from msgspec import Struct, json

from transom.inventory import Entry, Inventory
from transom.rules.check import Answer, Check, Fault

TABLE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content", "kubernetes", "api-versions.json")  # noqa: PTH118, PTH120
Release = tuple[int, int]


class Removal(Struct, frozen=True):
    """Kinds of one API version: since which release they are deprecated, and not served ("" where nobody said when)."""

    version: str
    kinds: tuple[str, ...]
    deprecated: str
    removed: str
    instead: str


def removed(entry: Entry, _: Inventory, check: Check) -> Answer:
    """An object of an API version that the release does not serve."""
    found = removals().get((entry.api_version, entry.ref.kind))
    if found is None or not found.removed or release(found.removed) > check.version:
        return ()
    told = f"Kubernetes does not serve this version since {found.removed}"
    return [Fault(told, ("apiVersion",), expected=found.instead)]


def deprecated(entry: Entry, _: Inventory, check: Check) -> Answer:
    """An object of an API version that the release still serves, and a later one will not."""
    found = removals().get((entry.api_version, entry.ref.kind))
    if found is None or release(found.deprecated) > check.version:
        return ()
    if not found.removed:
        return [Fault(f"this version is deprecated since {found.deprecated}", ("apiVersion",), expected=found.instead)]
    if release(found.removed) <= check.version:
        return ()  # it is gone, which is another check
    told = f"this version is deprecated since {found.deprecated}, and gone in {found.removed}"
    return [Fault(told, ("apiVersion",), expected=found.instead)]


@lru_cache(maxsize=1)
def removals() -> dict[tuple[str, str], Removal]:
    """Return the table by API version and kind."""
    with open(TABLE, "rb") as stream:  # noqa: PTH123 - a path object is not needed
        table = json.decode(stream.read(), type=list[Removal])
    return {(removal.version, kind): removal for removal in table for kind in removal.kinds}


def release(text: str) -> Release:
    """Return a release such as `1.22` as two numbers."""
    major, minor = text.split(".")
    return int(major), int(minor)
