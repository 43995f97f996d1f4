"""Who may do what: roles that hand out the cluster, and bindings that hand them to too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.inventory import Entry, Inventory
from transom.model.findings import Result
from transom.rules.check import Check
from transom.rules.exceptions import Allowances
from transom.rules.judge import judge
from transom.rules.policy import Policy

CHECKS: dict[str, str] = {
    "bound-account-missing": "transom.identity.accounts:bound_account_missing",
    "default-role-widened": "transom.identity.defaults:widened",
    "role-missing": "transom.identity.accounts:role_missing",
    "service-account-missing": "transom.identity.accounts:account_missing",
    "service-account-shared": "transom.identity.accounts:account_shared",
}
"""The checks of this window: rule id, and `module:function`."""


def assess(
    inventory: Inventory,
    rules: Sequence[Policy | Check],
    only: Sequence[Entry] | None = None,
    allowances: Allowances | None = None,
) -> Iterator[Result]:
    """Yield what the rules of this window say of the entries, or of only some; allowances: what files accept."""
    return judge(inventory, [rule for rule in rules if rule.window == "identity"], only, allowances, CHECKS)
