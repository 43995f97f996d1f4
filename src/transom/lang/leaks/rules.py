"""What a file of rules holds: rules, and lists of what is allowed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

GENERIC = "generic"
"""Part of the id, or a tag, of rules that go by the name before a value, and give way where another rule finds the same."""

Target = Literal["secret", "match", "line"]


class Allowlist(Struct, frozen=True):
    """What is no leak. regexes are matched against target; stopwords, in lower case, are parts of the secret.

    every: whether all kinds of entries must agree, else one is enough; commits: whether it names commits, of which a text
    has none; rules: the only rules it speaks of, none for all; blocks: whatever lies in a match of one of these is no leak.
    """

    regexes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    stopwords: tuple[str, ...] = ()
    target: Target = "secret"
    every: bool = False
    commits: bool = False
    rules: frozenset[str] = frozenset()
    blocks: tuple[str, ...] = ()


class Required(Struct, frozen=True):
    """Another rule that must find something as well. lines, columns: how near, -1 for anywhere in the text."""

    rule: str
    lines: int = -1
    columns: int = -1


class LeakRule(Struct, frozen=True):
    """One rule. keywords, in lower case: at least one must stand in the text for the regex to be tried at all.

    regex: "" for a rule about paths only; group: which group is the secret, 0 for the first that is not empty; entropy:
    the secret's, in bits for each character, must be above it; path: must match the path of the text; required: rules that
    must find something beside it, all of them; silent: whether it only serves other rules that require it.
    """

    id: str
    description: str = ""
    regex: str = ""
    path: str = ""
    group: int = 0
    entropy: float = 0.0
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    allowlists: tuple[Allowlist, ...] = ()
    required: tuple[Required, ...] = ()
    silent: bool = False

    @property
    def is_generic(self) -> bool:
        """Whether the name before a value is all that the rule goes by."""
        return GENERIC in self.id or GENERIC in self.tags


class Problem(Struct, frozen=True):
    """A rule that is not loaded, and why."""

    rule: str
    reason: str


class LeakRules(Struct, frozen=True):
    """The rules of a file and of those that it extends; allowlists: of all rules."""

    rules: tuple[LeakRule, ...] = ()
    allowlists: tuple[Allowlist, ...] = ()
    problems: tuple[Problem, ...] = ()
