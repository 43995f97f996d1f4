"""Pairs of versions with their true order: by the order keys of each scheme."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from transom.lang.versions import order_key_of

SCHEMES = {
    "alpine": "apk",
    "cran": "cran",
    "debian": "dpkg",
    "hackage": "hackage",
    "maven": "maven",
    "nuget": "nuget",
    "packagist": "composer",
    "pub": "pub",
    "pypi": "pypi",
    "redhat": "rpm",
    "rubygems": "gem",
    "semver": "semver",
}
CYCLE = "Maven's own comparison goes in a circle here, which no order can follow"
CASE = "Composer reads words in any case, of which the bare version_compare knows some only"
ANY = "a sign that PHP takes for any number at all"
NONE = "neither is a version: apk takes all such for equal"
EXPLAINED = {
    "1.0.0-gradle-rework-beta3 < 1.0.0.RC7-3": CYCLE,
    "v1.9.0-ALPHA.1 = v1.9.0-BETA.1": CASE,
    "v1.9.0-BETA.1 < v1.9.0-ALPHA.2": CASE,
    "v1.9.0-ALPHA.2 = v1.9.0-BETA.2": CASE,
    "1.2.3.# = 1.2.3.1": ANY,
    "1-r0-1 = 1-r-2": NONE,
}
"""Pairs that are ordered otherwise on purpose, and why."""
_PAIR = re.compile(r"(\S+)\s+([<>=])\s+(\S+)\Z")


def run(corpora: Path) -> list[dict[str, Any]]:
    """Score every pair; returns one row."""
    cases = agree = 0
    unsupported: Counter[str] = Counter()
    differences = []
    for path in sorted((corpora / "version-order").glob("*.txt")):
        key = order_key_of(SCHEMES[path.name.partition("-")[0]])
        for line in path.read_text().splitlines():
            match = _PAIR.match(line.strip())
            if not match or line.startswith(("#", "//")):
                continue
            cases += 1
            first, second = key(match[1]), key(match[3])
            if (first > second) - (first < second) == {"<": -1, "=": 0, ">": 1}[match[2]]:
                agree += 1
            elif line.strip() in EXPLAINED:
                unsupported[EXPLAINED[line.strip()]] += 1
            else:
                differences.append(f"{path.name}: {line}")
    row = {"corpus": "version-order", "cases": cases, "agree": agree, "differ": len(differences)}
    return [{**row, "unsupported": dict(unsupported), "differences": differences}]
