"""Names that a machine made."""

from __future__ import annotations

import pytest

from transom.least.names import is_generated

MADE = (
    "web-7d4b9c6f5d-x2x8k",
    "job-28391040",
    "job-28391040-abcde2",
    "worker-x7k2p",
    "web.17a3b2c4d5e6f708",
    "x-0f3c1b9a-1c2d-4e5f-8a9b-0c1d2e3f4a5b",
)


@pytest.mark.parametrize("name", MADE)
def test_made_names_are_known(name: str) -> None:
    assert is_generated(name)


@pytest.mark.parametrize(
    "name",
    ["web", "web-0", "kube-proxy", "leader-election", "shop-config", "db-credentials", "node-10-0-0-1", "v1.apps"],
)
def test_chosen_names_are_left_alone(name: str) -> None:
    assert not is_generated(name)
