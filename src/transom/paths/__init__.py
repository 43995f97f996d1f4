"""Attack paths: what the windows see, joined; from what the outside reaches to everything, in the fewest steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.inventory import Entry, Inventory
from transom.model.findings import Result
from transom.rules.check import Check
from transom.rules.exceptions import Allowances
from transom.rules.judge import judge
from transom.rules.policy import Policy

CHECKS: dict[str, str] = {
    "exposed-path-to-cloud": "transom.paths.leads:leads_on",
    "exposed-path-to-everything": "transom.paths.leads:leads_on",
    "exposed-path-to-node": "transom.paths.leads:leads_on",
    "exposed-path-to-secrets": "transom.paths.leads:leads_on",
}
"""The checks that see all windows at once: rule id, and `module:function`."""


def assess(
    inventory: Inventory,
    rules: Sequence[Policy | Check],
    only: Sequence[Entry] | None = None,
    allowances: Allowances | None = None,
) -> Iterator[Result]:
    """Yield what the rules say of bindings that lead an attacker on; allowances: what files accept."""
    return judge(inventory, [rule for rule in rules if rule.window == "paths"], only, allowances, CHECKS)
