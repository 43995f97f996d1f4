"""Target in, results out: the whole product on one page."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory import Entry, Inventory, unrendered
from transom.inventory.selection import EVERYTHING, Selection
from transom.inventory.sources import fill
from transom.model.findings import NotApplicable, Result, Rule, Skipped, Told
from transom.model.images import OF_IMAGES
from transom.rules.custom import unseen_pods
from transom.rules.exceptions import FACES, Allowances, declared
from transom.rules.gaps import withheld
from transom.rules.judge import read_by_none
from transom.rules.params import with_told
from transom.workers import in_parallel

if TYPE_CHECKING:
    from datetime import date

    from transom.images.opening import ImageOptions
    from transom.images.vulnerable import VulnerabilityOptions
    from transom.inventory.cluster import ClusterOptions
    from transom.lang.leaks.stream import Searcher
    from transom.rules.check import Check
    from transom.rules.policy import Policy
    from transom.rules.waivers import Waiver
    from transom.workloads.pod_security import PodSecurity

WINDOWS = {
    "workloads": "transom.workloads",
    "images": "transom.images",
    "identity": "transom.identity",
    "network": "transom.network",
    "secrets": "transom.secrets",
    "paths": "transom.paths",
}
"""Every window, and what joins them: name and module. Each offers assess(inventory, rules, only, allowances)."""


MAYBE_BILLS = (".json", ".xml", ".spdx")  # files whose words tell whether they are a bill of materials
TOGETHER = (
    500  # objects that every window sees before the next ones, so that places are worked out once for all windows
)
WORTH_A_PROCESS = 2_000  # objects a process must have to judge, for its start and its messages to pay


class ScanOptions(Struct, frozen=True):
    """What to look for, and where.

    problems: rules that could not be loaded; exclude: patterns in .gitignore syntax; value_files: laid over the values of
    charts; pod_security: `LEVEL[@VERSION]`, to judge by that Pod Security level and nothing else; exceptions: whether what
    files declare acceptable is accepted; waivers: exceptions that the team keeps, and today, which tells what has expired;
    known_rules: ids that an exception may name, beside those of policies and
    checks; cluster: what to read of a live one, and as whom; images: how they are fetched; vulnerabilities: which index
    is asked of what images and bills of materials hold, None for none. Credentials in images are looked for by
    images.searcher; in files, whatever they are, by searcher, with history in every commit too.
    """

    policies: Sequence[Policy] = ()
    checks: Sequence[Check] = ()
    problems: Sequence[Skipped] = ()
    windows: Sequence[str] = tuple(WINDOWS)
    exclude: Sequence[str] = ()
    value_files: Sequence[str] = ()
    selection: Selection = EVERYTHING
    pod_security: PodSecurity | None = None
    exceptions: bool = True
    waivers: Sequence[Waiver] = ()
    today: date | None = None
    known_rules: Collection[str] = ()
    cluster: ClusterOptions | None = None
    images: ImageOptions | None = None
    vulnerabilities: VulnerabilityOptions | None = None
    searcher: Searcher | None = None
    history: bool = False

    @property
    def faces(self) -> dict[str, Rule]:
        """The rules that may have findings, by id."""
        if self.pod_security is not None:
            return self.pod_security.faces()
        faces = {rule.id: rule.face for rule in self.rules} | unrendered.FACES
        if self.vulnerabilities is not None:
            from transom.images.vulnerable import VULNERABLE

            faces[VULNERABLE.id] = VULNERABLE
        searcher = self.searcher or (self.images.searcher if self.images is not None else None)
        if searcher is not None:
            from transom.rules.leaks import face

            faces |= {rule.id: face(rule) for rule in searcher.finder.rules.rules}
        if self.images is not None and self.images.signatures is not None:
            from transom.images.signatures.results import RULES

            faces |= RULES
        return faces | (FACES if self.exceptions else {})

    @property
    def rules(self) -> Sequence[Policy | Check]:
        """The rules of both forms."""
        return (*self.policies, *self.checks)


def assess(
    inventory: Inventory,
    rules: Sequence[Policy | Check],
    only: Sequence[Entry] | None = None,
    allowances: Allowances | None = None,
    windows: Sequence[str] = tuple(WINDOWS),
) -> Iterator[Result]:
    """Yield what the rules say through the windows of the entries, or of only some; allowances: what files accept."""
    entries = inventory.entries() if only is None else only
    for start in range(0, max(len(entries), 1), TOGETHER):
        for window in windows:
            together = entries[start : start + TOGETHER]
            yield from import_module(WINDOWS[window]).assess(inventory, rules, together, allowances)


def scan(targets: Sequence[str], options: ScanOptions, inventory: Inventory) -> Iterator[Result]:
    """Fill the inventory from the targets; yield everything that is wrong in it, and everything that was not judged."""
    for target in targets:
        yield from read(inventory, target, options)  # what could not be read is already a result
    yield from look(options, inventory)


def read(inventory: Inventory, target: str, options: ScanOptions) -> Iterator[Told]:
    """Fill the inventory from a target, whatever it is; yield what could not be read."""
    if target.startswith(OF_IMAGES):
        from transom.images.opening import ImageOptions
        from transom.images.source import fill_from_image

        images = options.images or ImageOptions()
        if options.vulnerabilities is not None:
            images = replace(images, index=options.vulnerabilities.index)
        yield from fill_from_image(inventory, target, images)
        return
    if is_bill(target):
        from transom.images.source import fill_from_bill

        yield from fill_from_bill(inventory, target)
        return
    yield from fill(inventory, target, options.exclude, options.value_files, options.cluster)
    if options.searcher is not None and target not in inventory.clusters and os.path.exists(target):  # noqa: PTH110
        from transom.secrets.targets import Scope, leaks_below

        scope = Scope(options.exclude, options.history, exceptions=options.exceptions)
        inventory.decided += leaks_below(target, options.searcher, scope)
    if options.images is not None and options.images.running and target in inventory.clusters:
        from transom.images.running import fill_from_running

        yield from fill_from_running(inventory, target, options.images, options.cluster)


def is_bill(target: str) -> bool:
    """Tell whether a target is a file with a bill of materials in it."""
    if not target.endswith(MAYBE_BILLS):
        return False
    from transom.images.sbom.sniffing import is_bill

    return is_bill(target)


def look(options: ScanOptions, inventory: Inventory) -> Iterator[Result]:
    """Yield everything that is wrong in a filled inventory, and everything that was not judged."""
    chosen = options.selection.of(inventory)
    if len(chosen) < len(inventory):
        yield NotApplicable("objects outside the selection", len(inventory) - len(chosen))

    if inventory.clusters:
        from transom.inventory.own import OWN, without_own

        chosen, own = without_own(inventory, chosen)
        yield NotApplicable(OWN, own)

    yield from options.problems
    if inventory.clusters:
        yield from withheld(inventory, options.checks)
    if options.rules:
        unread = read_by_none(options.policies, chosen, options.checks)
        if unread:
            yield unread
        yield from unseen_pods(options.policies, inventory, chosen)
    allowances: Allowances = {}
    if options.exceptions and options.pod_security is None:
        known = {*options.known_rules, *(rule.id for rule in options.rules)}
        allowances, malformed = declared(inventory, chosen, known)
        yield from malformed

    rules: Sequence[Policy | Check] = [*with_told(options.policies, inventory), *options.checks]

    def of(only: Sequence[Entry]) -> Iterator[Result]:
        if options.pod_security is not None:
            return options.pod_security.assess(inventory, only)
        return assess(inventory, rules, only, allowances, options.windows)

    results: Iterator[Result] = chain(in_parallel(of, chosen, WORTH_A_PROCESS), inventory.decided)
    if options.vulnerabilities is not None and inventory.bills:
        from transom.images.vulnerabilities import looked_up

        results = chain(results, looked_up(inventory.bills, options.vulnerabilities))
    if options.waivers and options.exceptions:
        from datetime import date

        from transom.rules.waivers import with_waivers

        results = with_waivers(results, options.waivers, inventory, options.today or date.today())
    if inventory.rendered:
        from transom.inventory.charts import with_values

        results = with_values(results, inventory)
    yield from results
