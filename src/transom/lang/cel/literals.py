"""What the API server asks of literals beyond their types: cel-go's validators, which Kubernetes runs since 1.29.

Constant durations, timestamps and patterns must be valid; the elements of a literal have one type, dyn being a type of
its own here, except anywhere in a call of format(); what format() is given in a literal must be what its verbs take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transom.lang.cel.errors import CelError
from transom.lang.cel.syntax import Call, Constant, ListLiteral, MapLiteral, Node
from transom.lang.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    ListType,
    MapType,
    OptionalType,
    Type,
    TypeType,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SINCE = (1, 29)
_TAKEN = {
    **dict.fromkeys("do", (INT, UINT)),
    **dict.fromkeys("fe", (DOUBLE, STRING)),
    "b": (INT, UINT, BOOL),
    **dict.fromkeys("xX", (INT, UINT, STRING, BYTES)),
}
_WRITABLE = (INT, UINT, DOUBLE, BOOL, STRING, BYTES, NULL, TIMESTAMP, DURATION)


def faults(root: Node, types: Mapping[int, Type]) -> Iterator[tuple[Node, str]]:
    """Yield the literals that the API server refuses, each with what is wrong; types: of every node by id."""
    pending: list[tuple[Node, bool]] = [(root, False)]
    while pending:
        node, formatted = pending.pop()
        if isinstance(node, Call):
            yield from _invalid_constant(node)
            if node.function == "format" and node.target is not None:
                formatted = True
                yield from _misformatted(node, types)
        elif isinstance(node, ListLiteral | MapLiteral) and not formatted:
            yield from _mixed(node, types)
        pending += [(child, formatted) for child in children(node)]


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below a node."""
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (each for each in value if isinstance(each, Node))


def _mixed(node: ListLiteral | MapLiteral, types: Mapping[int, Type]) -> Iterator[tuple[Node, str]]:
    if isinstance(node, ListLiteral):
        columns = [[(each, index in node.optionals) for index, each in enumerate(node.elements)]]
    else:
        columns = [[(e.key, False) for e in node.entries], [(e.value, e.optional) for e in node.entries]]
    for column in columns:
        found = [(each, _held(types[id(each)]) if optional else types[id(each)]) for each, optional in column]
        for each, kind in found[1:]:
            if kind != found[0][1]:
                yield each, f"a literal holds values of one type: {found[0][1]} and {kind} do not mix"


def _held(of: Type) -> Type:
    return of.value if isinstance(of, OptionalType) else of


def _invalid_constant(node: Call) -> Iterator[tuple[Node, str]]:
    pattern = node.function == "matches" and node.target is not None
    if not pattern and not (node.function in ("duration", "timestamp") and node.target is None):
        return
    if len(node.args) != 1 or not isinstance(node.args[0], Constant):
        return
    from transom.lang.cel.exact import evaluate

    try:
        evaluate(Call(function="matches", args=node.args, target=Constant(value="")) if pattern else node, {})
    except CelError as error:
        yield node.args[0], f"{node.args[0].value!r} is no {'pattern' if pattern else node.function}: {error}"


def _misformatted(node: Call, types: Mapping[int, Type]) -> Iterator[tuple[Node, str]]:
    """Yield what is wrong with a call of format() whose text and arguments are literals."""
    text = node.target.value if isinstance(node.target, Constant) else None
    if not isinstance(text, str) or len(node.args) != 1 or not isinstance(node.args[0], ListLiteral):
        return
    from transom.lang.cel.library.formatting import verbs

    given = node.args[0].elements
    wanted = list(verbs(text))
    for index, verb in enumerate(wanted):
        if verb != "s" and verb not in _TAKEN:
            yield node, f"format has no verb %{verb}"
        elif index >= len(given):
            yield node, f"format needs {len(wanted)} arguments and is given {len(given)}"
            return
        elif verb == "s":
            yield from _unwritable(given[index], types)
        elif types[id(given[index])] not in (DYN, *_TAKEN[verb]):
            yield given[index], f"%{verb} of format does not take {types[id(given[index])]}"
    if len(given) > len(wanted):
        yield node, f"format needs {len(wanted)} arguments and is given {len(given)}"


def _unwritable(node: Node, types: Mapping[int, Type]) -> Iterator[tuple[Node, str]]:
    kind = types[id(node)]
    if kind not in (DYN, *_WRITABLE) and not isinstance(kind, ListType | MapType | TypeType):
        yield node, f"%s of format does not take {kind}"
    elif isinstance(node, ListLiteral | MapLiteral):
        for part in children(node):
            for value in children(part) if isinstance(node, MapLiteral) else (part,):
                yield from _unwritable(value, types)
