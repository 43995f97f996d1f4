"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of public test material: TRANSOM_CORPORA, or `shared/corpora` beside the checkout."""
    folder = Path(os.environ.get("TRANSOM_CORPORA") or ROOT.parent / "shared" / "corpora")
    if not folder.is_dir():
        pytest.skip(f"no public test material: {folder} is not a folder; set TRANSOM_CORPORA")
    return folder
