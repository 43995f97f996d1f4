"""Every case of the CEL admission library agrees."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_no_case_differs(corpora):
    file = Path(__file__).with_name("cel_admission_library.py")
    spec = importlib.util.spec_from_file_location("tested_cel_admission_library", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (row,) = module.run(corpora)
    assert row["differences"] == []
    assert row["agree"] == row["cases"] > 300
