"""The arithmetic of disruption budgets is that of the disruption controller."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.inventory import Inventory, Origin
from transom.model.findings import Finding
from transom.rules.load import builtin_pack
from transom.scan import assess

CHECK = next(check for check in builtin_pack().checks if check.id == "disruption-budget-blocks")


def blocks(replicas: int, **spec: Any) -> bool:
    inventory = Inventory()
    template = {"metadata": {"labels": {"app": "web"}}}
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "shop"},
    }
    inventory.add({**web, "spec": {"replicas": replicas, "template": template}}, Origin("here"))
    inventory.add({**budget, "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec}}, Origin("here"))
    return any(isinstance(each, Finding) for each in assess(inventory, [CHECK]))


@pytest.mark.parametrize(
    ("replicas", "spec", "expected"),
    [
        (3, {"minAvailable": 2}, False),
        (3, {"minAvailable": 3}, True),
        (3, {"minAvailable": "67%"}, True),  # 2.01 rounds up to 3
        (3, {"minAvailable": "66%"}, False),
        (3, {"maxUnavailable": "1%"}, False),  # 0.03 rounds up to 1
        (3, {"maxUnavailable": 0}, True),
        (0, {"minAvailable": 1}, False),
        (1, {"minAvailable": 1}, True),
        (3, {"minAvailable": "100%"}, True),
        (3, {"minAvailable": "many"}, False),
    ],
)
def test_a_budget_blocks_where_the_controller_allows_no_eviction(
    replicas: int, spec: dict[str, Any], expected: bool
) -> None:
    assert blocks(replicas, **spec) is expected


@given(st.integers(1, 200), st.integers(1, 100))
def test_a_percentage_that_may_be_away_never_blocks(replicas: int, percent: int) -> None:
    assert not blocks(replicas, maxUnavailable=f"{percent}%")


@given(st.integers(1, 200), st.integers(0, 100))
def test_a_percentage_that_must_stay_blocks_like_the_number_that_it_rounds_up_to(replicas: int, percent: int) -> None:
    assert blocks(replicas, minAvailable=f"{percent}%") is blocks(replicas, minAvailable=-(-replicas * percent // 100))
