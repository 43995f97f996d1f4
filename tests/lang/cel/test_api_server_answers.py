"""Every expression has the value that the engine of the Kubernetes 1.36 API server gives it, in both tiers.

api_server_answers.json holds what that engine answered: values as in _shown, {"error"} of evaluation, {"refused"} by
its type checker.
"""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest

from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.errors import CelError, CelSyntaxError, CelTypeError
from transom.lang.cel.program import compile_expression
from transom.lang.cel.types import DYN
from transom.lang.cel.values import Duration, Optional, Timestamp, Type, UInt, from_key

ANSWERS = json.loads((Path(__file__).parent / "api_server_answers.json").read_text())
ENVIRONMENT = kubernetes_environment(variables=dict.fromkeys("abcxyz", DYN), mutation=True)

REFUSED, ERROR = {"refused": True}, {"error": True}
DELIBERATE = {
    # The engine remembers the zone in which a timestamp was written.
    'string(timestamp("2020-01-01T00:00:00+01:00"))': "2019-12-31T23:00:00Z",
    # Go's reader of times takes more than RFC 3339, and years beyond those of CEL.
    'string(timestamp("2020-01-01T1:00:00,5Z"))': REFUSED,
    'timestamp("2020-01-01T00:00:00Z").getHours("99:99")': ERROR,
    'timestamp("2020-01-01T00:00:00Z").getHours("Local")': ERROR,
    'timestamp("0001-01-01T00:00:00Z").getFullYear("-02:00")': ERROR,
    'timestamp("9999-12-31T23:00:00Z").getFullYear("+02:00")': ERROR,
    # The language definition and its conformance tests decide otherwise.
    "1 < 0.0/0.0": False,
    'double("NaN") < 1.0': False,
    '{"a":1,"a":2}': ERROR,
    "{dyn(null): 2}": ERROR,
    "{dyn([1]): 2}": ERROR,
    'null in dyn({1: "a"})': ERROR,
    "type([])": {"type": "list"},
    "type({})": {"type": "map"},
    '"abc".indexOf("c",4)': ERROR,
    '"abc".lastIndexOf("",5)': ERROR,
    '"abc".lastIndexOf("a",5)': ERROR,
    'duration("1.5s").getMilliseconds()': {"int": "500"},
    '"%s %d %.2f %x %e %b %o %X".format(["a", 1, 2.5, 255, 1.5, 5, 8, 255])': "a 1 2.50 ff 1.500000e+00 101 10 FF",
    '"%e".format([12345.678])': "1.234568e+04",
    '"%s".format([[1, "a", null, true, {"k": 1.5}]])': "[1, a, null, true, {k: 1.5}]",
    # To compare a value of a library with one of another type is an error there, false here.
    'dyn(ip("1.2.3.4")) == dyn("x")': False,
    'dyn(quantity("1")) == dyn(1)': False,
    # Protocol buffers do not occur in Kubernetes' objects.
    "google.protobuf.Int32Value{}": REFUSED,
}
"""Where the answers differ, and ours."""


def _cases() -> list[tuple[str, Any]]:
    cases = [(expression, answer) for expression, answer in ANSWERS["expressions"]]
    for group in ANSWERS["templates"]:
        for template, answers in group["answers"].items():
            for text, answer in zip(group["inputs"], answers, strict=True):
                cases.append((template % json.dumps(text, ensure_ascii=False), answer))
    return [(expression, DELIBERATE.get(expression, answer)) for expression, answer in cases]


def _shown(value: Any) -> Any:
    """Return a value as the recorded answers write it."""
    kind = value.__class__
    if value is None or kind in (bool, str):
        return value
    if kind in (int, UInt):
        return {"int" if kind is int else "uint": str(int(value))}
    if kind is float:
        return {"double": "nan" if math.isnan(value) else repr(value)}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, Timestamp):
        seconds, nanoseconds = divmod(value.nanoseconds, 10**9)
        return {"timestamp": f"{seconds}.{nanoseconds:09}"}
    if isinstance(value, Duration):
        return {"duration": str(value.nanoseconds)}
    if isinstance(value, Optional):
        return {"optional": [_shown(value.value)] if value.present else []}
    if isinstance(value, Type):
        return {"type": value.name}
    if isinstance(value, list | tuple):
        return [_shown(element) for element in value]
    if isinstance(value, dict):
        return {"map": sorted(([_shown(from_key(key)), _shown(item)] for key, item in value.items()), key=repr)}
    return {"other": value.cel_type}


def _answer(expression: str, exactly: bool) -> Any:
    try:
        program = compile_expression(expression, ENVIRONMENT)
    except (CelSyntaxError, CelTypeError):
        return {"refused": True}
    try:
        return _shown(program.exactly({}) if exactly else program({}))
    except CelError:
        return {"error": True}


@pytest.mark.parametrize("exactly", [False, True], ids=["generated", "exact"])
def test_answers_are_those_of_the_api_server(exactly: bool) -> None:
    wrong = []
    for expression, answer in _cases():
        found = _answer(expression, exactly)
        if found != answer:
            wrong.append((expression, answer, found))
    assert wrong == []
