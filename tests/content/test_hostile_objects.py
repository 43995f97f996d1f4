"""No rule breaks on an object whose fields are of other types than they should be: it finds, passes or skips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from transom.inventory import Inventory, Origin
from transom.lang.dockerfile import parse, shape
from transom.model.findings import Finding, Judged, Skipped
from transom.rules.check import Check
from transom.rules.judge import judge
from transom.rules.load import TESTS_SUFFIX, builtin_pack
from transom.rules.policy import Policy
from transom.scan import assess

HOSTILE: tuple[Any, ...] = (None, 7, "\x1b[31m\u202e", [None], {"name": []})
KEPT = ("apiVersion", "kind")  # without which it is no object at all


def _variants(value: Any, top: bool = True) -> Iterator[Any]:
    """Yield the value with one of its parts replaced by something hostile, for each part and each hostile value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if top and key in KEPT:
            continue
        for other in (*HOSTILE, *_variants(part, top=False)):
            copy = value.copy()
            copy[key] = other
            yield copy


def _first_bad(policy: Policy) -> dict[str, Any]:
    text = Path(policy.file).with_name(policy.id + TESTS_SUFFIX).read_text(encoding="utf-8")
    example: dict[str, Any] = yaml.safe_load(text)["bad"][0]
    return example


def _objects(example: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects of an example, that of a Dockerfile where it tells one."""
    if "dockerfile" in example:
        return [shape(parse(example["dockerfile"].encode()), "Dockerfile")]
    objects: list[dict[str, Any]] = example.get("objects") or [example["object"]]
    return objects


def _with_values(policy: Policy, example: dict[str, Any]) -> Policy:
    """Return the policy with the parameters of the example, without which some ask for nothing."""
    wanted = example.get("params", {}).get("data", {})
    return replace(policy, params=tuple({**each, "data": {**each["data"], **wanted}} for each in policy.params))


@pytest.mark.parametrize("policy", builtin_pack().policies, ids=lambda policy: policy.id)
def test_a_hostile_object_is_judged_or_skipped(policy: Policy) -> None:
    inventory = Inventory()
    example = _first_bad(policy)
    for variant in _variants(_objects(example)[0]):
        inventory.add(variant, Origin("hostile"))
    found = judge(inventory, [_with_values(policy, example)])
    (judged, *others) = [each for each in found if not isinstance(each, Finding)][::-1]
    assert isinstance(judged, Judged)
    assert judged.judged > 0
    assert all(isinstance(each, Skipped) and each.reason for each in others)


@pytest.mark.parametrize("check", builtin_pack().checks, ids=lambda check: check.id)
def test_hostile_objects_are_judged_together_or_skipped(check: Check) -> None:
    text = Path(check.file).with_name(check.id + TESTS_SUFFIX).read_text(encoding="utf-8")
    objects = _objects(yaml.safe_load(text)["bad"][0])
    judged = 0
    for index, value in enumerate(objects):
        inventory = Inventory()
        for number, variant in enumerate(_variants(value)):
            for each in (*objects[:index], variant, *objects[index + 1 :]):
                inventory.add(each, Origin(f"hostile {number}", "hostile"))
        for each in assess(inventory, [check]):
            assert isinstance(each, Finding | Judged | Skipped)
            judged += each.judged if isinstance(each, Judged) else 0
    assert judged > 0
