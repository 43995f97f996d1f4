"""Every rule that comes with Transom is whole: texts in both languages, a severity, examples of both kinds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from transom.model.severity import SEVERITIES
from transom.rules.load import BUILTIN_FOLDER, TESTS_SUFFIX, builtin_pack
from transom.rules.policy import Policy
from transom.scan import WINDOWS

PACK = builtin_pack()
FILES = sorted(file for file in Path(BUILTIN_FOLDER).glob("*/*.yaml") if not file.name.endswith(TESTS_SUFFIX))
ENDS = {"en": (".", "?"), "zh-CN": ("。", "？")}
CONTROL_ID = re.compile(r"\bCIS\b|\bNSA\b|\bOWASP\b|ATT&CK|\bT1\d{3}|\bK(?:0[1-9]|10)\b|\b5\.[1-6]\.\d|\bPSS\b")
MAX_TITLE_CHARS = 50  # a title is a heading, and a column of a table
MAX_TEXT_CHARS = 220  # two or three lines of a terminal

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
each_rule = pytest.mark.parametrize("policy", PACK.policies, ids=lambda policy: policy.id)


def _documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text(encoding="utf-8")))


def _texts(policy: Policy) -> dict[str, dict[str, str]]:
    face = policy.face
    return {"en": {"title": face.title, "why": face.why, "fix": face.fix}, **face.texts}


def _examples(policy: Policy) -> dict[str, list[dict[str, Any]]]:
    file = Path(policy.file)
    (examples,) = _documents(file.with_name(policy.id + TESTS_SUFFIX))
    return examples


def test_every_rule_loads() -> None:
    assert PACK.problems == ()
    assert len(PACK.policies) == len(FILES)


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
    assert first["kind"] == "ValidatingAdmissionPolicy"
    assert {each["kind"] for each in others} in (set(), {"ConfigMap", "ValidatingAdmissionPolicyBinding"})
    assert {each["metadata"]["name"] for each in others} <= {file.stem}


@each_rule
def test_the_texts_are_there_in_both_languages(policy: Policy) -> None:
    texts = _texts(policy)
    assert set(texts) == set(ENDS)
    for language in texts:
        assert all(texts[language].get(name) for name in ("title", "why", "fix")), language


@each_rule
def test_sentences_end_as_sentences_and_titles_do_not(policy: Policy) -> None:
    for language, texts in _texts(policy).items():
        assert texts["why"].endswith(ENDS[language]), texts["why"]
        assert texts["fix"].endswith(ENDS[language]), texts["fix"]
        assert not texts["title"].endswith((".", "。", "!", "！", ":", "：")), texts["title"]


@each_rule
def test_texts_are_short(policy: Policy) -> None:
    for texts in _texts(policy).values():
        assert len(texts["title"]) <= MAX_TITLE_CHARS
        assert len(texts["why"]) <= MAX_TEXT_CHARS
        assert len(texts["fix"]) <= MAX_TEXT_CHARS


@each_rule
def test_chinese_texts_are_chinese(policy: Policy) -> None:
    for text in policy.face.texts["zh-CN"].values():
        assert re.search(r"[\u4e00-\u9fff]", text), text
        assert not re.search(r"[\u4e00-\u9fff] *[,;:!?](?: |$)", text), f"a half-width mark in {text}"


@each_rule
def test_controls_of_frameworks_stand_only_in_the_frameworks_tables(policy: Policy) -> None:
    for texts in _texts(policy).values():
        for text in texts.values():
            assert not CONTROL_ID.search(text), text


@each_rule
def test_a_message_is_a_clause_without_an_end(policy: Policy) -> None:
    for validation in policy.validations:
        assert validation.message
        assert not validation.message.endswith(".")


@each_rule
def test_messages_of_one_rule_differ(policy: Policy) -> None:
    messages = [validation.message for validation in policy.validations]
    assert len(set(messages)) == len(messages)


@each_rule
def test_there_is_a_good_and_a_bad_example(policy: Policy) -> None:
    examples = _examples(policy)
    assert examples["good"]
    assert examples["bad"]


@each_rule
def test_names_of_examples_are_unique(policy: Policy) -> None:
    names = [example["name"] for examples in _examples(policy).values() for example in examples]
    assert len(set(names)) == len(names)


@each_rule
def test_parameters_have_a_value_to_begin_with_and_a_binding(policy: Policy) -> None:
    if policy.param_kind is None:
        assert policy.params == ()
        return
    (params,) = policy.params
    (binding,) = policy.bindings
    assert all(isinstance(value, str) for value in params["data"].values())
    assert binding.param_ref["name"] == policy.id


def test_titles_are_unique() -> None:
    titles = [policy.face.title for policy in PACK.policies]
    assert len(set(titles)) == len(titles)
