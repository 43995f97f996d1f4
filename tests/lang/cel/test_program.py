"""Programs: two tiers as one, storage, lazy variables."""

from __future__ import annotations

import marshal
import subprocess
import sys
from typing import Any

import pytest

from bench.cel import EXPRESSIONS, POD
from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.errors import CannotKnow, CelSyntaxError, CelTypeError, CostExceeded, EvaluationError
from transom.lang.cel.program import LazyVariables, Program, compile_expression
from transom.lang.cel.types import BOOL, DYN, STRING, ListType, MapType
from transom.lang.cel.values import Unknown

ENVIRONMENT = kubernetes_environment()


def compiled(source: str) -> Program:
    return compile_expression(source, ENVIRONMENT)


def test_realistic_expressions_never_need_the_exact_evaluator() -> None:
    needed = []
    for source in EXPRESSIONS:
        program = compiled(source)
        value = program.exactly({"object": POD})
        try:
            assert program.run({"object": POD}) == value, source
        except AssertionError:
            raise
        except Exception:
            needed.append(source)
    assert needed == []


def test_what_generated_code_cannot_do_the_exact_evaluator_does() -> None:
    assert compiled("object.a < object.b")({"object": {"a": 1, "b": 1.5}}) is True
    assert compiled("object.x || object.a")({"object": {"a": True}}) is True
    assert compiled("[object.a].all(x, object.missing) || true")({"object": {"a": 1}}) is True


def test_an_error_is_an_evaluation_error() -> None:
    with pytest.raises(EvaluationError):
        compiled("object.missing == 1")({"object": {}})


def test_an_unknown_value_is_said_to_be_unknown() -> None:
    with pytest.raises(CannotKnow):
        compiled("request.userInfo.username == 'x'")({"request": {"userInfo": Unknown("who asks")}})
    assert compiled("request.userInfo.username == 'x' || true")({"request": {"userInfo": Unknown("who asks")}}) is True


def test_a_costly_expression_is_stopped() -> None:
    with pytest.raises(CostExceeded):
        compiled("object.all(x, object.all(y, x + y >= 0))")({"object": list(range(1000))})


def test_an_expression_too_deep_for_python_is_evaluated_exactly() -> None:
    source = "object" + "[0]" * 200
    value: Any = 1
    for _ in range(200):
        value = [value]
    assert compiled(source)({"object": value}) == 1


def test_many_nested_loops_are_evaluated_exactly() -> None:
    source = "object == 1"
    for depth in range(25):
        source = f"[1].all(x{depth}, {source})"
    assert compiled(source)({"object": 1}) is True


def test_a_long_chain_of_operators_compiles() -> None:
    assert compiled(" && ".join(["object.a == 1"] * 500))({"object": {"a": 1}}) is True


def test_the_expected_type_is_asked_for_exactly() -> None:
    assert compile_expression("object.a == 1", ENVIRONMENT, BOOL).type == BOOL
    with pytest.raises(CelTypeError, match="bool"):
        compile_expression("object.a", ENVIRONMENT, BOOL)


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(CelSyntaxError):
        compiled("object.")
    with pytest.raises(CelTypeError):
        compiled("nothing == 1")


@pytest.mark.parametrize("source", EXPRESSIONS[::7])
def test_a_stored_program_does_the_same(source: str) -> None:
    program = compiled(source)
    loaded = Program.load(marshal.loads(marshal.dumps(program.dump())))
    assert loaded({"object": POD}) == program({"object": POD})
    assert (loaded.source, loaded.type, loaded.node) == (program.source, program.type, program.node)
    outcome = program({"object": POD})
    assert loaded.witnesses({"object": POD}, outcome) == program.witnesses({"object": POD}, outcome)


@pytest.mark.parametrize(
    "source", ["object", "[object.a]", "{'a': [request.name]}", "object.?a", "request.userInfo", "type(1)"]
)
def test_every_type_is_stored(source: str) -> None:
    program = compiled(source)
    assert Program.load(marshal.loads(marshal.dumps(program.dump()))).type == program.type


def test_a_stored_program_neither_parses_nor_checks() -> None:
    stored = marshal.dumps(compiled("object.spec.containers.all(c, has(c.image))").dump())
    script = (
        "import marshal, sys\n"
        "from transom.lang.cel.program import Program\n"
        "program = Program.load(marshal.loads(sys.stdin.buffer.read()))\n"
        "assert program({'object': {'spec': {'containers': [{'image': 'x'}]}}}) is True\n"
        "print(*sorted(name for name in sys.modules if name.startswith('transom.lang.cel.')))"
    )
    answer = subprocess.run([sys.executable, "-c", script], input=stored, capture_output=True, check=True)
    loaded = {name.rpartition(".")[2] for name in answer.stdout.decode().split()}
    assert not loaded & {"parser", "lexer", "check", "types", "declarations", "exact", "generate", "functions"}


def test_variables_remember_their_errors() -> None:
    names: dict[str, Any] = {"object": {}}
    variables = LazyVariables({"broken": compiled("object.a.b == 1")}, names)
    names["variables"] = variables
    with pytest.raises(EvaluationError) as first:
        variables["broken"]
    with pytest.raises(EvaluationError) as second:
        variables["broken"]
    assert first.value is second.value


def test_a_variable_may_read_those_before_it() -> None:
    env = kubernetes_environment(typed_variables={"names": ListType(STRING), "first": STRING})
    programs = {
        "names": compile_expression("object.names", env),
        "first": compile_expression("variables.names[0]", env),
    }
    names: dict[str, Any] = {"object": {"names": ["a"]}}
    names["variables"] = LazyVariables(programs, names)
    program = compile_expression("variables.first == 'a'", env, BOOL)
    assert program(names) is True
    assert program.exactly(names) is True


def test_an_unknown_variable_is_an_error_of_cel() -> None:
    names: dict[str, Any] = {"object": {}}
    names["variables"] = LazyVariables({}, names)
    with pytest.raises(EvaluationError):
        Program.compile("variables.x", compiled("object.x").node, ("variables", "object"), DYN)(names)


def test_the_value_is_the_inputs_own_object() -> None:
    data = {"a": [1, 2]}
    assert compiled("object.a")({"object": data}) is data["a"]
    assert compiled("object.a").type == DYN
    assert compiled("{'x': 1}").type == MapType(STRING, compiled("1").type)
