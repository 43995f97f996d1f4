"""Who may talk to whom, and what is open to the outside: services, ingresses, network policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.inventory import Entry, Inventory
from transom.model.findings import Result
from transom.rules.exceptions import Allowances
from transom.rules.judge import judge
from transom.rules.policy import Policy


def assess(
    inventory: Inventory,
    policies: Sequence[Policy],
    only: Sequence[Entry] | None = None,
    allowances: Allowances | None = None,
) -> Iterator[Result]:
    """Yield what the policies of this window say of the entries, or of only some; allowances: what files accept."""
    return judge(inventory, [policy for policy in policies if policy.window == "network"], only, allowances)
