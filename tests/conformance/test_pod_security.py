"""All fixtures of Pod Security admission agree."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_every_fixture_agrees(corpora: Path) -> None:
    spec = importlib.util.spec_from_file_location("pod_security", Path(__file__).with_name("pod_security.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (row,) = module.run(corpora)
    assert row["cases"] > 3_000
    assert row["differences"] == []
    assert row["agree"] == row["cases"]
