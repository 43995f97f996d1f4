"""Go programs built from a commit that no tag leads to: what their version can be compared with, and what it cannot.

Their main module goes by `v0.0.0-TIME-COMMIT`, which sorts below every tag, whatever was built. A module that a program
needs may be called so too, but then it is true: Go itself chose the name, and would have taken a tag (Go Modules Reference).
"""

from __future__ import annotations

import re

from transom.advisories.index import Row
from transom.model.packages import Package

MAIN = "go-main"
"""How the module that a program was built of was found."""
_COMMIT = re.compile(r"v?0\.0\.0-(?:0\.)?\d{14}-[0-9a-f]{12}\b")


def is_untold(package: Package, row: Row) -> bool:
    """Tell whether nobody knows if a row is about this package: it is of a commit, and the row counts by tags."""
    if package.evidence != MAIN or not _COMMIT.match(package.version):
        return False
    return any(bound and not _COMMIT.match(bound) for bound in (row.start, row.stop))
