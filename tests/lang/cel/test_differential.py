"""Generated Python beside the exact evaluator, and both beside an engine of another make."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from transom.lang.cel.errors import CelError
from transom.lang.cel.exact import evaluate
from transom.lang.cel.parser import parse
from transom.lang.cel.program import LazyVariables, Program
from transom.lang.cel.types import DYN
from transom.lang.cel.values import Optional, UInt

FIELDS = ("a", "b", "c", "spec", "containers", "image", "x-y")
INTEGERS = (0, 1, -1, 2, 5, 2**53 + 1, 2**63 - 1, -(2**63))
TEXTS = ("", "a", "b", "abc", "ABC", "nginx:latest", "é", "😀", "1")

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(INTEGERS),
    st.sampled_from((0.0, 1.0, -0.5, 1e300, float(2**53))),
    st.sampled_from(TEXTS),
)
objects = st.dictionaries(
    st.sampled_from(FIELDS),
    st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3)
        ),
        max_leaves=12,
    ),
    max_size=5,
)


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, float):
        return repr(value) if "e" in repr(value) or "." in repr(value) else f"{value}.0"
    return "-9223372036854775808" if value == -(2**63) else repr(value)


literals = st.one_of(scalars.map(_literal), st.sampled_from(["[]", "{}", "['a', 'b']", "[1, 0]", "[1, true]", "3u", "b'a'"]))
fields = st.sampled_from([f for f in FIELDS if "-" not in f])


@st.composite
def paths(draw: st.DrawFn, names: tuple[str, ...]) -> str:
    text = draw(st.sampled_from(names))
    for _ in range(draw(st.integers(0, 3))):
        field = draw(fields)
        text += draw(st.sampled_from([f".{field}", f".{field}", f".?{field}", f"[?'{field}']", f"['{field}']", "[0]", "[?1]"]))
    return text


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3, names: tuple[str, ...] = ("object", "object", "variables.v")) -> str:
    """A random expression; most are nonsense to a type checker, so that guards are met too."""
    if depth == 0:
        return draw(st.one_of(paths(names), literals))
    of = lambda: draw(expressions(depth - draw(st.integers(1, depth)), names))  # noqa: E731
    form = draw(st.sampled_from(sorted(_FORMS)))
    if form == "comprehension":
        var = f"v{depth}"
        inner = draw(expressions(depth - 1, (*names, var, var, var)))
        macro = draw(st.sampled_from(["all", "exists", "exists_one", "filter", "map"]))
        over = draw(st.one_of(paths(names), st.just(of())))
        return f"({over}).{macro}({var}, {inner})"
    if form == "two":
        inner = draw(expressions(depth - 1, (*names, "k", "v")))
        macro = draw(st.sampled_from(["all", "exists", "transformList", "transformMap"]))
        return f"({of()}).{macro}(k, v, {inner})"
    if form == "optional":
        inner = draw(expressions(depth - 1, (*names, "o", "o")))
        return draw(st.sampled_from([
            f"{draw(paths(names))}.orValue({of()})",
            f"{draw(paths(names))}.hasValue()",
            f"{draw(paths(names))}.optMap(o, {inner}).orValue({of()})",
            f"{draw(paths(names))}.or({draw(paths(names))}).orValue({of()})",
            f"optional.of({of()}).orValue({of()})",
        ]))  # fmt: skip
    if form == "has":
        path = draw(paths(names))
        return f"has({path}.{draw(fields)}) {draw(st.sampled_from(['&&', '||']))} {path}.{draw(fields)} == {of()}"
    if form == "bind":
        return f"cel.bind(w, {of()}, {draw(expressions(depth - 1, (*names, 'w', 'w')))})"
    return _FORMS[form].format(*(f"({of()})" for _ in range(3)))


_FORMS = {
    "comprehension": "",
    "two": "",
    "optional": "",
    "has": "",
    "bind": "",
    **{sign: "{0} " + sign + " {1}" for sign in ("&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%")},
    "not": "!{0}",
    "minus": "-{0}",
    "condition": "{0} ? {1} : {2}",
    "size": "size({0})",
    "starts": "{0}.startsWith({1})",
    "contains": "{0}.contains('a')",
    "matches": "{0}.matches('^[a-z]+$')",
    "index": "{0}[{1}]",
    "maybe": "{0}[?{1}].orValue({2})",
    "list": "[{0}, {1}]",
    "map": "{{'a': {0}, 'b': {1}}}",
    "string": "string({0})",
    "int": "int({0})",
    "type": "type({0}) == string",
    "upper": "{0}.upperAscii()",
    "member": "{0} in ['a', 'b']",
    "number": "{0} in [0, 1]",
    "compare": "{0} == true || {1} == 1 || {2} != null",
}


def same(left: Any, right: Any) -> bool:
    """Say whether two values are one value of CEL, types included."""
    if isinstance(left, Optional) and isinstance(right, Optional):
        return left.present == right.present and (not left.present or same(left.value, right.value))
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and bool(left == right)


def program(source: str) -> Program:
    return Program.compile(source, parse(source), ("object", "variables"), DYN)


def activation(data: Any, variable: str) -> dict[str, Any]:
    found: dict[str, Any] = {"object": data}
    found["variables"] = LazyVariables({"v": program(variable)}, found)
    return found


@settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions(), objects, paths(("object",)))
@example("object.a == object.b", {"a": [True], "b": [1]}, "object")
@example("[object.a].all(x, x in [0, 1])", {"a": False}, "object")
@example("object.a['a'] == object.b", {"a": "abc", "b": 1}, "object")
@example("object.a[-1]", {"a": [1, 2]}, "object")
@example("object.a * object.b", {"a": "x", "b": 2}, "object")
@example("object.a + object.b", {"a": 2**63 - 1, "b": 1}, "object")
@example("object.a % object.b == -1", {"a": -7, "b": 3}, "object")
def test_what_generated_code_returns_is_what_the_exact_evaluator_returns(source: str, data: Any, variable: str) -> None:
    compiled = program(source)
    names = activation(data, variable)
    try:
        found = compiled._run(names)
    except Exception:
        return
    assert same(found, evaluate(compiled.node, activation(data, variable))), source
