"""Every case of Kyverno's own tests agrees, or has a reason why it cannot be judged."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_no_case_differs(corpora):
    file = Path(__file__).with_name("kyverno_policies.py")
    spec = importlib.util.spec_from_file_location("tested_kyverno_policies", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (row,) = module.run(corpora)
    assert row["differences"] == []
    assert row["cases"] == row["agree"] + sum(row["unsupported"].values())
    assert row["agree"] >= 0.94 * row["cases"] > 1200
