"""Credentials of the public corpora: every published rule finds its samples, every alarm was looked at."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_no_sample_is_missed_and_no_alarm_unjudged(corpora: Path) -> None:
    file = Path(__file__).with_name("leaks.py")
    spec = importlib.util.spec_from_file_location("tested_leaks", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows = module.run(corpora)
    assert [(row["corpus"], row["differences"]) for row in rows if row["differences"]] == []
    assert {row["corpus"] for row in rows} >= {"leaks-samples", "leaks-noise-ours", "leaks-noise-gitleaks"}
    assert all(row["cases"] == row["agree"] + sum(row["unsupported"].values()) for row in rows)
