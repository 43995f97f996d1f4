"""Generated Python beside the exact evaluator, and both beside an engine of another make."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from transom.lang.cel.errors import CelError, EvaluationError
from transom.lang.cel.exact import evaluate
from transom.lang.cel.explain import explain
from transom.lang.cel.generate import python_source
from transom.lang.cel.parser import parse
from transom.lang.cel.program import LazyVariables, Program
from transom.lang.cel.types import DYN
from transom.lang.cel.values import Optional
from transom.lang.cel.weights import weight

if TYPE_CHECKING:
    from transom.lang.cel.witness import Witness

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


literals = st.one_of(
    scalars.map(_literal), st.sampled_from(["[]", "{}", "['a', 'b']", "[1, 0]", "[1, true]", "3u", "b'a'"])
)
fields = st.sampled_from([f for f in FIELDS if "-" not in f])


@st.composite
def paths(draw: st.DrawFn, names: tuple[str, ...]) -> str:
    text = draw(st.sampled_from(names))
    for _ in range(draw(st.integers(0, 3))):
        field = draw(fields)
        text += draw(
            st.sampled_from([f".{field}", f".{field}", f".?{field}", f"[?'{field}']", f"['{field}']", "[0]", "[?1]"])
        )
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
    **{
        sign: "{0} " + sign + " {1}"
        for sign in ("&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%")
    },
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


# well-typed expressions over pods: most have a value


def _maybe(draw: st.DrawFn, into: dict[str, Any], key: str, values: Any) -> None:
    if draw(st.booleans()):
        into[key] = draw(values)


@st.composite
def containers(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": draw(st.sampled_from(TEXTS)),
        "image": draw(st.sampled_from(("r/x:1", "x:latest", "x"))),
    }
    context: dict[str, Any] = {}
    _maybe(draw, context, "privileged", st.sampled_from((True, False, False, None, 1)))
    _maybe(draw, context, "runAsUser", st.sampled_from((0, 1, 1000, "0")))
    _maybe(draw, context, "add", st.lists(st.sampled_from(("ALL", "CHOWN", "KILL")), max_size=2))
    _maybe(draw, found, "securityContext", st.sampled_from((context, context, context, None)))
    _maybe(draw, found, "ports", st.lists(st.fixed_dictionaries({"port": st.integers(0, 3)}), max_size=2))
    return found


@st.composite
def pods(draw: st.DrawFn) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": draw(st.lists(containers(), max_size=3))}
    _maybe(draw, spec, "initContainers", st.lists(containers(), max_size=2))
    _maybe(draw, spec, "hostNetwork", st.sampled_from((True, False)))
    labels = draw(st.dictionaries(st.sampled_from(TEXTS), st.sampled_from(TEXTS), max_size=3))
    return {"metadata": {"name": draw(st.sampled_from(TEXTS)), "labels": labels}, "spec": spec}


_ALL = "(object.spec.containers + object.spec.?initContainers.orValue([]))"
_LISTS = (
    *("object.spec.containers", _ALL, _ALL + ".filter(d, {bool:d})", "variables.v"),
    *("object.spec.?initContainers.orValue([])", "{lists}.filter(d, {bool:d})"),
)
_STRINGS = (
    "{c}.name",
    "{c}.image",
    "object.metadata.name",
    "'a'",
    "'x:latest'",
    "{c}.image.upperAscii()",
    "({string} + {string})",
)
_INTEGERS = (
    *("{c}.?securityContext.?runAsUser.orValue(1)", "size({string})", "{lists}.size()", "0", "1", "2"),
    *("{c}.?ports.orValue([]).size()", "({integer} + {integer})", "({integer} % 2)", "({integer} * -1)"),
)
_BOOLS = (
    *("{c}.?securityContext.?privileged.orValue(false)", "has({c}.securityContext)", "{string} == {string}"),
    *("(has({c}.securityContext) && has({c}.securityContext.privileged) && {c}.securityContext.privileged == true)",)
    * 2,
    *("(!has({c}.securityContext) || !has({c}.securityContext.add) || {c}.securityContext.add.all(k, k in ['CHOWN']))",)
    * 2,
    *(
        "object.spec.?hostNetwork.orValue(true)",
        "{integer} < {integer}",
        "{integer} >= 1",
        "{integer} == 1",
        "!({bool})",
    ),
    *("({bool} && {bool})", "({bool} || {bool})", "({bool} ? {bool} : {bool})", "{string}.startsWith({string})"),
    *("{lists}.all(e, {bool:e})", "{lists}.exists(e, {bool:e})", "{lists}.exists_one(e, {bool:e})"),
    *("{lists}.map(e, {string:e}).exists(i, i.endsWith('latest'))", "{string} in ['a', 'b', 'x:latest']"),
    *(
        "{string} in object.metadata.labels",
        "object.metadata.labels.all(k, k != {string})",
        "{string}.matches('^[a-z/]+:')",
    ),
    *("object.metadata.labels[?{string}].orValue('') == {string}", "{lists}.filter(e, {bool:e}).size() == 0"),
    *("{lists} == []", "{c}.?ports.orValue([]).all(p, p.port > {integer})", "{string}.contains('a')"),
)


@st.composite
def verdicts(draw: st.DrawFn, depth: int = 3) -> str:
    """A random expression of the kind that policies have, which is true, false or an error."""
    tables = {"bool": _BOOLS, "string": _STRINGS, "integer": _INTEGERS, "lists": _LISTS}
    plain = {"bool": _BOOLS[0], "string": "{c}.image", "integer": "1", "lists": "object.spec.containers"}

    def fill(kind: str, around: str, left: int) -> str:
        shape = draw(st.sampled_from(tables[kind])) if left > 0 else plain[kind]
        pieces = re.split(r"\{(\w+)(?::(\w))?\}", shape)
        text = pieces[0]
        for kind_within, inner, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
            text += around if kind_within == "c" else fill(kind_within, inner or around, left - 1)
            text += rest
        return text

    return fill("bool", "object.spec.containers[0]", depth)


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


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
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
        found = compiled.run(names)
    except Exception:
        return
    assert same(found, evaluate(compiled.node, activation(data, variable))), source


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(verdicts(), pods())
def test_verdicts_on_pods_are_the_exact_evaluators(source: str, pod: Any) -> None:
    compiled = program(source)
    try:
        found = compiled.run(activation(pod, "object.spec.containers"))
    except Exception:
        return
    assert found is evaluate(compiled.node, activation(pod, "object.spec.containers")), source


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(expressions(), verdicts()), st.one_of(objects, pods()))
def test_the_bound_of_an_expression_is_never_below_its_cost(source: str, data: Any) -> None:
    compiled = program(source)
    if not compiled.is_generated or "budget" in python_source(compiled.node, compiled.names):
        return  # loops count while they run
    spent: list[int] = []
    with suppress(Exception):
        compiled.run(activation(data, "object"))
        evaluate(compiled.node, activation(data, "object"), spent=spent)
    assert sum(spent) <= weight(compiled.node)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(verdicts(), pods())
def test_generated_explanations_are_the_walkers(source: str, pod: Any) -> None:
    compiled = program(source)
    names = activation(pod, "object.spec.containers")
    try:
        outcome = compiled.run(names)
        found = compiled._explained(names, outcome)
    except Exception:
        return
    assert identity(found) == identity(explain(compiled.node, names, outcome)), source


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(verdicts(), pods())
def test_verdicts_on_pods_are_those_of_another_engine(source: str, pod: Any) -> None:
    assume(None not in [each.get("securityContext", 1) for each in containers_of(pod)])  # theirs errors on null.?field
    cel = pytest.importorskip("cel_expr_python.cel", reason="the engine to compare with is not installed")
    from cel_expr_python.ext import ext_optional, ext_strings

    source = source.replace("variables.v", "object.spec.containers")
    env = cel.NewEnv(
        variables={"object": cel.Type.DYN}, extensions=[ext_optional.ExtOptional(), ext_strings.ExtStrings()]
    )
    theirs = env.compile(source, disable_check=True).eval(data={"object": pod})
    try:
        ours = program(source)({"object": pod})
    except CelError:
        assert theirs.type() == cel.Type.ERROR, source
    else:
        assert same(theirs.value(), ours), source


def containers_of(pod: Any) -> list[Any]:
    return [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]


def identity(found: list[Witness]) -> list[Any]:
    """Make witnesses comparable, maps and lists by identity."""
    plain = (str, int, float, bool, type(None))
    return [
        (
            [each if isinstance(each, plain) else id(each) for each in witness.elements],
            [(root if isinstance(root, str) else id(root), path) for root, path in witness.reads],
        )
        for witness in found
    ]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(expressions(), objects, paths(("object",)), st.booleans())
def test_nothing_but_an_evaluation_error_is_ever_raised(source: str, data: Any, variable: str, outcome: bool) -> None:
    compiled = program(source)
    names = activation(data, variable)
    with suppress(EvaluationError):
        compiled(names)
    assert compiled.witnesses(names, outcome)
    assert compiled.item_witnesses(names)
