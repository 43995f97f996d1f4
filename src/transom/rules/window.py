"""The face that every window shows: what is wrong with the entries that it judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from transom.inventory import Entry, Inventory
    from transom.model.findings import Result
    from transom.rules.check import Check
    from transom.rules.exceptions import Allowances
    from transom.rules.policy import Policy


class Assess(Protocol):
    """What a window says of the entries, or of only some; allowances: what files accept."""

    def __call__(
        self,
        inventory: Inventory,
        rules: Sequence[Policy | Check],
        only: Sequence[Entry] | None = None,
        allowances: Allowances | None = None,
    ) -> Iterator[Result]: ...


def window(name: str, checks: Mapping[str, str]) -> Assess:
    """Return `assess` of a window: its own rules, judged. checks: rule id to `module:function`, for those that join."""

    def assess(
        inventory: Inventory,
        rules: Sequence[Policy | Check],
        only: Sequence[Entry] | None = None,
        allowances: Allowances | None = None,
    ) -> Iterator[Result]:
        from transom.rules.judge import judge  # what is asked of a window's parts needs no judge: 20 ms

        return judge(inventory, [rule for rule in rules if rule.window == name], only, allowances, checks)

    return assess
