"""Leaked credentials found by rules in the gitleaks TOML format, as gitleaks 8.28 reads them.

Regular expressions run on RE2, as there, in time linear in the text. A rule whose expression RE2 does not take (it looks
around or back) is not loaded, and told; the others go on.
"""

from transom.lang.leaks.find import MAX_LEAKS, Leak, LeakFinder
from transom.lang.leaks.read import read_rules
from transom.lang.leaks.rules import Allowlist, LeakRule, LeakRules, Problem

__all__ = ["MAX_LEAKS", "Allowlist", "Leak", "LeakFinder", "LeakRule", "LeakRules", "Problem", "read_rules"]
