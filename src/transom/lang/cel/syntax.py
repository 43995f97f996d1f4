"""The parsed form of a CEL expression, after macros were expanded.

Operators are calls under CEL's own function names (`_&&_`, `!_`, `_?_:_`, `@in`, `_==_`, `-_`). Index, field selection
and the macros have nodes of their own, because both tiers treat them specially. Offsets count code points in the source.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Node(Struct, frozen=True, kw_only=True):
    """Where a node stands in its source: [start, end) in code points."""

    start: int = 0
    end: int = 0


class Constant(Node, frozen=True):
    """A literal: None, bool, int, UInt, float, str or bytes."""

    value: object


class Ident(Node, frozen=True):
    """A name as written; a leading dot (root scope) is kept."""

    name: str


class Select(Node, frozen=True):
    """`operand.field`; `has(operand.field)` where test; `operand.?field` where optional."""

    operand: Node
    field: str
    test: bool = False
    optional: bool = False


class Index(Node, frozen=True):
    """`operand[index]`, or `operand[?index]` where optional."""

    operand: Node
    index: Node
    optional: bool = False


class Call(Node, frozen=True):
    """A function, an operator, or a method (where target is set)."""

    function: str
    args: tuple[Node, ...]
    target: Node | None = None


class ListLiteral(Node, frozen=True):
    """`[a, ?b]`; optionals holds the indexes written with `?`."""

    elements: tuple[Node, ...]
    optionals: tuple[int, ...] = ()


class Entry(Node, frozen=True):
    """One `key: value` of a map, or `?key: value` where optional."""

    key: Node
    value: Node
    optional: bool = False


class MapLiteral(Node, frozen=True):
    """`{k: v, ?k: v}`."""

    entries: tuple[Entry, ...]


class Field(Node, frozen=True):
    """One `name: value` of a message literal, or `?name: value` where optional."""

    name: str
    value: Node
    optional: bool = False


class StructLiteral(Node, frozen=True):
    """`Type.Name{field: value}`, such as Kubernetes' `Object{}` and `JSONPatch{}`."""

    type_name: str
    fields: tuple[Field, ...]


MacroKind = Literal[
    "all", "exists", "exists_one", "map", "filter",  # over lists and map keys; two variables where var2 is set
    "transformList", "transformMap", "transformMapEntry",  # two variables only
    "sortBy",
    "optMap", "optFlatMap",  # range is an optional, var its value
]  # fmt: skip


class Comprehension(Node, frozen=True):
    """A macro over a range. filter is the predicate where the macro has one, step what it yields.

    all/exists/exists_one/filter: filter only. map/transform*: step, and filter in their three- or four-argument form.
    sortBy, optMap, optFlatMap: step only.
    """

    kind: MacroKind
    range: Node
    var: str
    var2: str = ""
    filter: Node | None = None
    step: Node | None = None


class Bind(Node, frozen=True):
    """`cel.bind(var, value, body)`: value is computed when body first needs it."""

    var: str
    value: Node
    body: Node
