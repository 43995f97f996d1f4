"""What finds credentials for the checks of all windows: Transom's own rules, or those of a file that a person names."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from transom.model.language import mark

if TYPE_CHECKING:
    from transom.lang.leaks import LeakFinder

OWN_RULES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content", "secrets", "credentials.toml")
PARAMETER = "secret-rules"
"""The parameter of checks that names another file of rules."""

MAX_VALUE_CHARS = 1_000_000  # of one value: a ConfigMap holds 1 MiB
TOLD = mark("{} (hidden)")


@lru_cache(maxsize=8)
def finder(rules: str = "") -> LeakFinder:
    """Return what finds credentials by the rules of a file, "" for Transom's own; raises UsageError."""
    from transom.lang.leaks import LeakFinder, read_rules

    own = not rules  # which the tests hold to be sound
    return LeakFinder(read_rules(rules or OWN_RULES, OWN_RULES, checked=not own))
