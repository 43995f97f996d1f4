"""What we read in the samples of feeds is what another normaliser reads, where it is not explained."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

CORPORA = Path(os.environ.get("TRANSOM_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")


def test_every_snapshot_agrees_or_is_explained():
    if not (CORPORA / "advisory-feeds").is_dir():
        pytest.skip(f"{CORPORA}/advisory-feeds is not there: set TRANSOM_CORPORA")
    spec = importlib.util.spec_from_file_location("advisory_feeds", Path(__file__).with_name("advisory_feeds.py"))
    scored = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scored)
    rows = list(scored.run(CORPORA))
    assert [difference for row in rows for difference in row["differences"]] == []
    assert sum(row["agree"] for row in rows) >= 306
