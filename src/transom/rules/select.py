"""Choosing rules by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from transom.rules.check import Check
    from transom.rules.load import Pack
    from transom.rules.policy import Policy


def select(pack: Pack, only: Sequence[str] = (), without: Sequence[str] = (), profiles: Sequence[str] = ()) -> Pack:
    """Return the pack with only some rules, or without some; raises UsageError for an id that no rule has.

    profiles: ids of profiles, one of which must have a rule that is not named; none: every rule is chosen.
    """
    known = {rule.id for rule in pack.rules}
    for rule in (*only, *without):
        if rule not in known:
            raise unknown_rule(rule, known)
    if profiles and not only:
        from transom.rules.profiles import in_profiles

        pack = in_profiles(pack, profiles)

    def kept(rule: Policy | Check) -> bool:
        return (not only or rule.id in only) and rule.id not in without

    return replace(pack, policies=tuple(filter(kept, pack.policies)), checks=tuple(filter(kept, pack.checks)))


def unknown_rule(rule: str, known: Collection[str]) -> UsageError:
    """Return the error for an id that no rule has."""
    from difflib import get_close_matches

    close = get_close_matches(rule, known, 3)
    hint = f"did you mean {' or '.join(close)}?" if close else "see transom rules list"
    return UsageError(f"there is no rule {rule!r}", "", hint)
