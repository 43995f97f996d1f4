"""The parser: what each form of syntax becomes, and how wrong text is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.lang.cel.errors import CelSyntaxError
from transom.lang.cel.parser import parse
from transom.lang.cel.syntax import (
    Bind,
    Call,
    Comprehension,
    Constant,
    Ident,
    Index,
    ListLiteral,
    MapLiteral,
    Select,
    StructLiteral,
)
from transom.lang.cel.values import UInt
from transom.model.limits import MAX_EXPRESSION_CHARS, MAX_EXPRESSION_DEPTH


def constant(source):
    node = parse(source)
    assert isinstance(node, Constant)
    return node.value


def refused(source):
    with pytest.raises(CelSyntaxError) as caught:
        parse(source)
    return caught.value


def outline(node):
    """Operators and names as nested tuples."""
    if isinstance(node, Call):
        return (node.function, *map(outline, node.args))
    return node.name if isinstance(node, Ident) else node.value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("null", None),
        ("true", True),
        ("0", 0),
        ("0x1F", 31),
        ("-0x10", -16),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775807", 2**63 - 1),
        ("-0x8000000000000000", -(2**63)),
        ("1.5", 1.5),
        (".5e2", 50.0),
        ("1e-3", 0.001),
        ("-2.5", -2.5),
        ("'a\"b'", 'a"b'),
        ('"it\'s"', "it's"),
        (r"'\a\b\f\n\r\t\v\\\?\"\'\`'", "\a\b\f\n\r\t\v\\?\"'`"),
        (r"'\x41\X42\u0043\U00000044\105'", "ABCDE"),
        (r"'\U0001F431'", "🐱"),
        (r"r'\d\n'", r"\d\n"),
        (r"R'''it's \'''", "it's \\"),
        ("'''a\n'b' c'''", "a\n'b' c"),
        ('""""quoted" """', '"quoted" '),
        ("''''''", ""),
        ("'''a\r\nb\rc'''", "a\nb\nc"),
        ("b'abc'", b"abc"),
        (r"b'\xff\377\n'", b"\xff\xff\n"),
        ("b'é'", "é".encode()),
        (r"br'\x'", rb"\x"),
        ('B"""x"""', b"x"),
    ],
)
def test_literals_have_their_values(source, value):
    found = constant(source)
    assert type(found) is type(value)
    assert found == value


def test_u_makes_an_unsigned_integer():
    assert type(constant("18446744073709551615u")) is UInt
    assert constant("0xFFU") == 255


@pytest.mark.parametrize(
    "source",
    [
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616u",
        "1" * 5000,
        "0x10000000000000000",
        "1e400",
        r"'\ud800'",
        r"'\U00110000'",
        r"'\q'",
        r"'\400'",
        r"'\x4'",
        r"b'\u0041'",
        "'a",
        "'a\nb'",
        "'''a'",
        "`a`",
        "a.`b",
        "a.`b*c`",
    ],
)
def test_literals_out_of_bounds_are_refused(source):
    refused(source)


@pytest.mark.parametrize(
    ("source", "tree"),
    [
        ("a + b * c", ("_+_", "a", ("_*_", "b", "c"))),
        ("a - b - c", ("_-_", ("_-_", "a", "b"), "c")),
        ("(a - (b - c))", ("_-_", "a", ("_-_", "b", "c"))),
        ("a < b == c", ("_==_", ("_<_", "a", "b"), "c")),
        ("a in b in c", ("@in", ("@in", "a", "b"), "c")),
        ("a || b && c", ("_||_", "a", ("_&&_", "b", "c"))),
        ("a ? b : c ? d : e", ("_?_:_", "a", "b", ("_?_:_", "c", "d", "e"))),
        ("!a && -b < c", ("_&&_", ("!_", "a"), ("_<_", ("-_", "b"), "c"))),
        ("!!a", "a"),
        ("!!!a", ("!_", "a")),
        ("--a", "a"),
        ("-(1)", ("-_", 1)),
        ("1 - -1", ("_-_", 1, -1)),
        ("a -1", ("_-_", "a", 1)),
        ("!-1", ("!_", -1)),
        ("f(a, g())", ("f", "a", ("g",))),
        ("a // a comment\n + b", ("_+_", "a", "b")),
    ],
)
def test_operators_bind_as_the_grammar_says(source, tree):
    assert outline(parse(source)) == tree


def test_long_chains_of_logic_become_shallow_trees():
    assert outline(parse("a && b && c && d")) == ("_&&_", ("_&&_", "a", "b"), ("_&&_", "c", "d"))
    parse("||".join(["a"] * 20_000))


def test_a_selection_keeps_its_field_name_whatever_its_spelling():
    assert parse("a.b") == Select(operand=Ident(name="a", start=0, end=1), field="b", start=0, end=3)
    assert parse("a.`b-c/d.e f`").field == "b-c/d.e f"
    assert parse("a.namespace").field == "namespace"
    assert parse("a.?b").optional
    assert parse("a.__dot__").field == "__dot__"


def test_a_leading_dot_stays_in_the_name():
    assert parse(".a.b").operand.name == ".a"
    assert parse(".f(1)").function == ".f"


def test_an_index_may_be_optional():
    node = parse("a[?b]")
    assert isinstance(node, Index)
    assert node.optional
    assert not parse("a[b]").optional


def test_a_method_call_keeps_its_target():
    node = parse("a.b(c)")
    assert node.function == "b"
    assert node.target.name == "a"


def test_lists_and_maps_take_optional_parts_and_a_trailing_comma():
    node = parse("[a, ?b, c,]")
    assert isinstance(node, ListLiteral)
    assert node.optionals == (1,)
    entries = parse("{'a': 1, ?b: c,}").entries
    assert [entry.optional for entry in entries] == [False, True]
    assert parse("[]").elements == ()
    assert isinstance(parse("{}"), MapLiteral)


def test_a_message_literal_keeps_its_dotted_type_and_fields():
    node = parse("Object.spec{`a-b`: 1, ?c: d, in_: e,}")
    assert isinstance(node, StructLiteral)
    assert node.type_name == "Object.spec"
    assert [(field.name, field.optional) for field in node.fields] == [("a-b", False), ("c", True), ("in_", False)]
    assert parse(".a.B{}.c").operand.type_name == ".a.B"


@pytest.mark.parametrize(
    ("source", "kind", "variables", "has_filter", "has_step"),
    [
        ("a.all(x, p)", "all", ("x", ""), True, False),
        ("a.exists(x, p)", "exists", ("x", ""), True, False),
        ("a.exists_one(x, p)", "exists_one", ("x", ""), True, False),
        ("a.existsOne(x, p)", "exists_one", ("x", ""), True, False),
        ("a.filter(x, p)", "filter", ("x", ""), True, False),
        ("a.map(x, t)", "map", ("x", ""), False, True),
        ("a.map(x, p, t)", "map", ("x", ""), True, True),
        ("a.all(i, x, p)", "all", ("i", "x"), True, False),
        ("a.exists(i, x, p)", "exists", ("i", "x"), True, False),
        ("a.existsOne(i, x, p)", "exists_one", ("i", "x"), True, False),
        ("a.transformList(i, x, t)", "transformList", ("i", "x"), False, True),
        ("a.transformList(i, x, p, t)", "transformList", ("i", "x"), True, True),
        ("a.transformMap(i, x, t)", "transformMap", ("i", "x"), False, True),
        ("a.transformMap(i, x, p, t)", "transformMap", ("i", "x"), True, True),
        ("a.transformMapEntry(i, x, t)", "transformMapEntry", ("i", "x"), False, True),
        ("a.transformMapEntry(i, x, p, t)", "transformMapEntry", ("i", "x"), True, True),
        ("a.sortBy(x, t)", "sortBy", ("x", ""), False, True),
        ("a.optMap(x, t)", "optMap", ("x", ""), False, True),
        ("a.optFlatMap(x, t)", "optFlatMap", ("x", ""), False, True),
    ],
)
def test_macros_become_comprehensions(source, kind, variables, has_filter, has_step):
    node = parse(source)
    assert isinstance(node, Comprehension)
    assert node.kind == kind
    assert (node.var, node.var2) == variables
    assert (node.filter is not None, node.step is not None) == (has_filter, has_step)
    assert node.range.name == "a"


def test_has_becomes_a_test_of_a_selection():
    node = parse("has(a.b.c)")
    assert node.test
    assert node.field == "c"
    assert not node.operand.test


def test_cel_bind_becomes_a_bind():
    node = parse("cel.bind(x, a, x + x)")
    assert isinstance(node, Bind)
    assert node.var == "x"
    assert isinstance(parse("other.bind(x, a, x + x)"), Call)


def test_a_macro_name_with_other_arguments_is_a_call():
    assert isinstance(parse("a.map(x)"), Call)
    assert isinstance(parse("all(x, y)"), Call)
    assert isinstance(parse("x.has(y.z)"), Call)


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("a +\n  * b", 2, 3, "unexpected '*', a value was expected"),
        ("a b", 1, 3, "unexpected name 'b'"),
        ("(a", 1, 3, "unexpected the end of the expression, ')' was expected"),
        ("f(a,)", 1, 5, "unexpected ')', a value was expected"),
        ("", 1, 1, "unexpected the end of the expression, a value was expected"),
        ("for + 1", 1, 1, "'for' is a reserved word of CEL"),
        ("a.in", 1, 3, "unexpected 'in', a name was expected"),
        ("has(a)", 1, 5, "has() takes a field selection such as has(object.spec)"),
        ("a.all(b.c, true)", 1, 7, "the macro's variable must be a simple name"),
        ("a.all(x, x, true)", 1, 10, "the two variables must have different names"),
        ("a = b", 1, 3, "unexpected '='; did you mean '=='?"),
        ("a & b", 1, 3, "unexpected '&'; did you mean '&&'?"),
        ("a.?b{}", 1, 5, "unexpected '{'"),
        ("(a){}", 1, 4, "unexpected '{'"),
        ("-!a", 1, 2, "unexpected '!', a value was expected"),
        ("[é]", 1, 2, "unexpected character 'é'"),
        ("'''a\nb''' 'c", 2, 6, "the string is not closed"),
    ],
)
def test_an_error_says_where_and_what(source, line, column, message):
    error = refused(source)
    assert (error.line, error.column, error.message) == (line, column, message)
    assert str(error) == f"{line}:{column}: {message}"


@pytest.mark.parametrize(
    "opening, closing", [("(", ")"), ("[", "]"), ("f(", ")"), ("{1:", "}"), ("a[", "]"), ("a?b:", "")]
)
def test_nesting_is_limited(opening, closing):
    depth = MAX_EXPRESSION_DEPTH // 2
    parse(opening * depth + "1" + closing * depth)
    depth = 10_000
    assert "deep" in refused(opening * depth + "1" + closing * depth).message


@pytest.mark.parametrize("link", [".a", "[0]", ".f()", " + a", " == a", ".map(x, x)"])
def test_chains_are_limited(link):
    parse("a" + link * (MAX_EXPRESSION_DEPTH - 2))
    assert "deep" in refused("a" + link * 5_000).message


def test_length_is_limited():
    parse("'" + "é" * (MAX_EXPRESSION_CHARS - 2) + "'")
    assert "longer" in refused(" " * MAX_EXPRESSION_CHARS + "1").message


PIECES = ["a", "1", "'s'", "b'x'", "(", ")", "[", "]", "{", "}", ".", "?", ":", ",", "&&", "||", "!", "-", "+", "in"]
PIECES += [
    "==",
    "<",
    "has",
    "all",
    "map",
    "cel",
    "bind",
    "`",
    "'",
    '"""',
    "\\",
    "\n",
    "//",
    "1u",
    "0x",
    "1.5",
    "for",
    "é",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_text_is_parsed_or_refused_with_a_place_inside_it(pieces):
    source = "".join(pieces)
    try:
        parse(source)
    except CelSyntaxError as error:
        assert 0 <= error.offset <= len(source)
        assert error.line >= 1
        assert error.column >= 1
