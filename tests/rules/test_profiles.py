"""Profiles choose rules, with a reason for each choice; what a person names is judged under every profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from transom.model.errors import TransomError, UsageError
from transom.rules.load import builtin_pack, load_pack
from transom.rules.profiles import (
    DEFAULT,
    EVERYTHING,
    NOTHING,
    PROFILES_FOLDER,
    in_profiles,
    profile_named,
    profile_names,
    read_profile,
    rules_of,
)
from transom.rules.select import select

PACK = builtin_pack()
EVERY = frozenset(PACK.faces)
each_profile = pytest.mark.parametrize("name", profile_names())
THEIRS = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: of-the-house}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  validations:
  - {expression: "true", message: never}
"""


@each_profile
def test_every_rule_that_a_profile_names_exists(name: str) -> None:
    assert profile_named(name).named - EVERY == frozenset()


@each_profile
def test_no_rule_is_named_twice_in_a_profile(name: str) -> None:
    profile = profile_named(name)
    named = [rule for choice in (*profile.adds, *profile.leaves_out) for rule in choice.rules]
    assert len(set(named)) == len(named)


@each_profile
def test_a_profile_begins_with_something_that_there_is(name: str) -> None:
    assert profile_named(name).begins_with in {EVERYTHING, NOTHING, *profile_names()}


@each_profile
def test_each_choice_has_its_reason(name: str) -> None:
    profile = profile_named(name)
    for text in (profile.why, *(choice.why for choice in (*profile.adds, *profile.leaves_out))):
        assert text.endswith(".")


@each_profile
def test_no_profile_asks_for_a_limit_on_cpu_and_forbids_it(name: str) -> None:
    assert not {"cpu-limit-missing", "cpu-limit-set"} <= rules_of(name, EVERY)


def test_every_rule_stands_in_some_profile_beside_those_that_only_a_team_can_want() -> None:
    chosen = frozenset[str]().union(*(rules_of(name, EVERY) for name in profile_names()))
    assert EVERY - chosen == {"node-choice-missing"}


def test_the_levels_of_pod_security_grow() -> None:
    assert rules_of("pss-baseline", EVERY) < rules_of("pss-restricted", EVERY)


def test_the_default_is_smaller_than_strict() -> None:
    assert len(rules_of(DEFAULT, EVERY)) < len(rules_of("strict", EVERY)) < len(EVERY)


def test_several_profiles_are_taken_together() -> None:
    both = in_profiles(PACK, ["reliability", "inventory"])
    assert set(both.faces) == rules_of("reliability", EVERY) | rules_of("inventory", EVERY)


def test_policies_of_others_are_in_every_profile(tmp_path: Path) -> None:
    (tmp_path / "house.yaml").write_text(THEIRS)
    chosen = select(PACK.joined(load_pack([str(tmp_path)])), profiles=["inventory"])
    assert "of-the-house" in chosen.faces


def test_a_rule_that_is_named_is_judged_whatever_the_profile() -> None:
    assert set(select(PACK, ["cpu-limit-set"], profiles=[DEFAULT]).faces) == {"cpu-limit-set"}


def test_an_unknown_profile_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as told:
        in_profiles(PACK, ["relaxed"])
    assert "strict" in told.value.next_step


@pytest.mark.parametrize(
    "text",
    ["{", "", "id: other\ntitle: a\nwhy: b.\nbegins-with: nothing\n", "id: house\nmore: 1\n"],
    ids=["no yaml", "empty", "other id", "unknown field"],
)
def test_a_broken_profile_is_a_clear_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "house.yaml"
    file.write_text(text)
    with pytest.raises(TransomError, match="cannot read the profile"):
        read_profile(str(file))


def test_there_is_no_other_file_among_the_profiles() -> None:
    assert {file.suffix for file in Path(PROFILES_FOLDER).iterdir()} == {".yaml"}
