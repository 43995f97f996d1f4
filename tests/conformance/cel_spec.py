"""The CEL specification's own tests (google/cel-spec, tests/simple/testdata): parse, check, evaluate in both tiers.

A case that needs a protobuf message, wrapper, enum or extension is counted as unsupported with that reason, and so is
what Kubernetes decided otherwise. In every other case both tiers must give the expected value, type or error.
"""

from __future__ import annotations

import importlib.util
import math
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from transom.lang.cel import types, values
from transom.lang.cel.check import check
from transom.lang.cel.declarations import Overload
from transom.lang.cel.environment import Environment, standard_environment
from transom.lang.cel.errors import CelSyntaxError, CelTypeError, EvaluationError
from transom.lang.cel.exact import evaluate
from transom.lang.cel.macros import MACROS
from transom.lang.cel.parser import parse
from transom.lang.cel.program import compile_expression
from transom.lang.cel.syntax import Bind, Call, Constant, Ident, ListLiteral, Node
from transom.lang.cel.unparse import unparse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNSUPPORTED = {
    "protobuf extensions": re.compile(r"proto\.(get|has)Ext\b|proto2\.\w*_ext\b|ExtensionsMessage"),
    "protobuf enums": re.compile(r"\w*Enum\b|enum_value"),
    "protobuf wrappers and JSON messages": re.compile(
        r"google\.protobuf\.(\w*Value|Any|Struct)\b|\b\w*Value\s*\{|wrapper: |well_known: ANY"
    ),
    "protobuf messages": re.compile(
        r"\w*TestAllTypes|TestRequired|google\.protobuf\.\w+\s*\{|cel\.expr\.conformance"
        r"|message_type: (?!google\.protobuf\.(Timestamp|Duration)\b)"
    ),
}
"""What of protobuf a case may need, told by its text."""

REFUSED_BY_KUBERNETES = re.compile(r"ip\('::ffff:c0a8:1'\) ==")
"""Kubernetes refuses an IPv4-mapped address however it is written; cel-spec, only where its end is dotted."""


class Case(NamedTuple):
    """One test: where it stands, and its fields as the file has them."""

    where: str
    fields: Mapping[str, list[Any]]

    def text(self, name: str, default: str = "") -> str:
        """Return a string field."""
        found = self.fields.get(name)
        return found[0].decode() if found else default

    def flag(self, name: str) -> bool:
        """Return a bool field."""
        return self.fields.get(name) == ["true"]


def run(corpora: Path) -> list[dict[str, Any]]:
    """Score every case; returns one row."""
    agree = 0
    unsupported: Counter[str] = Counter()
    differences: list[str] = []
    cases = list(read_cases(corpora / "cel-spec" / "tests" / "simple" / "testdata"))
    for case in cases:
        reason = unsupported_part(case)
        if difference := misread(case) if reason else judge(case):
            differences.append(f"{case.where}: {difference}")
        elif reason:
            unsupported[reason] += 1
        else:
            agree += 1
    return [
        {
            "corpus": "cel-spec",
            "cases": len(cases),
            "agree": agree,
            "differ": len(differences),
            "unsupported": dict(unsupported),
            "differences": differences,
        }
    ]


def read_cases(folder: Path) -> Iterator[Case]:
    """Yield every test of every file in a folder."""
    textproto = _sibling("textproto")
    for path in sorted(folder.glob("*.textproto")):
        for section in textproto.parse(path.read_text(encoding="utf-8")).get("section", []):
            for fields in section.get("test", []):
                name = f"{path.stem}/{section['name'][0].decode()}/{fields['name'][0].decode()}"
                yield Case(name, fields)


def _sibling(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"conformance_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def unsupported_part(case: Case) -> str:
    """Return what a case needs that there is not, "" where it needs nothing."""
    told = {name: found for name, found in case.fields.items() if name not in ("name", "description", "container")}
    text = _flat(told)
    if REFUSED_BY_KUBERNETES.search(text):
        return "IPv4-mapped addresses in hexadecimal, which Kubernetes refuses"
    return next((reason for reason, pattern in UNSUPPORTED.items() if pattern.search(text)), "")


def _flat(value: Any) -> str:
    """Write a message in one line: `type: primitive: BOOL`; the types that we know of protobuf's own are left out."""
    if isinstance(value, dict):
        return " ".join(f"{name}: {_flat(each)}" for name, found in value.items() for each in found if _told(name))
    if isinstance(value, list):
        return " ".join(map(_flat, value))
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _told(name: str) -> bool:
    return name not in (
        "[type.googleapis.com/google.protobuf.Timestamp]",
        "[type.googleapis.com/google.protobuf.Duration]",
    )


def misread(case: Case) -> str:
    """Return why a case cannot even be parsed, "" where it can; messages or not, the syntax is ours to know."""
    try:
        parse(case.text("expr"), BLOCK_MACROS)
    except CelSyntaxError as error:
        return f"refused: {error}"
    return ""


def judge(case: Case) -> str:
    """Return how the outcome of a case differs from what it expects, "" where it does not."""
    env = environment(case)
    source = case.text("expr")
    try:
        node = parse(source, BLOCK_MACROS)
        checked = None if case.flag("disable_check") else check(node, env, source)
    except CelTypeError as error:
        return "" if "eval_error" in case.fields else f"refused: {error}"
    except CelSyntaxError as error:
        return f"refused: {error}"
    deduced = case.fields.get("typed_result", [{}])[0].get("deduced_type")
    if deduced and checked and checked.type != static_type(deduced[0]):
        return f"type is {checked.type}, not {static_type(deduced[0])}"
    if case.flag("check_only"):
        return ""
    activation = {pair["key"][0].decode(): _bound(pair["value"][0]) for pair in case.fields.get("bindings", [])}
    return _evaluated(case, node, activation)


def environment(case: Case) -> Environment:
    """Return the environment that a case declares."""
    variables: dict[str, types.Type] = {}
    functions: list[Overload] = []
    for declared in case.fields.get("type_env", []):
        name = declared["name"][0].decode()
        if "ident" in declared:
            variables[name] = static_type(declared["ident"][0]["type"][0])
        for function in declared.get("function", []):
            functions += [_overload(name, each) for each in function["overloads"]]
    return standard_environment(variables, case.text("container"), tuple(functions))


def _overload(name: str, declared: Mapping[str, list[Any]]) -> Overload:
    return Overload(
        function=name,
        params=tuple(map(static_type, declared.get("params", []))),
        result=static_type(declared["result_type"][0]),
        method=declared.get("is_instance_function") == ["true"],
    )


_PRIMITIVES = {
    "BOOL": types.BOOL,
    "INT64": types.INT,
    "UINT64": types.UINT,
    "DOUBLE": types.DOUBLE,
    "STRING": types.STRING,
    "BYTES": types.BYTES,
    "TIMESTAMP": types.TIMESTAMP,
    "DURATION": types.DURATION,
}


def static_type(written: Mapping[str, list[Any]]) -> types.Type:
    """Return the type that a cel.expr.Type message names."""
    ((kind, (found, *_)),) = written.items()
    if kind in ("primitive", "well_known"):
        return _PRIMITIVES[found]
    if kind == "list_type":
        return types.ListType(static_type(found["elem_type"][0]))
    if kind == "map_type":
        return types.MapType(static_type(found["key_type"][0]), static_type(found["value_type"][0]))
    if kind == "type_param":
        return types.TypeParam(found.decode())
    if kind == "message_type":
        return types.DURATION if found.endswith(b"Duration") else types.TIMESTAMP
    if kind == "type":
        return types.TypeType(static_type(found) if found else types.DYN)
    if kind == "abstract_type":
        name, params = found["name"][0].decode(), tuple(map(static_type, found.get("parameter_types", [])))
        return types.OptionalType(*params) if name == "optional_type" else types.Opaque(name, params)
    return {"dyn": types.DYN, "null": types.NULL}[kind]


# evaluation


def _evaluated(case: Case, node: Node, activation: Mapping[str, object]) -> str:
    env = environment(case)
    exact = _outcome(lambda: evaluate(node, activation, env=env))
    if difference := _difference(case, exact):
        return f"exactly evaluated: {difference}"
    if case.flag("disable_check"):
        return ""
    generated = _outcome(lambda: compile_expression(unparse(node), env)(activation))
    if difference := _difference(case, generated):
        return f"generated: {difference}"
    return ""


def _outcome(evaluation: Any) -> Any:
    """Return a value, or the error that came instead; one that is no EvaluationError is never right."""
    try:
        return evaluation()
    except Exception as error:
        return error


def _difference(case: Case, outcome: Any) -> str:
    if "eval_error" in case.fields:
        return "" if isinstance(outcome, EvaluationError) else f"{outcome!r} instead of an error"
    if "typed_result" in case.fields:
        wanted = _value(case.fields["typed_result"][0]["result"][0])
    else:
        wanted = _value(case.fields["value"][0]) if "value" in case.fields else True
    return "" if _same(outcome, wanted) else f"{outcome!r} instead of {wanted!r}"


def _bound(binding: Mapping[str, list[Any]]) -> object:
    return _value(binding["value"][0])


def _value(written: Mapping[str, list[Any]]) -> object:
    """Return the value that a cel.expr.Value message holds."""
    ((kind, (found, *_)),) = written.items()
    if kind == "list_value":
        return [_value(each) for each in found.get("values", [])]
    if kind == "map_value":
        pairs = [(_value(each["key"][0]), _value(each["value"][0])) for each in found.get("entries", [])]
        return {_key(key): value for key, value in pairs}
    if kind == "object_value":
        return _well_known(found)
    return _SCALARS[kind](found)


def _key(key: object) -> object:
    return values.BOOL_KEYS[key] if isinstance(key, bool) else key


def _well_known(written: Mapping[str, list[Any]]) -> object:
    """Return a Timestamp or Duration that is packed as a message."""
    ((name, (found, *_)),) = written.items()
    nanoseconds = found.get("seconds", [0])[0] * 10**9 + found.get("nanos", [0])[0]
    return (values.Timestamp if "Timestamp" in name else values.Duration)(nanoseconds)


_SCALARS: dict[str, Any] = {
    "null_value": lambda _: None,
    "bool_value": lambda found: found == "true",
    "int64_value": int,
    "uint64_value": values.UInt,
    "double_value": float,
    "string_value": lambda found: found.decode(),
    "bytes_value": lambda found: found,
    "type_value": lambda found: values.Type(found.decode()),
}


def _same(found: object, wanted: object) -> bool:
    """Say whether two values are one in type and value; NaN is NaN."""
    if isinstance(wanted, list):
        both = isinstance(found, list | tuple) and len(found) == len(wanted)
        return both and all(map(_same, found, wanted))
    if isinstance(wanted, dict):
        if not isinstance(found, dict) or len(found) != len(wanted):
            return False
        return all(any(_same(k, key) and _same(v, value) for k, v in found.items()) for key, value in wanted.items())
    if isinstance(wanted, float) and math.isnan(wanted):
        return isinstance(found, float) and math.isnan(found)
    return type(found) is type(wanted) and found == wanted


# cel.block, cel.index, cel.iterVar and cel.accuVar: how cel-spec writes expressions whose common parts were taken out


def _block(call: Call) -> Node:
    slots, body = call.args
    assert isinstance(slots, ListLiteral)
    for index in range(len(slots.elements) - 1, -1, -1):
        body = Bind(var=f"index_{index}", value=slots.elements[index], body=body, start=call.start, end=call.end)
    return body


def _named(prefix: str) -> Any:
    def expand(call: Call) -> Node:
        numbers = "_".join(str(arg.value) for arg in call.args if isinstance(arg, Constant))
        return Ident(name=f"{prefix}_{numbers}", start=call.start, end=call.end)

    return expand


BLOCK_MACROS = {
    **MACROS,
    ("block", True, 2): _block,
    ("index", True, 1): _named("index"),
    ("iterVar", True, 2): _named("iter"),
    ("accuVar", True, 2): _named("accu"),
}
