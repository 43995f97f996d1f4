"""One sigstore for all tests of signatures, and a repository for each."""

from __future__ import annotations

import pytest

from tests.images.signatures.signing import Kept, Sigstore


@pytest.fixture(scope="session")
def sigstore() -> Sigstore:
    return Sigstore()


@pytest.fixture
def repository() -> Kept:
    return Kept()
