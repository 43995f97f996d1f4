"""The rule about known vulnerabilities, and what of them is told; apart from the look-up, since every scan asks for these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from transom.model.findings import Rule
from transom.model.severity import Severity
from transom.model.vulnerabilities import MAX_AGE_DAYS

if TYPE_CHECKING:
    from transom.model.advisories import Match

VULNERABLE = Rule(
    "vulnerable-package",
    "Package with a known vulnerability",
    Severity.MEDIUM,
    "What is known to be vulnerable is tried first, by everybody: the way in is written down already.",
    "Upgrade the package to a version that has the fix, or build on a newer base; where there is none, take it out.",
    "images",
    {
        "zh-CN": {
            "title": "存在已知漏洞的软件包",
            "why": "已知的漏洞最先被人尝试利用：入侵的办法早已公开。",
            "fix": "把软件包升级到包含修复的版本，或改用更新的基础镜像；如果没有修复，就移除它。",
        }
    },
)


class VulnerabilityOptions(Struct, frozen=True):
    """Which index is asked, and what of its answers is told.

    fixable: only what a newer version mends; exploited: only what is known to be; likelihood: the least EPSS score; vex:
    documents, or folders of such, that say what of it matters; reachable: not those of which a program holds no vulnerable
    function; max_age_days: how old a source may be before nothing looks clean by it.
    """

    index: str
    fixable: bool = False
    exploited: bool = False
    likelihood: float = 0.0
    vex: tuple[str, ...] = ()
    reachable: bool = False
    max_age_days: int = MAX_AGE_DAYS

    def wants(self, found: Match) -> bool:
        """Tell whether a match is told."""
        if (self.fixable and not found.fixed) or (self.exploited and found.exploited is None):
            return False
        return not self.likelihood or (found.likelihood is not None and found.likelihood.score >= self.likelihood)
