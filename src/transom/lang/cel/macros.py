"""CEL's macros: calls that the parser turns into nodes of their own.

The standard ones, optMap and optFlatMap, two-variable comprehensions, cel.bind and sortBy. A call with another number
of arguments than its macro takes stays a call, as in cel-go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from transom.lang.cel.syntax import Bind, Call, Comprehension, Ident, MacroKind, Node, Select


class MacroError(Exception):
    """A macro used in a way that it does not allow; node is where."""

    def __init__(self, message: str, node: Node) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


Expander = Callable[[Call], Node | None]
"""Returns the node that stands for a call, or None where the call is no macro after all; raises MacroError."""

_ACCUMULATORS = frozenset(("__result__", "@result"))  # names that cel-go keeps for itself


def variable(node: Node) -> str:
    """Return the name that a macro's variable argument declares."""
    if not isinstance(node, Ident) or node.name.startswith("."):
        raise MacroError("the macro's variable must be a simple name", node)
    if node.name in _ACCUMULATORS:
        raise MacroError(f"{node.name} cannot be used as a variable", node)
    return node.name


def _has(call: Call) -> Node:
    field = call.args[0]
    if not isinstance(field, Select) or field.optional or field.test:
        raise MacroError("has() takes a field selection such as has(object.spec)", field)
    return Select(operand=field.operand, field=field.field, test=True, start=call.start, end=call.end)


def _comprehension(kind: str, variables: int, with_filter: bool, with_step: bool, call: Call) -> Node:
    names = [variable(node) for node in call.args[:variables]]
    if variables == 2 and names[0] == names[1]:
        raise MacroError("the two variables must have different names", call.args[1])
    assert call.target is not None
    return Comprehension(
        kind=cast("MacroKind", kind),
        range=call.target,
        var=names[0],
        var2=names[1] if variables == 2 else "",
        filter=call.args[variables] if with_filter else None,
        step=call.args[-1] if with_step else None,
        start=call.start,
        end=call.end,
    )


def _bind(call: Call) -> Node | None:
    if not isinstance(call.target, Ident) or call.target.name != "cel":
        return None
    name, value, body = call.args
    return Bind(var=variable(name), value=value, body=body, start=call.start, end=call.end)


def _methods() -> dict[tuple[str, bool, int], Expander]:
    shapes = [
        # macro, kind, variables, filter, step
        ("all", "all", 1, True, False),
        ("exists", "exists", 1, True, False),
        ("exists_one", "exists_one", 1, True, False),
        ("existsOne", "exists_one", 1, True, False),
        ("filter", "filter", 1, True, False),
        ("map", "map", 1, False, True),
        ("map", "map", 1, True, True),
        ("sortBy", "sortBy", 1, False, True),
        ("optMap", "optMap", 1, False, True),
        ("optFlatMap", "optFlatMap", 1, False, True),
        ("all", "all", 2, True, False),
        ("exists", "exists", 2, True, False),
        ("exists_one", "exists_one", 2, True, False),
        ("existsOne", "exists_one", 2, True, False),
        ("transformList", "transformList", 2, False, True),
        ("transformList", "transformList", 2, True, True),
        ("transformMap", "transformMap", 2, False, True),
        ("transformMap", "transformMap", 2, True, True),
        ("transformMapEntry", "transformMapEntry", 2, False, True),
        ("transformMapEntry", "transformMapEntry", 2, True, True),
    ]
    return {
        (name, True, variables + with_filter + with_step): partial(
            _comprehension, kind, variables, with_filter, with_step
        )
        for name, kind, variables, with_filter, with_step in shapes
    }


MACROS: Mapping[tuple[str, bool, int], Expander] = {("has", False, 1): _has, ("bind", True, 3): _bind, **_methods()}
"""Expanders by function name, whether it is called as a method, and the number of arguments."""


def expand(call: Call, macros: Mapping[tuple[str, bool, int], Expander]) -> Node:
    """Return what a call stands for: a macro's node, or the call itself; raises MacroError."""
    expander = macros.get((call.function, call.target is not None, len(call.args)))
    if expander is None:
        return call
    return expander(call) or call
