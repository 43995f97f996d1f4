"""Marks tell the template's line of a rendered one."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from transom.kube.charts.marks import MARK, marked, template_lines


def test_a_line_of_text_carries_its_number() -> None:
    assert marked(b"a: 1\nb: 2\n") == b"a: 1 #@1@\nb: 2 #@2@\n"


def test_blank_lines_and_separators_carry_none() -> None:
    assert marked(b"---\n\n  \na: 1\n") == b"---\n\n  \na: 1 #@4@\n"


def test_a_line_whose_end_an_action_eats_carries_none() -> None:
    assert marked(b"{{ if .a -}}\nb: 2\n{{- end }}\n") == b"{{ if .a -}}\nb: 2 #@2@\n{{- end }} #@3@\n"


def test_lines_within_an_action_carry_none_but_count() -> None:
    assert marked(b"a: {{ include\n  `x\ny` . }}\nb: 1\n") == b"a: {{ include\n  `x\ny` . }} #@3@\nb: 1 #@4@\n"


def test_quotes_and_comments_may_hold_braces() -> None:
    assert marked(b'{{/* }}\n{{ */}}\na: {{ "}}" }}\n').endswith(b'a: {{ "}}" }} #@3@\n')


def test_bodies_of_named_templates_carry_none() -> None:
    text = b'{{ define "a" }}\nx\n{{ if .b }}\ny\n{{ end }}\n{{ end }}\nz\n'
    assert MARK.findall(marked(text)) == [b"6", b"7"]


def test_carriage_returns_stay_behind_the_mark() -> None:
    assert marked(b"a: 1\r\nb: 2\r\n") == b"a: 1 #@1@\r\nb: 2 #@2@\r\n"


@given(st.text(alphabet="ab{}-/*\"`' \n", max_size=60))
def test_marks_add_nothing_but_themselves(text: str) -> None:
    template = text.encode()
    assert MARK.sub(b"", marked(template)) == template


@given(st.lists(st.sampled_from(["a: 1", "  b: 2", "", "- c", "---"]), max_size=20))
def test_plain_text_is_told_line_by_line(lines: list[str]) -> None:
    plain = "\n".join([*lines, ""]).encode()
    told = template_lines(plain, marked(plain), plain)
    for index, line in enumerate(lines):
        if line.strip() and not line.startswith("---"):
            assert told[index] == index + 1


def test_lines_of_an_include_are_those_of_its_action() -> None:
    template = b'labels:\n  {{- include "labels" . | nindent 2 }}\nspec: 1\n'
    plain = b"labels:\n  a: b\n  c: d\nspec: 1\n"
    made = b"labels: #@1@\n  a: b\n  c: d #@2@\nspec: 1 #@3@\n"
    assert list(template_lines(plain, made, template))[:4] == [1, 2, 2, 3]


def test_without_marks_equal_lines_are_compared() -> None:
    template = b"{{ if .x }}\nkind: Pod\nspec:\n{{ end }}\n"
    plain = b"\nkind: Pod\nspec:\n"
    assert list(template_lines(plain, None, template))[1:3] == [2, 3]


def test_a_mark_looks_like_a_comment() -> None:
    assert re.fullmatch(MARK, b" #@12@")
