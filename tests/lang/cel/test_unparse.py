"""Writing nodes back: the text parses to the same node."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transom.lang.cel.parser import BINARY, balanced, parse
from transom.lang.cel.syntax import (
    Bind,
    Call,
    Comprehension,
    Constant,
    Entry,
    Field,
    Ident,
    Index,
    ListLiteral,
    MapLiteral,
    Node,
    Select,
    StructLiteral,
)
from transom.lang.cel.unparse import unparse
from transom.lang.cel.values import UInt


def shape(value):
    """A node without offsets, in which 1, 1u, 1.0 and true differ."""
    if isinstance(value, Node):
        fields = [name for name in value.__struct_fields__ if name not in ("start", "end")]
        return (type(value).__name__, *(shape(getattr(value, name)) for name in fields))
    if isinstance(value, tuple):
        return tuple(map(shape, value))
    return (type(value).__name__, repr(value))


@pytest.mark.parametrize(
    "source",
    [
        "a + b * c",
        "(a + b) * c",
        "a - (b - c)",
        "a - b - c",
        "a && b && c && d || e",
        "(a && b && c && d) && e",
        "a && (b || c)",
        "a ? b : c ? d : e",
        "(a ? b : c) ? d : e",
        "!(a && b)",
        "!a.b",
        "!(!a)",
        "-(-a)",
        "-(1)",
        "-a.b",
        "-(1.all(x, true)[0])",
        "1 - -1",
        "(-1).f()",
        "(1 + 2).f()",
        "a.?b[?c].d(e)",
        'has(a.b) && a["x"] == 1.0',
        "[a, ?b]",
        '{"a": 1u, ?b: c}',
        "Object.spec{a: 1, `b-c`: null, ?d: e}",
        "a.all(x, x > 1)",
        "a.map(x, x > 1, x + 1)",
        "a.transformMap(k, v, k in v, v)",
        "cel.bind(x, a, x + x)",
        "a.`in`.`b c`.for",
        '"\\"\\\\\\n\\u0001é"',
        'b"\\xff\\x00a"',
        "1.5 + 1e+100 + .a",
        "a in [1] == true",
    ],
)
def test_text_survives_parsing_and_writing(source):
    node = parse(source)
    assert shape(parse(unparse(node))) == shape(node)


def test_no_parenthesis_is_written_without_need():
    for source in ("a + b * c", "a && b && c && d && e", "!a.b(c)[0] || -d > 1", "x ? y : z", "(a + b) * -(1)"):
        assert unparse(parse(source)) == source


def test_needless_parentheses_go():
    assert unparse(parse("((a) + ((b * (c))))")) == "a + b * c"


NAMES = st.sampled_from(["a", "b", "object", "x1"])
FIELDS = st.sampled_from(["name", "for", "in", "b-c", "a b", "x/y.z"])
CONSTANTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 2**64 - 1).map(UInt),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
).map(lambda value: Constant(value=value))


def composed(inner):
    several = st.lists(inner, max_size=3)
    maybe = st.none() | inner
    return st.one_of(
        st.builds(lambda sign, a, b: Call(function=sign, args=(a, b)), operators(), inner, inner),
        st.builds(balanced, st.sampled_from(["_&&_", "_||_"]), terms(inner)),
        st.builds(lambda a, b, c: Call(function="_?_:_", args=(a, b, c)), inner, inner, inner),
        st.builds(lambda sign, a: Call(function=sign, args=(a,)), st.sampled_from(["!_", "-_"]), inner),
        st.builds(lambda name, args: Call(function=f"f_{name}", args=tuple(args)), NAMES, several),
        st.builds(lambda target, args: Call(function="method", args=tuple(args), target=target), inner, several),
        st.builds(
            lambda operand, field, test: Select(operand=operand, field=field, test=test), inner, FIELDS, st.booleans()
        ),
        st.builds(lambda operand, field: Select(operand=operand, field=field, optional=True), inner, FIELDS),
        st.builds(lambda a, b, optional: Index(operand=a, index=b, optional=optional), inner, inner, st.booleans()),
        several.map(lambda found: ListLiteral(elements=tuple(found), optionals=tuple(range(0, len(found), 2)))),
        st.lists(
            st.builds(lambda k, v, o: Entry(key=k, value=v, optional=o), inner, inner, st.booleans()), max_size=2
        ).map(lambda entries: MapLiteral(entries=tuple(entries))),
        st.lists(
            st.builds(lambda n, v, o: Field(name=n, value=v, optional=o), FIELDS, inner, st.booleans()), max_size=2
        ).map(lambda fields: StructLiteral(type_name="Object.spec", fields=tuple(fields))),
        st.builds(lambda a, p: Comprehension(kind="all", range=a, var="x", filter=p), inner, inner),
        st.builds(lambda a, p, t: Comprehension(kind="map", range=a, var="x", filter=p, step=t), inner, maybe, inner),
        st.builds(lambda a, t: Comprehension(kind="optMap", range=a, var="x", step=t), inner, inner),
        st.builds(lambda a, t: Comprehension(kind="transformMap", range=a, var="x", var2="y", step=t), inner, inner),
        st.builds(lambda value, body: Bind(var="x", value=value, body=body), inner, inner),
    )


def operators():
    return st.sampled_from([function for _, function in BINARY.values()])


def terms(inner):
    return st.lists(inner, min_size=2, max_size=6)


@settings(max_examples=300, deadline=None)
@given(st.recursive(CONSTANTS | NAMES.map(lambda name: Ident(name=name)), composed, max_leaves=12))
def test_any_node_survives_writing_and_parsing(node):
    assert shape(parse(unparse(node))) == shape(node)
