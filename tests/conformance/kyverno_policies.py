"""Kyverno's policies in CEL, unmodified, with Kyverno's own tests beside them.

A case is one result of a kyverno-test.yaml on one of its resources, judged as `transom rules test` judges it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from transom.lang.cel.version import CURRENT
from transom.rules.kyverno.tests import run_tests

if TYPE_CHECKING:
    from pathlib import Path

CORPUS = "kyverno-policies"


def run(corpora: Path) -> list[dict[str, Any]]:
    """Score every case of every test."""
    counts: Counter[str] = Counter()
    unsupported: Counter[str] = Counter()
    differences: list[str] = []
    for file in sorted((corpora / CORPUS).rglob("kyverno-test.yaml")):
        for outcome in run_tests(file, CURRENT):
            counts[outcome.state] += 1
            if outcome.state == "unsupported":
                unsupported[outcome.why] += 1
            elif outcome.state == "failed":
                differences.append(f"{outcome.rule} {outcome.example}: {outcome.why}")
    return [
        {
            "corpus": CORPUS,
            "cases": counts.total(),
            "agree": counts["passed"],
            "differ": counts["failed"],
            "unsupported": dict(unsupported),
            "differences": differences,
        }
    ]
