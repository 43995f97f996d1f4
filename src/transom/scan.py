"""Target in, results out: the whole product on one page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.inventory import Entry, Inventory
from transom.inventory.selection import EVERYTHING, Selection
from transom.inventory.sources import fill
from transom.model.findings import NotApplicable, Result, Rule, Skipped
from transom.rules.exceptions import FACES, Allowances, declared
from transom.rules.judge import read_by_none
from transom.workers import in_parallel

if TYPE_CHECKING:
    from transom.rules.policy import Policy
    from transom.workloads.pod_security import PodSecurity

WINDOWS = {
    "workloads": "transom.workloads",
    "identity": "transom.identity",
    "network": "transom.network",
    "secrets": "transom.secrets",
}
"""Every window: its name, and the module that looks through it. Each offers assess(inventory, policies, only, allowances)."""

WORTH_A_PROCESS = 2_000  # objects a process must have to judge, for its start and its messages to pay


class ScanOptions(Struct, frozen=True):
    """What to look for, and where.

    problems: rules that could not be loaded; exclude: patterns in .gitignore syntax; pod_security: `LEVEL[@VERSION]`,
    to judge by that Pod Security level and nothing else; exceptions: whether what files declare acceptable is accepted;
    known_rules: ids that an exception may name, beside those of the policies.
    """

    policies: Sequence[Policy] = ()
    problems: Sequence[Skipped] = ()
    windows: Sequence[str] = tuple(WINDOWS)
    exclude: Sequence[str] = ()
    selection: Selection = EVERYTHING
    pod_security: PodSecurity | None = None
    exceptions: bool = True
    known_rules: Collection[str] = ()

    @property
    def faces(self) -> dict[str, Rule]:
        """The rules that may have findings, by id."""
        if self.pod_security is not None:
            return self.pod_security.faces()
        return {policy.id: policy.face for policy in self.policies} | (FACES if self.exceptions else {})


def scan(targets: Sequence[str], options: ScanOptions, inventory: Inventory) -> Iterator[Result]:
    """Fill the inventory from the targets; yield everything that is wrong in it, and everything that was not judged."""
    for target in targets:
        yield from fill(inventory, target, options.exclude)  # what could not be read is already a result
    chosen = options.selection.of(inventory)
    if len(chosen) < len(inventory):
        yield NotApplicable("objects outside the selection", len(inventory) - len(chosen))

    yield from options.problems
    if options.policies:
        unread = read_by_none(options.policies, chosen)
        if unread:
            yield unread
    allowances: Allowances = {}
    if options.exceptions and options.pod_security is None:
        known = {*options.known_rules, *(policy.id for policy in options.policies)}
        allowances, malformed = declared(inventory, chosen, known)
        yield from malformed

    def assess(only: Sequence[Entry]) -> Iterator[Result]:
        if options.pod_security is not None:
            yield from options.pod_security.assess(inventory, only)
            return
        for window in options.windows:
            yield from import_module(WINDOWS[window]).assess(inventory, options.policies, only, allowances)

    yield from in_parallel(assess, chosen, WORTH_A_PROCESS)
