"""Target in, results out: the whole product on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.inventory import Entry, Inventory
from transom.inventory.selection import EVERYTHING, Selection
from transom.inventory.sources import fill
from transom.model.findings import NotApplicable, Result
from transom.workers import in_parallel

if TYPE_CHECKING:
    from transom.rules.policy import Policy

WINDOWS = {
    "workloads": "transom.workloads",
    "identity": "transom.identity",
    "network": "transom.network",
    "secrets": "transom.secrets",
}
"""Every window: its name, and the module that looks through it. Each offers assess(inventory, policies, only)."""

WORTH_A_PROCESS = 2_000  # objects a process must have to judge, for its start and its messages to pay


class ScanOptions(Struct, frozen=True):
    """What to look for, and where. exclude: patterns in .gitignore syntax."""

    policies: Sequence[Policy]
    windows: Sequence[str] = tuple(WINDOWS)
    exclude: Sequence[str] = ()
    selection: Selection = EVERYTHING


def scan(targets: Sequence[str], options: ScanOptions, inventory: Inventory) -> Iterator[Result]:
    """Fill the inventory from the targets; yield everything that is wrong in it, and everything that was not judged."""
    for target in targets:
        yield from fill(inventory, target, options.exclude)  # what could not be read is already a result
    chosen = options.selection.of(inventory)
    if len(chosen) < len(inventory):
        yield NotApplicable("objects outside the selection", len(inventory) - len(chosen))

    def assess(only: Sequence[Entry]) -> Iterator[Result]:
        for window in options.windows:
            yield from import_module(WINDOWS[window]).assess(inventory, options.policies, only)

    yield from in_parallel(assess, chosen, WORTH_A_PROCESS)
