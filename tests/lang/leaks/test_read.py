"""Files of rules in the gitleaks format: read whole, extended, and told where they are not."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.lang.leaks import LeakRules, read_rules
from transom.model.errors import UsageError

RULE = '[[rules]]\nid = "a"\nregex = "x(y)"\nkeywords = ["X"]\n'


def read(folder: Path, text: str, defaults: str = "") -> LeakRules:
    file = folder / "rules.toml"
    file.write_text(text)
    return read_rules(str(file), defaults)


def test_keywords_are_read_in_lower_case(tmp_path: Path) -> None:
    (rule,) = read(tmp_path, RULE).rules
    assert (rule.id, rule.keywords) == ("a", ("x",))


@pytest.mark.parametrize(
    "text",
    ['[rules.allowlist]\nregexes = ["y"]\n', '[[rules.allowlists]]\nregexes = ["y"]\ncondition = "and"\n'],
    ids=["one", "several"],
)
def test_allowlists_of_a_rule_are_read_in_both_spellings(tmp_path: Path, text: str) -> None:
    (rule,) = read(tmp_path, RULE + text).rules
    assert rule.allowlists[0].regexes == ("y",)
    assert rule.allowlists[0].every is ("and" in text)


@pytest.mark.parametrize(
    "text", ['[allowlist]\npaths = ["y"]\n', '[[allowlists]]\npaths = ["y"]\ntargetRules = ["a"]\n']
)
def test_allowlists_of_a_file_are_read_in_both_spellings(tmp_path: Path, text: str) -> None:
    (allowlist,) = read(tmp_path, text + RULE).allowlists
    assert allowlist.paths == ("y",)
    assert allowlist.rules == (frozenset(("a",)) if "target" in text else frozenset())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[rules]]\nregex = "x"\n', "no id"),
        ('[[rules]]\nid = "a"\n', "neither regex nor path"),
        ('[[rules]]\nid = "a"\nregex = "(?=x)"\n', "RE2 does not take"),
        ('[[rules]]\nid = "a"\nregex = "(x)"\nsecretGroup = 2\n', "no group 2"),
        ('[[rules]]\nid = "a"\nregex = 7\n', "no text"),
        ('[[rules]]\nid = "a"\nregex = "x"\nentropy = "high"\n', "no number"),
        ('[[rules]]\nid = "a"\nregex = "x"\nkeywords = "x"\n', "no list of texts"),
        (RULE + '[[rules.allowlists]]\nregexes = ["y"]\ncondition = "xor"\n', "neither AND nor OR"),
        (RULE + '[[rules.allowlists]]\nregexes = ["y"]\nregexTarget = "file"\n', "regexTarget"),
        (RULE + "[[rules.allowlists]]\n", "nothing that is allowed"),
        (RULE + '[[rules.required]]\nid = "b"\n', "requires the rule b"),
    ],
)
def test_a_rule_that_cannot_be_used_is_told_and_the_others_go_on(tmp_path: Path, text: str, why: str) -> None:
    rules = read(tmp_path, text + '[[rules]]\nid = "good"\nregex = "z"\n')
    assert [rule.id for rule in rules.rules] == ["good"]
    assert why in rules.problems[0].reason


@pytest.mark.parametrize(
    "text", ["[[rules]\n", "rules = 7\n", '[[rules]]\nid = "a"\nid = "b"\n', "allowlist = 7\n", "\x00"]
)
def test_a_file_that_cannot_be_meant_is_a_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(UsageError, match="cannot read the rules"):
        read_rules("/nowhere/rules.toml")


def test_a_file_extends_another_one_rule_by_rule(tmp_path: Path) -> None:
    (tmp_path / "below.toml").write_text(RULE + '[[rules]]\nid = "b"\nregex = "b"\n[[rules]]\nid = "c"\nregex = "c"\n')
    rules = read(
        tmp_path,
        '[extend]\npath = "below.toml"\ndisabledRules = ["b"]\n[[rules]]\nid = "a"\nentropy = 3.5\nkeywords = ["z"]\n'
        '[[rules]]\nid = "d"\nregex = "d"\n',
    )
    assert [rule.id for rule in rules.rules] == ["a", "c", "d"]
    assert (rules.rules[0].regex, rules.rules[0].entropy, rules.rules[0].keywords) == ("x(y)", 3.5, ("x", "z"))


def test_default_rules_are_those_of_the_reader(tmp_path: Path) -> None:
    (tmp_path / "default.toml").write_text(RULE)
    rules = read(tmp_path, "[extend]\nuseDefault = true\n", str(tmp_path / "default.toml"))
    assert [rule.id for rule in rules.rules] == ["a"]


def test_files_that_extend_each_other_end(tmp_path: Path) -> None:
    rules = read(tmp_path, '[extend]\npath = "rules.toml"\n' + RULE)
    assert [rule.id for rule in rules.rules] == ["a"]


@given(
    st.dictionaries(
        st.sampled_from(("id", "regex", "path", "keywords", "entropy", "secretGroup", "tags")),
        st.one_of(st.text(max_size=5), st.integers(), st.lists(st.text(max_size=3))),
    )
)
def test_no_rule_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, fields: dict[str, object]) -> None:
    lines = [f"{key} = {json.dumps(value)}" for key, value in fields.items()]
    with contextlib.suppress(UsageError):
        read(tmp_path_factory.getbasetemp(), "\n".join(("[[rules]]", *lines)))
