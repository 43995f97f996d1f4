"""An upper bound on what an expression costs by the API server's count, so that generated code need not count.

A loop's bound is its length times the weight of its body. Where the bound stays below the API server's limit the count
does too; where it does not, the exact evaluator counts.
"""

from __future__ import annotations

from math import prod

from transom.lang.cel.guards import FEW, LARGE
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
)
from transom.model.limits import CEL_CALL_COST

WEIGHT_LIMIT = CEL_CALL_COST

_PER_TURN = 16  # loop condition, loop step, accumulator, and 10 for a list that grows by one
_LITERAL = 40  # cel-go asks 10 for a list, 30 for a map, 40 for a message
_COPYING = 200  # `+` and calls on up to LARGE characters at 0.1 each
_UNKNOWN_PATTERN = 20_000  # a regular expression of 400 characters over LARGE characters
_PATTERNS = frozenset(("matches", "find", "findAll"))
PRODUCTS = frozenset(("sets.contains", "sets.intersects", "sets.equivalent"))
"""Functions that compare all elements of one list with all of another."""
_CHEAP = frozenset(
    ("_&&_", "_||_", "!_", "_?_:_", "_<_", "_<=_", "_>_", "_>=_", "-_", "_-_", "_*_", "_/_", "_%_", "size")
)


def weight(node: Node) -> int:
    """Return what one evaluation of a node costs at most; loops count once, for their bodies account for themselves."""
    if isinstance(node, Select):
        return 1 + weight(node.operand)
    if isinstance(node, Index):
        return 2 + weight(node.operand) + weight(node.index)
    if isinstance(node, Call):
        target = weight(node.target) if node.target else 0
        return _call(node) + target + sum(map(weight, node.args))
    if isinstance(node, Comprehension):
        return 10 + weight(node.range) + turn(node)
    if isinstance(node, ListLiteral):
        return _LITERAL + sum(map(weight, node.elements))
    if isinstance(node, MapLiteral):
        return _LITERAL + sum(weight(entry.key) + weight(entry.value) for entry in node.entries)
    return 10 + weight(node.value) + weight(node.body) if isinstance(node, Bind) else 1


def turn(node: Comprehension) -> int:
    """Return what one turn of a comprehension costs at most."""
    return _PER_TURN + sum(weight(part) for part in (node.filter, node.step) if part)


def _call(node: Call) -> int:
    if node.function in _CHEAP:
        return 2
    if node.function in ("_==_", "_!=_"):
        return 2 if any(isinstance(arg, Constant) for arg in node.args) else LARGE
    if node.function == "@in":
        return len(node.args[1].elements) + 2 if isinstance(node.args[1], ListLiteral) else LARGE
    if node.function in _PATTERNS:
        pattern = node.args[-1] if node.args else None
        text = pattern.value if isinstance(pattern, Constant) else None
        return _COPYING * (len(text) // 4 + 1) if isinstance(text, str) else _UNKNOWN_PATTERN
    if isinstance(node.target, Ident) and f"{node.target.name}.{node.function}" in PRODUCTS:
        pairs = prod(len(each.elements) if isinstance(each, ListLiteral) else FEW for each in node.args)
        return max(pairs * (2 if node.function == "equivalent" else 1), _COPYING)
    if node.function == "contains":
        part = node.args[-1] if node.args else None
        text = part.value if isinstance(part, Constant) else None
        return _COPYING * (len(text) // 10 + 1) if isinstance(text, str) else _COPYING * _COPYING
    return _COPYING
