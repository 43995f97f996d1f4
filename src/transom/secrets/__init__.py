"""What must stay secret: long-lived tokens, and credentials where everyone can read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.inventory import Entry, Inventory
from transom.model.findings import Result
from transom.rules.check import Check
from transom.rules.exceptions import Allowances
from transom.rules.judge import judge
from transom.rules.policy import Policy

CHECKS: dict[str, str] = {
    "bootstrap-token-without-end": "transom.secrets.tokens:bootstrap_without_end",
    "known-credential-in-configmap": "transom.secrets.credentials:credential_in_settings",
    "known-credential-in-pod": "transom.secrets.credentials:credential_in_pod",
}
"""The checks of this window: rule id, and `module:function`."""


def assess(
    inventory: Inventory,
    rules: Sequence[Policy | Check],
    only: Sequence[Entry] | None = None,
    allowances: Allowances | None = None,
) -> Iterator[Result]:
    """Yield what the rules of this window say of the entries, or of only some; allowances: what files accept."""
    return judge(inventory, [rule for rule in rules if rule.window == "secrets"], only, allowances, CHECKS)
