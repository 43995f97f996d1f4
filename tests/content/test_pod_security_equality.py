"""Our rules of a Pod Security level, taken together, allow and refuse the pods that the level itself does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from transom.inventory import Entry, Inventory, Origin
from transom.kube.documents import Document, read_documents
from transom.kube.podsecurity import LATEST, evaluate
from transom.model.findings import Finding, Skipped
from transom.rules.frameworks import framework_named
from transom.rules.judge import judge
from transom.rules.load import TESTS_SUFFIX, builtin_pack
from transom.rules.policy import Policy

LEVELS = {"baseline": ("baseline/",), "restricted": ("baseline/", "restricted/")}


@pytest.fixture(scope="module")
def inventory(corpora: Path) -> Inventory:
    """Every pod of the fixtures once, whichever versions hold it."""
    made, seen = Inventory(), set()
    for path in sorted((corpora / "pod-security" / "test" / "testdata").glob("*/v*/*/*.yaml")):
        text = path.read_bytes()
        if text not in seen:
            seen.add(text)
            made.add(_pod(path), Origin(str(path)))
    return made


def _pod(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        (document,) = read_documents(stream, str(path))
    assert isinstance(document, Document)
    value: dict[str, Any] = document.value
    return value


def _rules(level: str) -> list[Policy]:
    controls = [control for control in framework_named("pss").controls if control.id.startswith(LEVELS[level])]
    wanted = {rule for control in controls for rule in control.rules}
    return [policy for policy in builtin_pack().policies if policy.id in wanted]


def _refused(inventory: Inventory, entry: Entry, policies: Sequence[Policy]) -> list[str]:
    found = list(judge(inventory, policies, [entry]))
    assert not [each for each in found if isinstance(each, Skipped)]
    return [each.rule for each in found if isinstance(each, Finding)]


def _differences(inventory: Inventory, level: str) -> tuple[list[str], int, int]:
    """Return where the verdicts differ, how many pods the level refuses, and how many it passes."""
    policies = _rules(level)
    differences = []
    refusals = passes = 0
    for entry in inventory.entries():
        pod = entry.object
        wanted = [each.check for each in evaluate(pod["metadata"], pod["spec"], level, LATEST)]
        found = _refused(inventory, entry, policies)
        refusals += bool(wanted)
        passes += not wanted
        if bool(wanted) != bool(found):
            differences.append(f"{entry.origin.target} {entry.ref.name}: the level says {wanted}, our rules {found}")
    return differences, refusals, passes


@pytest.mark.parametrize("level", LEVELS)
def test_our_rules_give_the_verdict_of_the_level(inventory: Inventory, level: str) -> None:
    differences, refusals, passes = _differences(inventory, level)
    assert differences == []
    assert refusals > 50
    assert passes > 20


@pytest.mark.parametrize("level", LEVELS)
def test_the_examples_of_all_rules_get_the_verdict_of_the_level(level: str) -> None:
    inventory = Inventory()
    for policy in builtin_pack().policies:
        examples = yaml.safe_load(Path(policy.file).with_name(policy.id + TESTS_SUFFIX).read_text(encoding="utf-8"))
        for example in (*examples["good"], *examples["bad"]):
            if example.get("object", {}).get("kind") == "Pod":
                inventory.add(example["object"], Origin(f"{policy.id}: {example['name']}"))
    differences, refusals, passes = _differences(inventory, level)
    assert differences == []
    assert refusals > 40
    assert passes > (50 if level == "baseline" else 0)
