"""EPSS: how likely each vulnerability is to be exploited within 30 days (FIRST; CSV)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.model.advisories import Likelihood, Refused, Told

HEADER = "cve,epss,percentile"
_DATE = re.compile(r"score_date:([0-9-]{10})")


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield a score for each line. Raises ValueError for a table with other columns, or without a date."""
    lines = content.decode("utf-8", "replace").splitlines()
    comments = [line for line in lines[:5] if line.startswith("#")]
    rows = lines[len(comments) :]
    date = _DATE.search(" ".join(comments))
    if not rows or rows[0].strip() != HEADER:
        raise ValueError(f"its columns are not {HEADER}")
    if not date:
        raise ValueError("it does not say of which day its scores are")
    for number, line in enumerate(rows[1:], len(comments) + 2):
        if not line:
            continue
        try:
            bug, score, percentile = line.split(",")
            told = Likelihood(bug, float(score), float(percentile), date[1])
        except ValueError:
            yield Refused(f"{name}:{number}", "not an id and two numbers", "epss")
            continue
        if 0 <= told.score <= 1 and 0 <= told.percentile <= 1:
            yield told
        else:
            yield Refused(f"{name}:{number}", "a likelihood beyond 0 and 1", "epss")
