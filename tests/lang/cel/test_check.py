"""The checker: what each expression's type is, and what is refused before it runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.lang.cel.check import check, in_full
from transom.lang.cel.declarations import SINCE, Overload, overloads
from transom.lang.cel.environment import kubernetes_environment, standard_environment
from transom.lang.cel.errors import CelError, CelTypeError
from transom.lang.cel.parser import parse
from transom.lang.cel.syntax import Call
from transom.lang.cel.types import BOOL, DYN, INT, STRING, ListType, MapType, Opaque, TypeParam, WrapperType
from transom.lang.cel.unparse import unparse

PLAIN = standard_environment({"x": DYN, "n": INT, "w": WrapperType(INT), "m": MapType(STRING, INT)})
KUBERNETES = kubernetes_environment()
MUTATING = kubernetes_environment(mutation=True)


def type_of(source, env=PLAIN):
    return str(check(parse(source), env, source).type)


def refused(source, env=PLAIN):
    with pytest.raises(CelTypeError) as caught:
        check(parse(source), env, source)
    return caught.value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2", "int"),
        ("1u", "uint"),
        ("'a' + 'b'", "string"),
        ("b'a'", "bytes"),
        ("null", "null_type"),
        ("[]", "list(dyn)"),
        ("[1, 2]", "list(int)"),
        ("[1, 'a']", "list(dyn)"),
        ("[1, x]", "list(dyn)"),
        ("[[], [[]]]", "list(list(list(dyn)))"),
        ("{'a': 1}", "map(string, int)"),
        ("{'a': 1, 2: 'b'}", "map(dyn, dyn)"),
        ("{'a': {'b': 1}}.a.b", "int"),
        ("[1][0]", "int"),
        ("x.a.b[0].c", "dyn"),
        ("x + 1", "int"),
        ("x + x", "dyn"),
        ("true ? 1 : x", "dyn"),
        ("1 < 2.0", "bool"),
        ("timestamp('2020-01-01T00:00:00Z') - duration('1s')", "google.protobuf.Timestamp"),
        ("type(1)", "type(int)"),
        ("type(x) == int", "bool"),
        ("int", "type(int)"),
        ("net.IP", "type(net.IP)"),
        ("size([1]) + 'a'.size()", "int"),
        ("w + 1", "int"),
        ("w == null", "bool"),
        ("dyn(1)", "dyn"),
        ("math.greatest(1, 2)", "int"),
        ("math.greatest(1, 2.0)", "dyn"),
        ("math.least(1, 2, 3, 4, 5, 6, 7, 8)", "int"),
        ("base64.encode(b'a')", "string"),
        ("'%s'.format([1, 'a'])", "string"),
        ("[3, 1].sort().first()", "optional_type(int)"),
    ],
)
def test_types_are_inferred(source, expected):
    assert type_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[1].all(e, e > 0)", "bool"),
        ("[1].exists_one(i, e, i == e)", "bool"),
        ("[1].map(e, string(e))", "list(string)"),
        ("[1].map(e, e > 0, 1.0)", "list(double)"),
        ("{'a': 1}.map(k, k)", "list(string)"),
        ("{'a': 1}.filter(k, k == 'a')", "list(string)"),
        ("x.filter(e, e.a)", "list(dyn)"),
        ("['a'].transformList(i, e, i)", "list(int)"),
        ("{'a': 1}.transformMap(k, v, v > 0, [v])", "map(string, list(int))"),
        ("['a'].transformMapEntry(i, e, {e: i})", "map(string, int)"),
        ("['a'].sortBy(e, e.size())", "list(string)"),
        ("optional.of(1).optMap(e, string(e))", "optional_type(string)"),
        ("optional.of([1]).optFlatMap(e, e[?0])", "optional_type(int)"),
        ("cel.bind(e, 1, [e])", "list(int)"),
        ("has(x.a)", "bool"),
    ],
)
def test_macros_have_the_types_of_what_they_yield(source, expected):
    assert type_of(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x.?a", "optional_type(dyn)"),
        ("x.?a.b", "optional_type(dyn)"),
        ("x.?a.orValue(1)", "dyn"),
        ("m.?a", "optional_type(int)"),
        ("m[?'a'].orValue(1)", "int"),
        ("optional.none().or(optional.of(1)).value()", "int"),
        ("[?optional.of(1), 2]", "list(int)"),
        ("{?'a': m.?a}", "map(string, int)"),
        ("optional.of([1])[0]", "optional_type(int)"),
        ("[optional.of(1), null]", "list(optional_type(int))"),
    ],
)
def test_optionals_keep_what_they_hold(source, expected):
    assert type_of(source) == expected


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("y + 1", 1, "undeclared name 'y'"),
        ("1 + 'a'", 1, "operator + does not take int and string"),
        ("1 == 1.0", 1, "operator == does not take int and double"),
        ("1 in ['a']", 1, "operator in does not take int and list(string)"),
        ("!1", 1, "operator ! does not take int"),
        ("n ? 1 : 2", 1, "operator ?: does not take int and int and int"),
        ("true && f(1)", 9, "undeclared function 'f'"),
        ("'a'.nope()", 1, "undeclared function 'nope'"),
        ("nope.f(1)", 1, "undeclared function 'nope.f'"),
        ("size(1)", 1, "function size does not take (int)"),
        ("'a'.startsWith(1)", 1, "string has no method startsWith(int)"),
        ("n.a", 1, "int has no fields, so not 'a' either"),
        ("'a'.all(e, true)", 1, "all ranges over a list or a map, not string"),
        ("[1].all(e, e)", 12, "the predicate of all must be bool, not int"),
        ("[1].filter(e, 'x')", 15, "the predicate of filter must be bool, not string"),
        ("[1].all(e, true) && e", 21, "undeclared name 'e'"),
        ("[?1]", 3, "what stands behind `?` must be optional, not int"),
        ("optional.of(1).orValue('a')", 1, "optional_type(int) has no method orValue(string)"),
        ("n.optMap(e, e)", 1, "optMap is for an optional, not int"),
        ("optional.of(1).optFlatMap(e, e)", 30, "optFlatMap yields an optional, not int"),
        ("[1].transformMapEntry(i, e, e)", 1, "transformMapEntry yields a map of one entry, not int"),
        ("[1].sortBy(e, {})", 1, "sortBy cannot order map(dyn, dyn)"),
        ("Thing{a: 1}", 1, "undeclared type 'Thing'"),
    ],
)
def test_what_cannot_run_is_refused_with_its_place(source, column, message):
    error = refused(source)
    assert (error.line, error.column, error.message) == (1, column, message)


def test_an_error_in_a_later_line_names_it():
    error = refused("n == 1 &&\n  y")
    assert (error.line, error.column) == (2, 3)


@pytest.mark.parametrize(
    "source",
    [
        "object.spec.containers.all(c, c.image.startsWith('a')) && !has(oldObject.x)",
        "request.namespace == 'a' && request.kind.kind == 'Pod' && request.userInfo.groups.exists(g, g == 'b')",
        "request.options.x == 1 && request.dryRun",
        "namespaceObject.metadata.labels['a'] == params.data.b",
        "authorizer.group('').resource('pods').subresource('x').namespace('n').name('p').check('get').allowed()",
        "authorizer.serviceAccount('a', 'b').path('/healthz').check('get').errored()",
        "authorizer.requestResource.fieldSelector('a=b').check('get').reason() == ''",
        "quantity('1Gi').add(1).isGreaterThan(quantity('1')) || isQuantity('x')",
        "ip('1.1.1.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.0.0.1') && ip.isCanonical('::1')",
        "url('https://a').getQuery()['a'][0] == ''",
        "format.named('dns1123Label').value().validate(object.metadata.name).hasValue()",
        "semver('1.2.3').major() == 1 && object.x.find('[0-9]+') == ''",
        "[1, 2].sum() == 3 && sets.contains([1], [1]) && lists.range(3).isSorted()",
        "object.metadata.?labels[?'a'].orValue('') == ''",
        "'%s %d'.format([dyn('a'), 1]) == 'a 1'",
    ],
)
def test_policies_may_use_what_the_api_server_offers(source):
    assert type_of(source, KUBERNETES) == "bool"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("objct.spec", "undeclared name 'objct'; did you mean 'object'?"),
        ("request.object.x", "kubernetes.AdmissionRequest has no field 'object'"),
        ("request.userInfo.name", "kubernetes.UserInfo has no field 'name'; did you mean 'username'?"),
        ("namespaceObject.metadata.ownerReferences", "kubernetes.NamespaceMetadata has no field 'ownerReferences'"),
        ("variables.nope", "kubernetes.variables has no field 'nope'"),
        ("has(request.nope)", "kubernetes.AdmissionRequest has no field 'nope'"),
        ("cel.bind(a, 1, a)", "cel.bind is not known here"),
        ("math.abs(-1)", "undeclared function 'math.abs'"),
        ("base64.encode(b'')", "undeclared function 'base64.encode'"),
        ("Object{}", "undeclared type 'Object'"),
        ("jsonpatch.escapeKey('a')", "undeclared function 'jsonpatch.escapeKey'"),
    ],
)
def test_policies_may_not_use_what_the_api_server_lacks(source, message):
    assert refused(source, KUBERNETES).message == message


def test_policies_may_not_mix_the_elements_of_a_literal():
    assert "int and string do not mix" in refused("[1, 'a']", KUBERNETES).message
    assert "dyn and string do not mix" in refused("[[dyn(1), 'a']]", KUBERNETES).message
    assert "int and dyn do not mix" in refused("{'a': 1, 'b': object.x}", KUBERNETES).message
    assert "string and int do not mix" in refused("{'a': 1, 2: 1}", KUBERNETES).message
    assert type_of("[object.x, object.y]", KUBERNETES) == "list(dyn)"
    assert type_of("[[], [1]]", KUBERNETES) == "list(list(int))"
    assert type_of("'%s %s'.format([dyn('a'), 1])", KUBERNETES) == "string"
    assert type_of("[dyn(1), 'a']", kubernetes_environment((1, 28))) == "list(dyn)"


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("duration('1h')", "duration('1 hour')"),
        ("timestamp('2020-01-01T00:00:00Z')", "timestamp('yesterday')"),
        ("'a'.matches('^a+$')", "'a'.matches('a(')"),
    ],
)
def test_policies_may_not_hold_constants_that_cannot_be_read(good, bad):
    type_of(good, KUBERNETES)
    assert "is no" in refused(bad, KUBERNETES).message
    type_of(bad, PLAIN)


def test_the_variables_of_a_policy_have_their_types():
    env = kubernetes_environment(typed_variables={"images": ListType(STRING)})
    assert type_of("variables.images[0]", env) == "string"
    assert "no field 'other'" in refused("variables.other", env).message


@pytest.mark.parametrize(
    ("source", "since"),
    [
        ("authorizer.path('/').check('get').allowed()", (1, 27)),
        ("isQuantity('1')", (1, 28)),
        ("object.?a.hasValue()", (1, 28)),
        ("sets.contains([1], [1])", (1, 29)),
        ("isIP('1')", (1, 30)),
        ("format.dns1123Label().validate('a').hasValue()", (1, 31)),
        ("[1].all(i, e, i < e)", (1, 32)),
        ("isSemver('1')", (1, 33)),
        ("[1].distinct() == [1]", (1, 34)),
    ],
)
def test_a_kubernetes_minor_has_only_the_libraries_of_its_time(source, since):
    assert type_of(source, kubernetes_environment(since)) == "bool"
    message = refused(source, kubernetes_environment((since[0], since[1] - 1))).message
    assert message.endswith(f"; Kubernetes has it from {since[0]}.{since[1]}")


def test_mutating_policies_build_objects_and_patches():
    assert type_of("Object{spec: Object.spec{replicas: 1, ?paused: object.?x}}", MUTATING) == "Object"
    source = "[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: {'a': 1}}]"
    assert type_of(source, MUTATING) == "list(JSONPatch)"
    assert refused("JSONPatch{op: 1}", MUTATING).message == "op of JSONPatch must be string, not int"
    assert refused("JSONPatch{what: ''}", MUTATING).message == "JSONPatch has no field 'what'"


def test_names_resolve_in_the_container_first_and_comprehension_variables_before_all():
    env = standard_environment({"a.b.x": INT, "x": STRING, "a.x": BOOL, "y.z": BOOL}, container="a.b")
    assert type_of("x", env) == "int"
    assert type_of(".x", env) == "string"
    assert type_of("y.z", env) == "bool"
    assert type_of("[{'z': 1.0}].map(y, y.z)[0]", env) == "double"
    assert type_of("['s'].map(x, x)[0]", env) == "string"
    checked = check(parse("x"), env)
    assert checked.references[id(checked.node)] == "a.b.x"


def test_names_that_a_container_shortens_can_be_written_in_full():
    env = standard_environment({"a.b.x.y": INT, "x": STRING, "n": INT}, container="a.b")
    written = unparse(in_full(check(parse("[x.y + n, .n].map(x, x)"), env)))
    assert written == "[.a.b.x.y + n, .n].map(x, x)"
    assert type_of(written, env) == "list(int)"


def test_every_node_gets_a_type_and_every_call_its_overloads():
    node = parse("x + 1 > 2 && n + 1 > 2")
    checked = check(node, PLAIN)
    assert isinstance(node, Call)
    left, right = node.args
    assert checked.types[id(right.args[0])] == INT
    assert [str(way) for way in checked.overloads[id(right)]] == ["_>_(int, int) -> bool"]
    assert checked.references[id(left.args[0].args[0])] == "x"


def test_a_declared_function_is_resolved_with_its_type_parameters():
    param = TypeParam("T")
    pair = Overload("pair", (param, param), Opaque("pair", (param,)))
    env = standard_environment({"x": DYN}, functions=(pair,))
    assert type_of("pair(1, 2)", env) == "pair(int)"
    assert type_of("pair(1, x)", env) == "pair(dyn)"
    assert refused("pair(1, 'a')", env).message == "function pair does not take (int, string)"


def test_every_signature_of_the_tables_can_be_read():
    assert len(overloads("standard", "_+_")) == 9
    assert [str(way) for way in overloads("network", "string")] == [
        "string(net.IP) -> string",
        "string(net.CIDR) -> string",
    ]
    assert str(overloads("optional", "_[?_]")[-1]) == "_[?_](optional_type(map(A, B)), A) -> optional_type(B)"
    assert not overloads("math", "nope")
    assert set(KUBERNETES.libraries) < set(SINCE)


SOURCES = ["x", "n", "m", "w", "1", "1u", "1.0", "'a'", "null", "[]", "{}", "[x]", "optional.of(n)", "type(x)", "y"]
FORMS = [
    "({} + {})",
    "[{}, {}]",
    "({} == {})",
    "{}.filter(y, {})",
    "{}[{}]",
    "({} && {})",
    "{{{}: {}}}",
    "(x ? {} : {})",
]
FORMS += ["{}.optMap(y, {})", "{}.map(y, {})", "{}[?{}]", "cel.bind(y, {}, {})", "{}.orValue({})", "({} in {})"]


@given(
    st.recursive(
        st.sampled_from(SOURCES),
        lambda inner: st.builds(lambda form, a, b: form.format(a, b), st.sampled_from(FORMS), inner, inner),
        max_leaves=12,
    )
)
def test_any_expression_is_typed_or_refused(source):
    try:
        node = parse(source)
        checked = check(node, PLAIN, source)
    except CelError:
        return
    assert id(node) in checked.types
    assert not any(isinstance(found, TypeParam) for found in checked.types.values())
