"""Every fix mends every bad example of its rule, harms nothing, does nothing twice, and leaves good objects alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from transom.inventory import Entry, Inventory, Origin
from transom.lang.dockerfile import parse, shape
from transom.mending.steps import propose
from transom.model.findings import Finding
from transom.rules.fixes import Fix, fixes_of
from transom.rules.judge import subject_of
from transom.rules.load import FIX_SUFFIX, TESTS_SUFFIX, builtin_pack
from transom.rules.mutate import mutate
from transom.rules.policy import Policy
from transom.rules.select import select
from transom.scan import assess

EVERY = builtin_pack()
PACK = select(EVERY, profiles=["default"])  # what a scan asks: rules that contradict one another are in others
FIXES, PROBLEMS = fixes_of((*EVERY.policies, *EVERY.checks))
POLICIES = {policy.id: policy for policy in EVERY.policies}
MAX_TEXT_CHARS = 160

each_fix = pytest.mark.parametrize("fix", FIXES.values(), ids=lambda fix: fix.id)


def examples(fix: Fix, kind: str) -> Iterator[tuple[str, Inventory, Entry]]:
    file = Path(fix.policy.file).with_name(fix.id + TESTS_SUFFIX)
    for example in yaml.safe_load(file.read_text(encoding="utf-8"))[kind]:
        if {"oldObject", "operation", "params"} & example.keys():
            continue
        (made,) = example.get("objects") or [example.get("object") or _of_text(example["dockerfile"])]
        for name, value in _shapes(made):
            inventory = Inventory()
            if "namespace" in example:
                inventory.add(example["namespace"], Origin("examples"))
            yield f"{example['name']} as {name}", inventory, inventory.add(value, Origin("examples"))


def _of_text(dockerfile: str) -> dict[str, Any]:
    return shape(parse(dockerfile.encode()), "Dockerfile")


def _shapes(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield value["kind"], value
    if value["kind"] == "Pod":
        template = {key: each for key, each in value.items() if key in ("metadata", "spec")}
        job = {"spec": {"template": template}}
        metadata = {"name": "made"}
        yield "Deployment", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **job}
        cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata}
        yield "CronJob", {**cron, "spec": {"jobTemplate": job}}


def rules_beside(fix: Fix) -> list[Policy]:
    own = [POLICIES[fix.id]] if fix.id in POLICIES else []
    return list({policy.id: policy for policy in (*PACK.policies, *own)}.values())


def found(inventory: Inventory, entry: Entry, fix: Fix) -> list[Finding]:
    own = [check for check in EVERY.checks if check.id == fix.id]
    return [each for each in assess(inventory, [*rules_beside(fix), *own], [entry]) if isinstance(each, Finding)]


def test_every_fix_loads_and_mends_a_rule_that_there_is() -> None:
    assert PROBLEMS == []
    files = {file.name for file in Path(FIXES["host-pid"].policy.file).parent.parent.glob(f"*/*{FIX_SUFFIX}")}
    assert files == {f"{rule}{FIX_SUFFIX}" for rule in FIXES}
    assert len(FIXES) >= 45


@each_fix
def test_bad_examples_are_mended_and_nothing_else_is_found(fix: Fix) -> None:
    mended, reached = 0, 0
    for name, inventory, entry in examples(fix, "bad"):
        before = found(inventory, entry, fix)
        of_rule = [each for each in before if each.rule == fix.id]
        if not of_rule:
            continue  # the rule is not about what this shape makes of the example
        proposal, left = propose(inventory, entry, of_rule, (), FIXES, rules_beside(fix), safe_only=False)
        if name.split(" as ")[0] in NOT_REACHED.get(fix.id, ()):
            assert not proposal.steps
            continue
        reached += 1
        assert not left, (name, left[0].reason)
        again = inventory.add(proposal.value, Origin("again"))
        after = found(inventory, again, fix)
        assert not {each.fingerprint for each in after} - {each.fingerprint for each in before}, name
        assert not [each for each in after if each.rule == fix.id], name
        mended += 1
    assert mended == reached > 0


NOT_REACHED = {
    "removed-api-version": ("a Deployment of old",),  # of extensions/v1beta1, which has another schema
    "dockerfile-npm-scripts-as-root": ("for good",),  # by a setting of npm
    "dockerfile-root-user": ("nobody is named", "root", "its number", "an earlier stage only"),  # no account is made
    "dockerfile-tool-cache-kept": ("of yarn",),  # whose cache a command of its own cleans
    "dockerfile-user-by-name": ("a name",),  # whose number nothing tells
    "dockerfile-workdir-relative": ("relative",),  # below what only its base image knows
    "retired-image-host": ("an init container",),  # of a host whose images went to no single other one
}
"""Bad examples that no machine mends, by rule."""


@each_fix
def test_a_fix_does_nothing_to_what_it_has_mended(fix: Fix) -> None:
    for name, inventory, entry in examples(fix, "bad"):
        if entry.ref.kind not in ("Deployment", "CronJob"):
            once = mutate(fix, subject_of(inventory, entry))
            again = inventory.add(once, Origin("again"))
            assert mutate(fix, subject_of(inventory, again)) == once, name


@each_fix
def test_good_examples_are_left_alone(fix: Fix) -> None:
    for name, inventory, entry in examples(fix, "good"):
        subject = subject_of(inventory, entry)
        assert mutate(fix, subject) == subject.object, name


@each_fix
def test_a_behavioural_fix_says_what_may_break_in_both_languages(fix: Fix) -> None:
    if fix.kind == "safe":
        assert not fix.risk
        return
    assert fix.risk["en"].endswith(".")
    assert fix.risk["zh-CN"].endswith("。")
    assert all(len(text) <= MAX_TEXT_CHARS for text in fix.risk.values())
    assert re.search(r"[\u4e00-\u9fff]", fix.risk["zh-CN"])


@each_fix
def test_a_fix_is_named_as_its_file_and_its_rule(fix: Fix) -> None:
    (document,) = yaml.safe_load_all(Path(fix.policy.file).read_text(encoding="utf-8"))
    assert document["kind"] == "MutatingAdmissionPolicy"
    assert document["metadata"]["name"] == fix.id == Path(fix.policy.file).name.removesuffix(FIX_SUFFIX)


def test_a_pod_rule_has_a_fix_about_pods() -> None:
    about: dict[str, Policy] = {rule: POLICIES[rule] for rule in FIXES if rule in POLICIES}
    for rule, policy in about.items():
        theirs = {resource for each in policy.match.include for resource in each.resources}
        ours = {resource for each in FIXES[rule].policy.match.include for resource in each.resources}
        assert ours <= theirs, rule
