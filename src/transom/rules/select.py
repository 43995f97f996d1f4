"""Choosing rules by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from transom.rules.load import Pack


def select(pack: Pack, only: Sequence[str] = (), without: Sequence[str] = ()) -> Pack:
    """Return the pack with only some rules, or without some; raises UsageError for an id that no rule has."""
    known = {policy.id for policy in pack.policies}
    for rule in (*only, *without):
        if rule not in known:
            raise unknown_rule(rule, known)
    kept = [policy for policy in pack.policies if (not only or policy.id in only) and policy.id not in without]
    return replace(pack, policies=tuple(kept))


def unknown_rule(rule: str, known: Collection[str]) -> UsageError:
    """Return the error for an id that no rule has."""
    from difflib import get_close_matches

    close = get_close_matches(rule, known, 3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see transom rules list"
    return UsageError(f"there is no rule {rule!r}", "", hint)
