"""Fixes on public manifests: how many of the findings that a fix claims are gone after `transom fix --write=all`.

Cases are the findings of rules that have a fix. Gone ones agree; one that is left is unsupported with its reason; one
that is still found although its fix was applied, or that is new, differs.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transom.inventory import Inventory
from transom.mending import Mended, Options, mend
from transom.mending.mend import RENDERED
from transom.model.findings import Finding
from transom.rules.exceptions import UNUSED
from transom.rules.fixes import fixes_of
from transom.rules.load import builtin_pack
from transom.rules.select import select
from transom.scan import ScanOptions, scan

FOLDERS = (
    "kubernetes-goat",
    "kubernetes-examples",
    "microservices-demo",
    "netpol-recipes",
    "kyverno-policies",
)


def run(corpora: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each corpus of manifests."""
    pack = select(builtin_pack(), profiles=["default"])
    fixes, problems = fixes_of((*pack.policies, *pack.checks))
    assert problems == []
    options = Options(ScanOptions(policies=pack.policies, checks=pack.checks), fixes)
    for name in FOLDERS:
        folder = corpora / name
        if folder.is_dir():
            yield row(name, str(folder), options)


def row(name: str, folder: str, options: Options) -> dict[str, Any]:
    """Return the row of one corpus."""
    before = [each for each in scan([folder], options.scan, Inventory()) if isinstance(each, Finding)]
    claimed = Counter(_key(each) for each in before if each.rule in options.fixes)
    mended = mend([folder], options)
    left = Counter(_key(each) for each in mended.after)
    fresh = left - Counter(map(_key, before)) - Counter(map(_key, mended.revealed))
    gone = claimed - left
    reasons = Counter(each.reason for each in mended.left if each.finding.rule in options.fixes)
    differ = claimed.total() - gone.total() - reasons.total() + fresh.total()
    _tell(name, claimed.total(), gone.total(), mended, reasons)
    return {
        "corpus": f"fix {name}",
        "cases": claimed.total(),
        "agree": gone.total(),
        "differ": differ,
        "unsupported": dict(reasons),
        "differences": [f"{file} {fingerprint} is new" for file, fingerprint in fresh],
    }


def _tell(name: str, claimed: int, gone: int, mended: Mended, reasons: Counter[str]) -> None:
    safe = sum(len(step.mends) for step in mended.steps if step.safe)
    rendered = sum(count for reason, count in reasons.items() if reason.startswith(RENDERED.partition("{")[0]))
    in_files = claimed - rendered
    share = gone / in_files if in_files else 1.0
    told = f"{share:.1%} of {in_files} findings in files that claim a fix are gone, {safe} of them safely"
    sys.stderr.write(f"fix {name}: {told}; {rendered} more come out of charts and kustomizations\n")


def _key(finding: Finding) -> tuple[str, str]:
    return finding.place.file, "" if finding.rule == UNUSED.id else finding.fingerprint
