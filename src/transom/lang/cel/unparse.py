"""Nodes back to CEL source, with no more parentheses than needed; comprehensions are written as macros."""

from __future__ import annotations

import re
from itertools import repeat
from typing import TYPE_CHECKING

from transom.lang.cel.lexer import KEYWORDS
from transom.lang.cel.parser import BINARY, CONDITIONAL, UNARY
from transom.lang.cel.syntax import (
    Bind,
    Call,
    Comprehension,
    Constant,
    Ident,
    Index,
    ListLiteral,
    MapLiteral,
    Node,
    Select,
    StructLiteral,
)
from transom.lang.cel.values import UInt

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_BINARY_SIGNS = {function: (power, sign) for sign, (power, function) in BINARY.items()}
_UNARY_SIGNS = {function: sign for sign, function in UNARY.items()}
_UNARY, _MEMBER = 6, 7  # bind tighter than every binary operator
_PLAIN_FIELD = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*\Z")
_UNPRINTED = re.compile(r'[\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def unparse(node: Node) -> str:
    """Return source that parses to the same node, offsets apart."""
    return _write(node, 0)


def _write(node: Node, level: int) -> str:
    """Write a node where only what binds at least as tightly as level may stand bare."""
    text, binds = _WRITERS[type(node)](node)
    return f"({text})" if binds < level else text


def _constant(node: Constant) -> tuple[str, int]:
    value = node.value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value], _MEMBER
    if isinstance(value, str):
        return _string(value), _MEMBER
    if isinstance(value, bytes):
        return 'b"' + "".join(map(_byte, value)) + '"', _MEMBER
    if isinstance(value, UInt):
        return f"{int(value)}u", _MEMBER
    return repr(value), _MEMBER


def _string(text: str) -> str:
    return '"' + _UNPRINTED.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}", text) + '"'


def _byte(code: int) -> str:
    character = chr(code)
    return character if 32 <= code < 127 and character not in '\\"' else f"\\x{code:02x}"


def _field_name(name: str) -> str:
    return name if _PLAIN_FIELD.match(name) and name not in KEYWORDS else f"`{name}`"


def _ident(node: Ident) -> tuple[str, int]:
    return node.name, _MEMBER


def _select(node: Select) -> tuple[str, int]:
    dot = ".?" if node.optional else "."
    text = _write(node.operand, _MEMBER) + dot + _field_name(node.field)
    return f"has({text})" if node.test else text, _MEMBER


def _index(node: Index) -> tuple[str, int]:
    return f"{_write(node.operand, _MEMBER)}[{'?' if node.optional else ''}{_write(node.index, 0)}]", _MEMBER


def _call(node: Call) -> tuple[str, int]:
    args = node.args
    if node.function == CONDITIONAL:
        return f"{_write(args[0], 1)} ? {_write(args[1], 1)} : {_write(args[2], 0)}", 0
    if sign := _UNARY_SIGNS.get(node.function):
        # `--x` would be read as `x`, and `-1` as a number
        bare = not _is_sign(args[0]) and not (sign == "-" and _is_number(args[0]))
        return sign + (_write(args[0], _MEMBER) if bare else f"({_write(args[0], 0)})"), _UNARY
    if node.function in ("_&&_", "_||_"):
        return _logic(node)
    if operator := _BINARY_SIGNS.get(node.function):
        power, sign = operator
        return f"{_write(args[0], power)} {sign} {_write(args[1], power + 1)}", power
    target = f"{_write(node.target, _MEMBER)}." if node.target else ""
    return f"{target}{node.function}({_several(args)})", _MEMBER


def _is_sign(node: Node) -> bool:
    return isinstance(node, Call) and node.function in _UNARY_SIGNS


def _is_number(node: Node) -> bool:
    """Say whether the text of a node begins with a number, which a minus sign before it would become a part of."""
    first: Node | None = node
    while first is not None and not isinstance(first, Constant):
        first = _first(first)
    return first is not None and isinstance(first.value, int | float) and not isinstance(first.value, bool)


def _first(node: Node) -> Node | None:
    """Return the node that the text of a member expression begins with."""
    if isinstance(node, Select):
        return None if node.test else node.operand
    if isinstance(node, Index):
        return node.operand
    if isinstance(node, Call):
        return node.target
    return node.range if isinstance(node, Comprehension) else None


def _logic(node: Call) -> tuple[str, int]:
    power, sign = _BINARY_SIGNS[node.function]
    terms = _terms(node, node.function)
    if _is_balanced(node, node.function, len(terms)):
        return f" {sign} ".join(map(_write, terms, repeat(power + 1))), power
    return f" {sign} ".join(map(_write, node.args, repeat(power + 1))), power


def _terms(node: Node, function: str) -> list[Node]:
    if not (isinstance(node, Call) and node.function == function):
        return [node]
    return _terms(node.args[0], function) + _terms(node.args[1], function)


def _is_balanced(node: Node, function: str, terms: int) -> bool:
    """Say whether the parser would build this very tree from a chain of so many terms without parentheses."""
    if terms == 1:
        return not (isinstance(node, Call) and node.function == function)
    if not (isinstance(node, Call) and node.function == function):
        return False
    left = (terms + 1) // 2
    return _is_balanced(node.args[0], function, left) and _is_balanced(node.args[1], function, terms - left)


def _list(node: ListLiteral) -> tuple[str, int]:
    parts = [("?" if i in node.optionals else "") + _write(element, 0) for i, element in enumerate(node.elements)]
    return f"[{', '.join(parts)}]", _MEMBER


def _map(node: MapLiteral) -> tuple[str, int]:
    parts = [f"{'?' if e.optional else ''}{_write(e.key, 0)}: {_write(e.value, 0)}" for e in node.entries]
    return f"{{{', '.join(parts)}}}", _MEMBER


def _struct(node: StructLiteral) -> tuple[str, int]:
    parts = [f"{'?' if f.optional else ''}{_field_name(f.name)}: {_write(f.value, 0)}" for f in node.fields]
    return f"{node.type_name}{{{', '.join(parts)}}}", _MEMBER


def _comprehension(node: Comprehension) -> tuple[str, int]:
    variables = [Ident(name=name) for name in (node.var, node.var2) if name]
    args = (*variables, *(part for part in (node.filter, node.step) if part is not None))
    return f"{_write(node.range, _MEMBER)}.{node.kind}({_several(args)})", _MEMBER


def _bind(node: Bind) -> tuple[str, int]:
    return f"cel.bind({node.var}, {_write(node.value, 0)}, {_write(node.body, 0)})", _MEMBER


def _several(nodes: tuple[Node, ...]) -> str:
    return ", ".join(map(_write, nodes, repeat(0)))  # a generator would be one frame more for each level


_WRITERS: dict[type[Node], Callable[[Any], tuple[str, int]]] = {
    Constant: _constant,
    Ident: _ident,
    Select: _select,
    Index: _index,
    Call: _call,
    ListLiteral: _list,
    MapLiteral: _map,
    StructLiteral: _struct,
    Comprehension: _comprehension,
    Bind: _bind,
}
