"""Static checking: every name declared, every call possible, a type for every node; the rules of cel-go's checker."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

from transom.lang.cel import literals, types
from transom.lang.cel.declarations import SINCE, Overload, overloads
from transom.lang.cel.errors import CelTypeError, line_and_column
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
from transom.lang.cel.types import (
    BOOL,
    DYN,
    INT,
    ListType,
    MapType,
    ObjectType,
    OptionalType,
    Type,
    TypeParam,
    TypeType,
)
from transom.lang.cel.unify import Unifier, most_general
from transom.lang.cel.values import UInt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from transom.lang.cel.environment import Environment


class Checked(Struct, frozen=True):
    """An expression that holds what its environment asks.

    type: of the whole; the tables are keyed by id(node), and node keeps those alive. types: of every node;
    references: the full name that a name, a dotted name or a namespaced function stands for, variables of
    comprehensions apart; overloads: the ways in which a call or an index can be meant, several where dyn is passed.
    """

    node: Node
    type: Type
    types: dict[int, Type]
    references: dict[int, str]
    overloads: dict[int, tuple[Overload, ...]]


def check(node: Node, env: Environment, source: str = "") -> Checked:
    """Return the types of an expression; raises CelTypeError.

    source: what node was parsed from, for lines and columns in errors.
    """
    checker = _Checker(env, source)
    try:
        checker.check(node)
        resolved = {key: checker.unifier.resolved(found, final=True) for key, found in checker.types.items()}
    except RecursionError:
        checker.fail(node, "the expression is too complex to be checked")
    if env.homogeneous and env.version >= literals.SINCE:
        for fault, message in literals.faults(node, resolved):
            checker.fail(fault, message)
    return Checked(node, resolved[id(node)], resolved, checker.references, checker.overloads)


def in_full(checked: Checked) -> Node:
    """Return the expression with each variable and type that its container shortened written in full, from the root."""

    def rewritten(part: Any) -> Any:
        if isinstance(part, tuple):
            return tuple(map(rewritten, part))
        if not isinstance(part, Node):
            return part
        full = checked.references.get(id(part), "")
        if isinstance(part, Ident | Select) and full and full != (qualified_name(part) or "").removeprefix("."):
            return Ident(name=f".{full}", start=part.start, end=part.end)
        if isinstance(part, StructLiteral) and full:
            return StructLiteral(type_name=full, fields=rewritten(part.fields), start=part.start, end=part.end)
        return type(part)(**{name: rewritten(getattr(part, name)) for name in part.__struct_fields__})

    found: Node = rewritten(checked.node)
    return found


def qualified_name(node: Node) -> str | None:
    """Return the dotted name that a chain of selections spells, None where it is more than a name."""
    fields: list[str] = []
    while isinstance(node, Select) and not node.test and not node.optional:
        fields.append(node.field)
        node = node.operand
    if not isinstance(node, Ident):
        return None
    return ".".join((node.name, *reversed(fields)))


_CONSTANTS: dict[type, Type] = {
    type(None): types.NULL,
    bool: BOOL,
    int: INT,
    UInt: types.UINT,
    float: types.DOUBLE,
    str: types.STRING,
    bytes: types.BYTES,
}
_MACRO_LIBRARIES = {
    "sortBy": "lists",
    "optMap": "optional",
    "optFlatMap": "optional",
    "transformList": "two-variable",
    "transformMap": "two-variable",
    "transformMapEntry": "two-variable",
}
_NUMBERS = (INT, types.UINT, types.DOUBLE)
_VARIADIC = frozenset(("math.greatest", "math.least"))
_SHOWN = {"_[_]": "[]", "_[?_]": "[?]", "_?_:_": "?:", "@in": "in", "!_": "!", "-_": "-"}


class _Checker:
    """What was found out so far; scope holds the variables of the comprehensions around the node being checked."""

    def __init__(self, env: Environment, source: str) -> None:
        self.env = env
        self.source = source
        self.unifier = Unifier()
        self.scope: dict[str, Type] = {}
        self.types: dict[int, Type] = {}
        self.references: dict[int, str] = {}
        self.overloads: dict[int, tuple[Overload, ...]] = {}

    def check(self, node: Node) -> Type:
        """Find the type of a node and of all below it."""
        found = self.types[id(node)] = _CHECKS[type(node)](self, node)
        return found

    def known(self, node: Node) -> Type:
        """Check a node and return its type with all that is known put in."""
        return self.unifier.resolved(self.check(node))

    def fail(self, node: Node, message: str) -> NoReturn:
        line, column = line_and_column(self.source, node.start) if self.source else (1, node.start + 1)
        raise CelTypeError(message, line, column, node.start)

    def expect(self, node: Node, wanted: Type, what: str) -> Type:
        """Check a node that must be of a type."""
        found = self.check(node)
        if not self.unifier.assign([found], [wanted]):
            self.fail(node, f"{what} must be {self.shown(wanted)}, not {self.shown(found)}")
        return found

    def shown(self, of: Type) -> str:
        return str(self.unifier.resolved(of, final=True))

    def need(self, node: Node, library: str, what: str) -> None:
        """Refuse syntax whose library the environment does not have."""
        if library not in self.env.libraries:
            self.fail(node, f"{what} is not known here{self.from_version([library])}")

    def from_version(self, libraries: Sequence[str]) -> str:
        later = [SINCE[library] for library in libraries if SINCE[library] > self.env.version]
        return f"; Kubernetes has it from {later[0][0]}.{later[0][1]}" if later else ""

    # names

    def constant(self, node: Constant) -> Type:
        return _CONSTANTS[type(node.value)]

    def ident(self, node: Ident) -> Type:
        found = self.scope.get(node.name) or self.declared(node, node.name)
        if found is None:
            self.fail(node, f"undeclared name {node.name!r}{_hint(node.name, (*self.scope, *self.env.variables))}")
        return found

    def declared(self, node: Node, name: str) -> Type | None:
        """Look a name up outside of comprehensions, and note what it stands for."""
        for candidate in self.env.candidates(name):
            found = self.env.variables.get(candidate)
            if found is None and (constant := self.env.constant(candidate)) is not None:
                found = TypeType(constant)
            if found is not None:
                self.references[id(node)] = candidate
                return found
        return None

    def select(self, node: Select) -> Type:
        name = qualified_name(node)
        if name and name.partition(".")[0] not in self.scope and (found := self.declared(node, name)) is not None:
            return found
        if node.optional:
            self.need(node, "optional", "optional selection `.?`")
        field = self.field(node, self.known(node.operand))
        return BOOL if node.test else field

    def field(self, node: Select, operand: Type) -> Type:
        inner = operand.value if isinstance(operand, OptionalType) else operand
        if isinstance(inner, MapType):
            found = inner.value
        elif isinstance(inner, ObjectType):
            found = self.object_field(node, inner.name, node.field)
        else:
            if not self.unifier.assign([inner], [DYN]) or not (inner == DYN or isinstance(inner, TypeParam)):
                self.fail(node, f"{self.shown(operand)} has no fields, so not {node.field!r} either")
            found = DYN
        return OptionalType(found) if node.optional or inner is not operand else found

    def object_field(self, node: Node, type_name: str, field: str) -> Type:
        if self.env.is_any_object(type_name):
            return DYN
        fields = self.env.fields(type_name) or {}
        if field not in fields:
            self.fail(node, f"{type_name} has no field {field!r}{_hint(field, fields)}")
        return fields[field]

    # calls

    def call(self, node: Call) -> Type:
        args = [self.check(arg) for arg in node.args]
        name = node.function
        if node.target is not None:
            prefix = qualified_name(node.target)
            if not prefix or prefix.partition(".")[0] in self.scope:
                return self.method(node, node.target, args)
            name = f"{prefix}.{name}"
        found = self.function(name)
        if found:
            return self.plain_call(node, found, args)
        if node.target is None or self.names_nothing(node.target):
            self.unknown_function(node, name)
        return self.method(node, node.target, args)

    def plain_call(self, node: Call, found: tuple[str, tuple[Overload, ...]], args: list[Type]) -> Type:
        name, ways = found
        if node.target is not None or name != node.function:
            self.references[id(node)] = name
        if name in _VARIADIC and len(args) > 2:
            args = [ListType(self.number(node, name, args))]
        return self.resolve(node, name, [way for way in ways if not way.method], args)

    def number(self, node: Call, name: str, args: list[Type]) -> Type:
        """Return the one type of several numbers, dyn where they differ or are not known."""
        for way in _NUMBERS:
            if self.unifier.assign(args, [way] * len(args)) and DYN not in args:
                return way
        if not all(any(self.unifier.assign([arg], [way]) for way in _NUMBERS) for arg in args):
            self.fail(node, self.no_overload(node, name, args))
        return DYN

    def method(self, node: Call, target: Node, args: list[Type]) -> Type:
        receiver = self.check(target)
        ways = [way for way in self.env.overloads(node.function) if way.method]
        if not ways:
            self.unknown_function(node, node.function)
        return self.resolve(node, node.function, ways, [receiver, *args])

    def names_nothing(self, node: Node) -> bool:
        """Say whether a dotted name begins with no variable and no type: then it was meant as a namespace."""
        while isinstance(node, Select):
            if self.declared(node, qualified_name(node) or "") is not None:
                return False
            node = node.operand
        return isinstance(node, Ident) and self.declared(node, node.name) is None

    def function(self, name: str) -> tuple[str, tuple[Overload, ...]] | None:
        """Look a function up by what it is called; returns its full name and the ways to call it."""
        for candidate in self.env.candidates(name):
            if ways := self.env.overloads(candidate):
                return candidate, ways
        return None

    def unknown_function(self, node: Node, name: str) -> NoReturn:
        elsewhere = [library for library in SINCE if overloads(library, name)]
        self.fail(node, f"undeclared function {name!r}{self.from_version(elsewhere)}")

    def resolve(self, node: Node, name: str, ways: Sequence[Overload], args: list[Type]) -> Type:
        """Return what a call gives: the result of the overloads that fit, dyn where they differ."""
        fitting: list[Overload] = []
        found: Type | None = None
        for way in ways:
            *params, result = self.unifier.instantiate((*way.params, way.result))
            if self.unifier.assign(args, params):
                fitting.append(way)
                result = self.unifier.resolved(result)
                found = result if found is None or found == result else DYN
        if found is None:
            self.fail(node, self.no_overload(node, name, args))
        self.overloads[id(node)] = tuple(fitting)
        return found

    def no_overload(self, node: Node, name: str, args: list[Type]) -> str:
        shown = [self.shown(arg) for arg in args]
        sign = _SHOWN.get(name) or (name.strip("_") if name.startswith("_") else "")
        if sign:
            return f"operator {sign} does not take {' and '.join(shown)}"
        if isinstance(node, Call) and len(shown) > len(node.args):
            return f"{shown[0]} has no method {name}({', '.join(shown[1:])})"
        return f"function {name} does not take ({', '.join(shown)})"

    def index(self, node: Index) -> Type:
        name = "_[?_]" if node.optional else "_[_]"
        if node.optional:
            self.need(node, "optional", "optional index `[?]`")
        return self.resolve(node, name, self.env.overloads(name), [self.check(node.operand), self.check(node.index)])

    # literals

    def list_literal(self, node: ListLiteral) -> Type:
        element: Type | None = None
        for position, each in enumerate(node.elements):
            element = self.joined(each, element, self.part(each, position in node.optionals))
        return ListType(element or self.unifier.fresh())

    def map_literal(self, node: MapLiteral) -> Type:
        key: Type | None = None
        value: Type | None = None
        for entry in node.entries:
            key = self.joined(entry.key, key, self.check(entry.key))
            value = self.joined(entry.value, value, self.part(entry.value, entry.optional))
        return MapType(key or self.unifier.fresh(), value or self.unifier.fresh())

    def part(self, node: Node, optional: bool) -> Type:
        """Check an element, a value or a field; where it is written with `?` it must be an optional."""
        found = self.check(node)
        if not optional:
            return found
        self.need(node, "optional", "`?` in a literal")
        found = self.unifier.resolved(found)
        if found == DYN:
            return DYN
        if not isinstance(found, OptionalType):
            self.fail(node, f"what stands behind `?` must be optional, not {self.shown(found)}")
        return found.value

    def joined(self, node: Node, before: Type | None, found: Type) -> Type:
        """Return the type of several elements; those that do not go together are dyn, where that is allowed."""
        if before is None:
            return found
        if self.unifier.assign([before], [found]):
            return most_general(before, found)
        if self.env.homogeneous and self.env.version < literals.SINCE:  # later servers ask it of what is checked
            self.fail(
                node, f"a literal holds values of one type: {self.shown(before)} and {self.shown(found)} do not mix"
            )
        return DYN

    def struct_literal(self, node: StructLiteral) -> Type:
        for candidate in self.env.candidates(node.type_name):
            if self.env.fields(candidate) is not None or self.env.is_any_object(candidate):
                break
        else:
            self.fail(node, f"undeclared type {node.type_name!r}")
        self.references[id(node)] = candidate
        for field in node.fields:
            wanted = self.object_field(field, candidate, field.name)
            found = self.part(field.value, field.optional)
            if not self.unifier.assign([found], [wanted]):
                self.fail(field, f"{field.name} of {candidate} must be {self.shown(wanted)}, not {self.shown(found)}")
        return ObjectType(candidate)

    # macros

    def bind(self, node: Bind) -> Type:
        self.need(node, "bindings", "cel.bind")
        return self.inside({node.var: self.check(node.value)}, node.body)

    def inside(self, variables: dict[str, Type], body: Node) -> Type:
        """Check a node where some more variables are known."""
        around = self.scope
        self.scope = {**around, **variables}
        found = self.check(body)
        self.scope = around
        return found

    def comprehension(self, node: Comprehension) -> Type:
        library = _MACRO_LIBRARIES.get(node.kind) or ("two-variable" if node.var2 else "standard")
        self.need(node, library, f"the macro {node.kind}{' with two variables' if node.var2 else ''}")
        over = self.known(node.range)
        if node.kind in ("optMap", "optFlatMap"):
            return self.optional_macro(node, over)
        key, element = self.range_types(node, over)
        variables = {node.var: key, node.var2: element} if node.var2 else {node.var: key}
        around = self.scope
        self.scope = {**around, **variables}
        if node.filter is not None:
            self.expect(node.filter, BOOL, f"the predicate of {node.kind}")
        step = self.check(node.step) if node.step is not None else DYN
        self.scope = around
        return self.comprehended(node, key, step)

    def range_types(self, node: Comprehension, over: Type) -> tuple[Type, Type]:
        """Return the types of the variables: element (or key) alone, or index (or key) and element."""
        if isinstance(over, ListType):
            return (INT, over.element) if node.var2 else (over.element, DYN)
        if isinstance(over, MapType) and node.kind != "sortBy":
            return over.key, over.value
        if over != DYN and not isinstance(over, TypeParam):
            what = "a list" if node.kind == "sortBy" else "a list or a map"
            self.fail(node.range, f"{node.kind} ranges over {what}, not {self.shown(over)}")
        self.unifier.assign([over], [DYN])
        return DYN, DYN

    def comprehended(self, node: Comprehension, key: Type, step: Type) -> Type:
        kind = node.kind
        if kind in ("map", "transformList"):
            return ListType(step)
        if kind in ("filter", "sortBy"):
            if kind == "sortBy":
                self.sortable(node, step)
            return ListType(key)
        if kind == "transformMap":
            return MapType(key, step)
        if kind == "transformMapEntry":
            entry = MapType(self.unifier.fresh(), self.unifier.fresh())
            if not self.unifier.assign([step], [entry]):
                self.fail(node, f"transformMapEntry yields a map of one entry, not {self.shown(step)}")
            return entry
        return BOOL

    def sortable(self, node: Comprehension, key: Type) -> None:
        ways = [way for way in self.env.overloads("sort") if way.method]
        if not any(self.unifier.assign([ListType(key)], way.params) for way in ways):
            self.fail(node, f"sortBy cannot order {self.shown(key)}")

    def optional_macro(self, node: Comprehension, over: Type) -> Type:
        assert node.step is not None
        value = self.unifier.fresh()
        if not self.unifier.assign([over], [OptionalType(value)]):
            self.fail(node.range, f"{node.kind} is for an optional, not {self.shown(over)}")
        step = self.inside({node.var: value}, node.step)
        if node.kind == "optMap":
            return OptionalType(step)
        wanted = OptionalType(self.unifier.fresh())
        if not self.unifier.assign([step], [wanted]):
            self.fail(node.step, f"optFlatMap yields an optional, not {self.shown(step)}")
        return DYN if step == DYN else wanted


def _hint(name: str, known: Iterable[str]) -> str:
    """Return what a person may have meant, "" where nothing is like it."""
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1, cutoff=0.65)
    return f"; did you mean {close[0]!r}?" if close else ""


_CHECKS: dict[type[Node], Callable[[_Checker, Any], Type]] = {
    Constant: _Checker.constant,
    Ident: _Checker.ident,
    Select: _Checker.select,
    Index: _Checker.index,
    Call: _Checker.call,
    ListLiteral: _Checker.list_literal,
    MapLiteral: _Checker.map_literal,
    StructLiteral: _Checker.struct_literal,
    Comprehension: _Checker.comprehension,
    Bind: _Checker.bind,
}
