"""Profiles: which rules a scan asks for, and why those and not others.

Each profile is one file, `content/profiles/<id>.yaml`. It begins with every rule, with none, or with those of another
profile, and adds and leaves out rules with a reason each. Rules that contradict one another, or that are a matter of
taste, stand in profiles of their own. Policies that a person names are in force under every profile.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from transom.model.errors import TransomError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transom.rules.check import Check
    from transom.rules.load import Pack
    from transom.rules.policy import Policy

PROFILES_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content", "profiles")
DEFAULT = "default"
EVERYTHING, NOTHING = "everything", "nothing"


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """Some rules, and why a profile has them or has them not."""

    rules: tuple[str, ...]
    why: str


class Profile(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One named choice of rules. begins_with: `everything`, `nothing`, or the id of another profile."""

    id: str
    title: str
    why: str
    begins_with: str
    adds: tuple[Choice, ...] = ()
    leaves_out: tuple[Choice, ...] = ()

    @property
    def named(self) -> frozenset[str]:
        """The ids of all rules that it names."""
        return frozenset(rule for choice in (*self.adds, *self.leaves_out) for rule in choice.rules)


def profile_names() -> list[str]:
    """Return the ids of the profiles that come with Transom."""
    return sorted(name.removesuffix(".yaml") for name in os.listdir(PROFILES_FOLDER) if name.endswith(".yaml"))


@lru_cache
def read_profile(file: str) -> Profile:
    """Return the profile of a file; raises TransomError for one that cannot be read or is called otherwise."""
    import msgspec

    from transom.kube.builder import TextError, build
    from transom.kube.libyaml import YAMLError

    try:
        with open(file, "rb") as stream:
            found = msgspec.convert(build(stream.read()).value, Profile)
    except (OSError, YAMLError, TextError, msgspec.MsgspecError) as error:
        raise TransomError(f"cannot read the profile {file}", str(error), "install Transom again") from error
    if os.path.basename(file) != f"{found.id}.yaml":
        raise TransomError(f"cannot read the profile {file}", f"it is called {found.id}", "correct the file")
    return found


def profile_named(name: str) -> Profile:
    """Return the profile with an id; raises UsageError where there is none."""
    known = profile_names()
    if name not in known:
        raise UsageError(f"there is no profile {name!r}", "", f"choose from {', '.join(known)}")
    return read_profile(os.path.join(PROFILES_FOLDER, f"{name}.yaml"))


def rules_of(name: str, every: frozenset[str]) -> frozenset[str]:
    """Return which of all rules a profile has; raises UsageError for a name that no profile has."""
    profile = profile_named(name)
    begins = {EVERYTHING: every, NOTHING: frozenset[str]()}
    chosen = begins[profile.begins_with] if profile.begins_with in begins else rules_of(profile.begins_with, every)
    added = {rule for choice in profile.adds for rule in choice.rules}
    left_out = {rule for choice in profile.leaves_out for rule in choice.rules}
    return (chosen | added) - left_out


def profiles_of(rule: str) -> list[str]:
    """Return the ids of the profiles that have one of our own rules."""
    every = frozenset((rule,))
    return [name for name in profile_names() if rule in rules_of(name, every)]


def in_profiles(pack: Pack, names: Sequence[str]) -> Pack:
    """Return the pack with our own rules of any of the profiles, and all rules of others."""
    every = frozenset(rule.id for rule in pack.rules if is_ours(rule))
    chosen = frozenset[str]().union(*(rules_of(name, every) for name in names))
    theirs = frozenset(rule.id for rule in pack.rules) - every
    kept = chosen | theirs
    return replace(
        pack,
        policies=tuple(policy for policy in pack.policies if policy.id in kept),
        checks=tuple(check for check in pack.checks if check.id in kept),
    )


def is_ours(rule: Policy | Check) -> bool:
    """Tell whether a rule comes with Transom."""
    return bool(getattr(rule, "ours", True))  # checks are Python of ours, all of them
