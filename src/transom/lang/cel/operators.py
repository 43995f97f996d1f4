"""How operators and the commonest functions look in generated Python; all others are calls of the libraries.

Each writer returns a Python expression that is CEL's value or raises, or None where it has no better form than a call.
What is known of an operand (its kind) decides between Python's operator and a guard.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.lang.cel.backtracking import LONGEST, translated
from transom.lang.cel.guards import LARGE
from transom.lang.cel.syntax import Call, Constant, Ident, ListLiteral, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from transom.lang.cel.generate import Emitter

DYN = "dyn"
BOOL = "bool"
INT = "int"
DOUBLE = "double"
STRING = "string"
LIST = "list"
MAP = "map"
NULL = "null"
BYTES = "bytes"


class Code(Struct, frozen=True):
    """A Python expression, safe to put between any two operators, and what is known of its value."""

    text: str
    kind: str = DYN


_EXACT = 2**53  # below, a double equals an int in CEL just where Python says so
_KINDS = {bool: BOOL, int: INT, float: DOUBLE, str: STRING, type(None): NULL, bytes: BYTES}


def constant(value: object) -> Code:
    """Write a literal."""
    kind = _KINDS.get(type(value))
    if kind is None or (isinstance(value, float) and not math.isfinite(value)):
        return Code(f"library('uint', False)({int(value)})") if isinstance(value, int) else Code("reject()")
    return Code(repr(value), kind)


def _equality(emitter: Emitter, node: Call) -> Code:
    left, right = (emitter.value(arg) for arg in node.args)
    text = _equal(emitter, left, right, node.args[0], node.args[1])
    return Code(text if node.function == "_==_" else f"(not {text})", BOOL)


def _equal(emitter: Emitter, left: Code, right: Code, left_node: Node, right_node: Node) -> str:
    if isinstance(left_node, Constant) and not isinstance(right_node, Constant):
        left, right, right_node = right, left, left_node
    if left.kind == right.kind and left.kind in (BOOL, INT, STRING):
        return f"({left.text} == {right.text})"
    if STRING in (left.kind, right.kind) or NULL in (left.kind, right.kind):
        return f"({left.text} == {right.text})"
    if isinstance(right_node, Constant) and left.kind == DYN:
        return _equals_constant(emitter, left.text, right_node.value) or f"equal({left.text}, {right.text})"
    return f"equal({left.text}, {right.text})"


def _equals_constant(emitter: Emitter, text: str, value: object) -> str | None:
    t = emitter.fresh("t")
    if isinstance(value, bool):
        return f"(({t} := {text}) is {value} or {t} is not {not value} and different({t}))"
    if type(value) is int and value in (0, 1):
        return f"(({t} := {text}) == {value} and {t} is not {bool(value)})"
    if type(value) is int and abs(value) < _EXACT:
        return f"({text} == {value})"
    return None


def _constants(node: Node) -> list[object]:
    """Return the values of a list of literals; empty for any other node."""
    if not isinstance(node, ListLiteral) or node.optionals:
        return []
    found = [each.value for each in node.elements if isinstance(each, Constant)]
    return found if len(found) == len(node.elements) else []


def _membership(emitter: Emitter, node: Call) -> Code:
    value, collection = node.args
    left = emitter.value(value)
    values = _constants(collection)
    if values:
        members = "{" + ", ".join(map(repr, values)) + "}"
        if all(isinstance(each, str) for each in values):
            return Code(f"({left.text} in {members})", BOOL)
        if all(type(each) is int and abs(each) < _EXACT for each in values):
            t = emitter.fresh("t")
            return Code(f"(({t} := {left.text}) in {members} and {t}.__class__ is not bool)", BOOL)
    right = emitter.text(collection)
    if left.kind != STRING:
        return Code(f"within({left.text}, {right})", BOOL)
    t = emitter.fresh("t")
    return Code(f"({left.text} in {t} if ({t} := {right}).__class__ is dict else within({left.text}, {t}))", BOOL)


_ORDERINGS = ("_<_", "_<=_", "_>_", "_>=_")


def _ordering(emitter: Emitter, node: Call) -> Code:
    left, right = (emitter.value(arg) for arg in node.args)
    sign = node.function.strip("_")
    if left.kind == right.kind and left.kind in (INT, STRING, DOUBLE):
        return Code(f"({left.text} {sign} {right.text})", BOOL)
    t = emitter.fresh("t")
    if right.kind == INT and isinstance(node.args[1], Constant):
        return Code(f"({t} {sign} {right.text} if ({t} := {left.text}).__class__ is int else reject())", BOOL)
    if left.kind == INT and isinstance(node.args[0], Constant):
        return Code(f"({left.text} {sign} {t} if ({t} := {right.text}).__class__ is int else reject())", BOOL)
    first, second = (left, right) if sign in ("<", "<=") else (right, left)
    return Code(f"{'at_most' if '=' in sign else 'less'}({first.text}, {second.text})", BOOL)


_ARITHMETIC = {"_+_": "add", "_-_": "subtract", "_*_": "multiply", "_/_": "divide", "_%_": "remainder", "-_": "negate"}


def _arithmetic(emitter: Emitter, node: Call) -> Code:
    codes = [emitter.value(arg) for arg in node.args]
    kinds = {code.kind for code in codes} - {DYN}
    certain = kinds & {STRING, LIST, INT, DOUBLE} if node.function == "_+_" else kinds & {INT, DOUBLE}
    kind = certain.pop() if len(certain) == 1 and len(kinds) == 1 else DYN
    if node.function in ("_/_", "_%_"):
        kind = INT
    return Code(f"{_ARITHMETIC[node.function]}({', '.join(code.text for code in codes)})", kind)


def _size(emitter: Emitter, node: Call) -> Code:
    return Code(f"len({emitter.text(node.target or node.args[0])})", INT)


def _affix(emitter: Emitter, node: Call) -> Code | None:
    """`x.startsWith(y)`: Python would take a tuple for y, so its kind must be known."""
    assert node.target is not None
    argument = emitter.value(node.args[0])
    if argument.kind != STRING:
        return None
    return Code(f"{emitter.receiver(node.target, STRING)}.{node.function.lower()}({argument.text})", BOOL)


def _contains(emitter: Emitter, node: Call) -> Code | None:
    """`x.contains(y)`: Python's `in` would look into lists and maps too, find() is a method of strings only."""
    part = node.args[0]
    if not isinstance(part, Constant) or not isinstance(part.value, str) or node.target is None:
        return None
    t = emitter.fresh("t")
    found = f"{t}.find({part.value!r}) >= 0"
    return Code(f"({found} if len({t} := {emitter.receiver(node.target, STRING)}) <= {LARGE} else reject())", BOOL)


def _matches(emitter: Emitter, node: Call) -> Code | None:
    """`x.matches("pattern")`: a plain pattern is Python's own, on texts that are not long; all else is RE2's."""
    pattern = node.args[-1]
    original = pattern.value if isinstance(pattern, Constant) else None
    plain = translated(original) if isinstance(original, str) else None
    if plain is None:
        return None
    t = emitter.fresh("t")
    general = f"library('matches', True)(small({t}), {original!r})"
    text = emitter.text(node.target or node.args[0])
    search = emitter.pattern(plain)
    return Code(f"({search}({t}) is not None if len({t} := {text}) <= {LONGEST} else {general})", BOOL)


def _dyn(emitter: Emitter, node: Call) -> Code | None:
    return Code(emitter.text(node.args[0])) if node.target is None else None


_CLASSES = {"string": "str", "int": "int", "bool": "bool", "double": "float", "list": "list", "map": "dict"}


def _type_comparison(emitter: Emitter, node: Call) -> Code | None:
    """`type(x) == string`, and its opposite."""
    for one, other in (node.args, node.args[::-1]):
        if not (isinstance(one, Call) and one.function == "type" and one.target is None and isinstance(other, Ident)):
            continue
        if other.name in _CLASSES and other.name not in emitter.scope and other.name not in emitter.variables:
            text = f"is_a({emitter.text(one.args[0])}, {_CLASSES[other.name]})"
            return Code(text if node.function == "_==_" else f"(not {text})", BOOL)
    return None


def _compared(emitter: Emitter, node: Call) -> Code:
    return _type_comparison(emitter, node) or _equality(emitter, node)


KNOWN_CALLS: dict[tuple[str, int], Callable[[Emitter, Call], Code | None]] = {
    # function, number of operands with the receiver
    ("_==_", 2): _compared,
    ("_!=_", 2): _compared,
    ("@in", 2): _membership,
    **dict.fromkeys([(sign, 2) for sign in _ORDERINGS], _ordering),
    **dict.fromkeys([(sign, 1 if sign == "-_" else 2) for sign in _ARITHMETIC], _arithmetic),
    ("size", 1): _size,
    ("startsWith", 2): _affix,
    ("endsWith", 2): _affix,
    ("contains", 2): _contains,
    ("matches", 2): _matches,
    ("dyn", 1): _dyn,
}
