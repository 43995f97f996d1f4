"""The generated source itself: its shape, what it guards, what it leaves to the exact evaluator."""

from __future__ import annotations

from typing import Any

import pytest

from transom.lang.cel.generate import Unsupported, python_source
from transom.lang.cel.guards import LARGE, Rejected
from transom.lang.cel.parser import parse
from transom.lang.cel.program import LazyVariables, Program
from transom.lang.cel.types import DYN
from transom.lang.cel.values import UInt, Unknown

VARIABLES = ("object", "params", "request", "variables")


def source(expression: str) -> str:
    return python_source(parse(expression), VARIABLES)


def run(expression: str, data: Any = None, **more: Any) -> Any:
    """Run generated code alone."""
    program = Program.compile(expression, parse(expression), VARIABLES, DYN)
    assert program.is_generated
    return program.run({"object": data, "params": {}, "request": {}, **more})


def test_a_chain_of_optionals_makes_no_optional() -> None:
    assert ".get('a', EMPTY).get('b', EMPTY).get('c', 1)" in source("object.?a.?b.?c.orValue(1)")


def test_what_has_found_is_not_looked_up_again() -> None:
    assert source("has(object.a) && has(object.a.b) && object.a.b == 'x'").count("'a'") == 1
    assert source("!has(object.a) || !has(object.a.b) || object.a.b == 'x'").count("'b'") == 1
    assert source("has(object.a) ? object.a : 1").count("'a'") == 1


def test_membership_of_strings_is_a_set() -> None:
    assert "in {'a', 'b'}" in source("object.a in ['a', 'b']")


def test_operands_that_need_statements_are_not_reached_in_vain() -> None:
    assert run("false && object.spec.all(x, x)", None) is False
    assert run("object == null || object.spec.all(x, x)", None) is True


@pytest.mark.parametrize(
    ("expression", "data", "value"),
    [
        ("object.a.b", {"a": {"b": None}}, None),
        ("object.a + object.b", {"a": 1, "b": 2}, 3),
        ("object.a / object.b", {"a": -7, "b": 2}, -3),
        ("object.a % object.b", {"a": -7, "b": 2}, -1),
        ("object.a == 1", {"a": True}, False),
        ("object.a == 0", {"a": False}, False),
        ("object.a == 1", {"a": 1.0}, True),
        ("object.a == true", {"a": 1}, False),
        ("object.a in [0, 1]", {"a": True}, False),
        ("object.a in object.b", {"a": True, "b": [1]}, False),
        ("object.a == object.b", {"a": [[True]], "b": [[1]]}, False),
        ("object.a == object.b", {"a": {"x": False}, "b": {"x": 0}}, False),
        ("object.map(k, k)", {"a": 1, "b": 2}, ["a", "b"]),
        ("object.a.filter(x, x > 1)", {"a": [1, 2, 3]}, [2, 3]),
        ("object.a.exists_one(x, x > 1)", {"a": [1, 2]}, True),
        ("object.a.map(x, x > 1, x * 2)", {"a": [1, 2]}, [4]),
        ("object.all(k, v, k == v)", {"a": "a"}, True),
        ("object.a.transformList(i, v, i + v)", {"a": [5, 6]}, [5, 7]),
        ("object.transformMap(k, v, v == 'a')", {"a": "a"}, {"a": True}),
        ("object.?a.optMap(x, x + 1).orValue(0)", {"a": 1}, 2),
        ("object.?a.optFlatMap(x, x.?b).orValue(0)", {"a": {"b": 3}}, 3),
        ("object.?a.or(object.?b).orValue(0)", {"b": 3}, 3),
        ("object.a[?1].orValue(0)", {"a": [1]}, 0),
        ("object.a[1]", {"a": [1, 2]}, 2),
        ("object.a[object.b]", {"a": {"k": 1}, "b": "k"}, 1),
        ("size(object.a) + object.a.size()", {"a": "é😀"}, 4),
        ("object.a.matches('^[a-z]+$')", {"a": "abc\n"}, False),
        ("object.a.contains('b')", {"a": "abc"}, True),
        ("cel.bind(x, object.a, x + x)", {"a": 2}, 4),
        ("type(object.a) == string", {"a": "x"}, True),
        ("{'a': object.a}", {"a": 1}, {"a": 1}),
        ("object.a > 1 && object.a < 3", {"a": 2}, True),
        ("'b' + object.a", {"a": "x"}, "bx"),
        ("['a', 'b'].all(k, k in object)", {"a": 1, "b": 1}, True),
        ("object.a.lowerAscii() == 'x'", {"a": "X"}, True),
        ("sets.intersects(object.a, ['x'])", {"a": ["x"]}, True),
    ],
)
def test_generated_code_has_the_value(expression: str, data: Any, value: Any) -> None:
    found = run(expression, data)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("expression", "data"),
    [
        ("object.a[0]", {"a": "abc"}),
        ("object.a[-1]", {"a": [1, 2]}),
        ("object.a[1.0]", {"a": [1, 2]}),
        ("object.a[true]", {"a": {1: "x"}}),
        ("has(object.a.b)", {"a": "abc"}),
        ("has(object.a.b)", {"a": ["b"]}),
        ("'b' in object.a", {"a": "abc"}),
        ("object.a.all(x, true)", {"a": "abc"}),
        ("object.a + object.b", {"a": True, "b": True}),
        ("object.a + 1", {"a": 2**63 - 1}),
        ("-object.a", {"a": -(2**63)}),
        ("object.a - 1", {"a": True}),
        ("object.a * 2", {"a": "ab"}),
        ("object.a < 2", {"a": True}),
        ("object.a < object.b", {"a": [1], "b": [2]}),
        ("object.a / 0", {"a": 1}),
        ("object.a ? 1 : 2", {"a": 1}),
        ("!object.a", {"a": 0}),
        ("!object.a", {"a": ""}),
        ("object.a && true", {"a": "x"}),
        ("true || object.a && object.b == 1 ? object.c : 0", {"a": True}),
        ("object.a.startsWith(object.b)", {"a": "ab", "b": ("a", "b")}),
        ("object.a.b", {"a": None}),
        ("object.?a.?b.orValue(1)", {"a": None}),
        ("object.?a.?b.orValue(1)", {"a": "b"}),
        ("object.a.optMap(x, x).orValue(1)", {"a": 1}),
        ("size(object.a)", {"a": 3}),
        ("object.a == 'x'", {"a": Unknown("a")}),
        ("object.a == true", {"a": Unknown("a")}),
        ("object.a == null", {"a": Unknown("a")}),
        ("object.a == object.b", {"a": Unknown("a"), "b": Unknown("b")}),
        ("object.a in ['x']", {"a": Unknown("a")}),
        ("string(object.a)", {"a": Unknown("a")}),
        ("object.a == object.b", {"a": UInt(1), "b": 1}),
    ],
)
def test_generated_code_raises_where_python_would_differ(expression: str, data: Any) -> None:
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, the exact evaluator decides
        run(expression, data)


def test_long_loops_are_left_to_the_evaluator_that_counts() -> None:
    with pytest.raises(Rejected):
        run("object.all(x, object.all(y, x + y >= 0))", list(range(1000)))


def test_long_texts_are_left_to_the_evaluator_that_counts() -> None:
    with pytest.raises(Rejected):
        run("object.contains('b')", "a" * (LARGE + 1))


def test_strings_cannot_be_doubled_until_memory_ends() -> None:
    expression = "object"
    for depth in range(40):
        expression = f"cel.bind(x{depth}, {expression}, x{depth} + x{depth})"
    with pytest.raises(Rejected):
        run(expression, "a" * 100)


@pytest.mark.parametrize(
    "expression", ["Object{a: 1}", "lists.range(3)", "[1].sortBy(x, x)", "unknown", "{1: 2}", "[?object.?a]"]
)
def test_rare_forms_have_no_generated_code(expression: str) -> None:
    with pytest.raises(Unsupported):
        source(expression)


def test_text_of_an_expression_stays_text() -> None:
    hostile = "__import__('os').system('true')"
    assert run(f'object["{hostile}"] == "\'\\"\\n{{}}\\\\"', {hostile: "'\"\n{}\\"}) is True
    assert run("object['a-b\\' + \"'] == 2", {"a-b' + \"": 2}) is True


def test_names_of_python_are_just_names() -> None:
    assert run("[1].all(lambda, lambda == 1) && [2].all(None, None == 2) && [3].all(equal, equal == 3)") is True


def test_inner_variables_hide_outer_ones() -> None:
    assert run("[1, 2].map(x, [x].map(x, x + 10)[0] + x)") == [12, 14]


def test_variables_are_computed_once_and_only_when_read() -> None:
    calls: list[str] = []

    class Counted(Program):
        def __call__(self, activation: Any) -> Any:
            calls.append(self.source)
            return super().__call__(activation)

    def counted(text: str) -> Program:
        return Counted.compile(text, parse(text), VARIABLES, DYN)

    names: dict[str, Any] = {"object": 1}
    names["variables"] = LazyVariables({"one": counted("object + 1"), "broken": counted("object.x")}, names)
    assert counted("variables.one + variables.one")(names) == 4
    assert counted("false && variables.broken")(names) is False
    assert calls.count("object + 1") == 1
    assert "object.x" not in calls
