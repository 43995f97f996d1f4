"""Every rule that comes with Transom is whole: texts in both languages, a severity, examples of both kinds."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from transom.model.severity import SEVERITIES
from transom.rules.check import Check
from transom.rules.load import BUILTIN_FOLDER, FIX_SUFFIX, TESTS_SUFFIX, builtin_pack
from transom.rules.policy import Policy
from transom.scan import WINDOWS

PACK = builtin_pack()
FILES = sorted(
    file for file in Path(BUILTIN_FOLDER).glob("*/*.yaml") if not file.name.endswith((TESTS_SUFFIX, FIX_SUFFIX))
)
ENDS = {"en": (".", "?"), "zh-CN": ("。", "？")}
CONTROL_ID = re.compile(r"\bCIS\b|\bNSA\b|\bOWASP\b|ATT&CK|\bT1\d{3}|\bK(?:0[1-9]|10)\b|\b5\.[1-6]\.\d|\bPSS\b")
MAX_TITLE_CHARS = 50  # a title is a heading, and a column of a table
MAX_TEXT_CHARS = 220  # two or three lines of a terminal

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
each_rule = pytest.mark.parametrize("rule", PACK.rules, ids=lambda rule: rule.id)
each_policy = pytest.mark.parametrize("policy", PACK.policies, ids=lambda policy: policy.id)
each_check = pytest.mark.parametrize("check", PACK.checks, ids=lambda check: check.id)


def _documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def _texts(rule: Policy | Check) -> dict[str, dict[str, str]]:
    face = rule.face
    return {"en": {"title": face.title, "why": face.why, "fix": face.fix}, **face.texts}


def _examples(rule: Policy | Check) -> dict[str, list[dict[str, Any]]]:
    file = Path(rule.file)
    (examples,) = _documents(file.with_name(rule.id + TESTS_SUFFIX))
    return examples


def test_every_rule_loads() -> None:
    assert PACK.problems == ()
    assert len(PACK.rules) == len(FILES)


@each_file
def test_a_rule_is_called_as_its_file(file: Path) -> None:
    assert _documents(file)[0]["metadata"]["name"] == file.stem


@each_file
def test_a_rule_stands_in_the_folder_of_a_window(file: Path) -> None:
    assert file.parent.name in WINDOWS


@each_file
def test_a_severity_is_one_of_the_scale(file: Path) -> None:
    assert _documents(file)[0]["metadata"]["annotations"]["transom.dev/severity"] in SEVERITIES


@each_file
def test_a_file_holds_nothing_but_the_rule_its_parameters_and_its_binding(file: Path) -> None:
    first, *others = _documents(file)
    assert first["kind"] in ("ValidatingAdmissionPolicy", "Check")
    assert {each["kind"] for each in others} in (set(), {"ConfigMap", "ValidatingAdmissionPolicyBinding"})
    assert {each["metadata"]["name"] for each in others} <= {file.stem}


@each_rule
def test_the_texts_are_there_in_both_languages(rule: Policy | Check) -> None:
    texts = _texts(rule)
    assert set(texts) == set(ENDS)
    for language in texts:
        assert all(texts[language].get(name) for name in ("title", "why", "fix")), language


@each_rule
def test_sentences_end_as_sentences_and_titles_do_not(rule: Policy | Check) -> None:
    for language, texts in _texts(rule).items():
        assert texts["why"].endswith(ENDS[language]), texts["why"]
        assert texts["fix"].endswith(ENDS[language]), texts["fix"]
        assert not texts["title"].endswith((".", "。", "!", "！", ":", "：")), texts["title"]


@each_rule
def test_texts_are_short(rule: Policy | Check) -> None:
    for texts in _texts(rule).values():
        assert len(texts["title"]) <= MAX_TITLE_CHARS
        assert len(texts["why"]) <= MAX_TEXT_CHARS
        assert len(texts["fix"]) <= MAX_TEXT_CHARS
        assert len(texts.get("applies", "")) <= MAX_TEXT_CHARS


@each_rule
def test_chinese_texts_are_chinese(rule: Policy | Check) -> None:
    for text in rule.face.texts["zh-CN"].values():
        assert re.search(r"[\u4e00-\u9fff]", text), text
        assert not re.search(r"[\u4e00-\u9fff] *[,;:!?](?: |$)", text), f"a half-width mark in {text}"


@each_rule
def test_controls_of_frameworks_stand_only_in_the_frameworks_tables(rule: Policy | Check) -> None:
    for texts in _texts(rule).values():
        for text in texts.values():
            assert not CONTROL_ID.search(text), text


@each_policy
def test_a_message_is_a_clause_without_an_end(policy: Policy) -> None:
    for validation in policy.validations:
        assert validation.message
        assert not validation.message.endswith(".")


@each_policy
def test_messages_of_one_rule_differ(policy: Policy) -> None:
    messages = [validation.message for validation in policy.validations]
    assert len(set(messages)) == len(messages)


@each_rule
def test_there_is_a_good_and_a_bad_example(rule: Policy | Check) -> None:
    examples = _examples(rule)
    assert examples["good"]
    assert examples["bad"]


@each_rule
def test_names_of_examples_are_unique(rule: Policy | Check) -> None:
    names = [example["name"] for examples in _examples(rule).values() for example in examples]
    assert len(set(names)) == len(names)


@each_policy
def test_parameters_have_a_value_to_begin_with_and_a_binding(policy: Policy) -> None:
    if policy.param_kind is None:
        assert policy.params == ()
        return
    (params,) = policy.params
    (binding,) = policy.bindings
    assert all(isinstance(value, str) for value in params["data"].values())
    assert binding.param_ref["name"] == policy.id


def test_titles_are_unique() -> None:
    titles = [rule.face.title for rule in PACK.rules]
    assert len(set(titles)) == len(titles)


@each_check
def test_a_check_has_its_function_in_the_table_of_its_window(check: Check) -> None:
    module, _, name = import_module(WINDOWS[check.window]).CHECKS[check.id].partition(":")
    assert callable(getattr(import_module(module), name))


def test_every_function_in_a_table_has_its_check() -> None:
    named = {rule for window in WINDOWS.values() for rule in import_module(window).CHECKS}
    assert named == {check.id for check in PACK.checks}


@each_check
def test_where_a_check_applies_is_said_in_both_languages(check: Check) -> None:
    chinese = check.face.texts["zh-CN"].get("applies", "")
    assert bool(check.applies) is bool(chinese)
    assert not check.applies or (check.applies.endswith(".") and chinese.endswith("。"))
