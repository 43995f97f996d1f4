"""Kubescape's cases: what manifests can decide is found, nothing else is, and whatever is left out has its reason."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from transom.rules.load import builtin_pack


@pytest.fixture(scope="module")
def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tested_regolibrary", Path(__file__).with_name("regolibrary.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def row(scorer: ModuleType, corpora: Path) -> dict[str, Any]:
    (made,) = scorer.run(corpora)
    return dict(made)


def test_no_case_differs_without_a_reason(row: dict[str, Any]) -> None:
    assert row["differences"] == []
    assert row["cases"] == row["agree"] + sum(row["unsupported"].values())


def test_recall_and_precision_hold_for_every_rule(row: dict[str, Any]) -> None:
    assert row["recall"] >= 0.9
    assert row["precision"] >= 0.9
    assert row["whole"]["recall"] >= 0.9  # even where the cases count that differ on purpose
    assert row["whole"]["precision"] >= 0.9
    assert all(recall >= 0.9 and precision >= 0.9 for recall, precision in row["rules"].values())


def test_enough_is_judged_for_the_figures_to_mean_something(row: dict[str, Any]) -> None:
    assert row["agree"] > 200
    assert len(row["rules"]) > 50


def test_every_rule_of_theirs_is_judged_or_left_for_a_reason(scorer: ModuleType, corpora: Path) -> None:
    walked = scorer.crosswalk()
    left = [rule for group in walked["left"] for rule in group["rules"]]
    assert sorted([*walked["judged"], *left]) == sorted(scorer.rules_of(corpora))
    assert all(group["why"].endswith(".") for group in walked["left"])


def test_every_rule_of_ours_that_the_crosswalk_names_exists(scorer: ModuleType) -> None:
    named = {rule for entry in scorer.crosswalk()["judged"].values() for rule in entry["rules"]}
    assert named - set(builtin_pack().faces) == set()


def test_every_case_that_is_excluded_exists(scorer: ModuleType, corpora: Path) -> None:
    cases = {rule: {case.name for case in folders} for rule, folders in scorer.rules_of(corpora).items()}
    for rule, entry in scorer.crosswalk()["judged"].items():
        assert set(entry.get("cases", ())) <= cases[rule], rule
