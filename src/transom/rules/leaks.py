"""What finds credentials for the checks of all windows: Transom's own rules, or those of a file that a person names."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from transom.model.language import mark
from transom.rules.cache import cached_leak_rules

if TYPE_CHECKING:
    from transom.lang.leaks.find import LeakFinder
    from transom.lang.leaks.rules import LeakRules

OWN_RULES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content", "secrets", "credentials.toml")
PARAMETER = "secret-rules"
"""The parameter of checks that names another file of rules."""

MAX_VALUE_CHARS = 1_000_000  # of one value: a ConfigMap holds 1 MiB
TOLD = mark("{} (hidden)")


@lru_cache(maxsize=8)
def finder(rules: str = "") -> LeakFinder:
    """Return what finds credentials by the rules of a file, "" for Transom's own; raises UsageError."""
    from transom.lang.leaks.find import LeakFinder

    return LeakFinder(_named(rules) if rules else cached_leak_rules(OWN_RULES, _own))


def _named(file: str) -> LeakRules:
    from transom.lang.leaks.read import read_rules

    return read_rules(file, OWN_RULES)


def _own() -> LeakRules:
    from transom.lang.leaks.read import read_rules

    return read_rules(OWN_RULES, checked=False)  # the tests hold them to be sound
