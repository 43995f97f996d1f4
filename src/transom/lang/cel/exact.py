"""Tier two: evaluates a parsed expression to the letter of CEL, one node at a time. The reference that tier one must equal.

Followed: the CEL language definition, and cel-go where it is more precise. Errors are exceptions; `&&`, `||`, `all` and
`exists` absorb them as CEL does. Cost is counted as cel-go's runtime counts it, closely enough for its limit to bite in
the same places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from transom.lang.cel.errors import CannotKnow, CostExceeded, EvaluationError, NoSuchKey, NoSuchOverload
from transom.lang.cel.functions import FUNCTIONS, function
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
from transom.lang.cel.values import (
    NONE,
    Message,
    Optional,
    Type,
    Unknown,
    elements,
    equal,
    from_key,
    map_key,
    order,
    pairs,
    type_name,
)
from transom.model.limits import CEL_CALL_COST

if TYPE_CHECKING:
    from transom.lang.cel.environment import Environment

Scope = Mapping[str, Any]

LIST_COST, MAP_COST, MESSAGE_COST = 10, 30, 40  # what cel-go charges for making one
ITERATION_COST = 3  # the accumulator read, the loop condition, the step


class _Later:
    """The value of a cel.bind variable, computed when the body first reads it."""

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[], Any]) -> None:
        self.compute = compute


def evaluate(
    node: Node,
    activation: Mapping[str, object],
    *,
    env: Environment | None = None,
    cost_limit: int = CEL_CALL_COST,
    scope: Scope | None = None,
    spent: list[int] | None = None,
) -> Any:
    """Return the value of an expression; raises EvaluationError.

    activation: what names stand for; scope: variables of comprehensions around the node, which hide those;
    env: where short names are looked up, needed for containers only; spent: takes what the evaluation cost.
    """
    evaluation = _Evaluation(activation, env, cost_limit)
    try:
        return evaluation.value(node, scope or {})
    except RecursionError:
        raise EvaluationError("the evaluation is nested too deeply") from None
    finally:
        if spent is not None:
            spent.append(evaluation.cost)


class _Evaluation:
    """One evaluation: what names stand for, and what it has cost so far."""

    __slots__ = ("activation", "cost", "env", "limit")

    def __init__(self, activation: Mapping[str, Any], env: Environment | None, limit: int) -> None:
        self.activation = activation
        self.env = env
        self.cost = 0
        self.limit = limit

    def spend(self, cost: int) -> None:
        self.cost += cost
        if self.cost > self.limit:
            raise CostExceeded("the evaluation costs more than the API server allows")

    def value(self, node: Node, scope: Scope) -> Any:
        """Return the value of any node; an Unknown itself may be passed on, but not used."""
        return _NODES[type(node)](self, node, scope)

    def boolean(self, node: Node, scope: Scope) -> bool:
        value = self.value(node, scope)
        if value is True or value is False:
            return bool(value)
        raise NoSuchOverload(f"{type_name(value)} is no bool")

    # names

    def ident(self, node: Ident, scope: Scope) -> Any:
        self.spend(1)
        if node.name in scope:
            return _now(scope, node.name)
        found = self.named(node.name)
        if found is _NOT_FOUND:
            raise EvaluationError(f"no such attribute: {node.name}")
        return found

    def named(self, name: str) -> Any:
        """Return what a name of the activation or a type's name stands for, _NOT_FOUND where it is neither."""
        for candidate in self.env.candidates(name) if self.env else (name.removeprefix("."),):
            if candidate in self.activation:
                return self.activation[candidate]
            if _is_type(candidate, self.env):
                return Type(candidate)
        return _NOT_FOUND

    def select(self, node: Select, scope: Scope) -> Any:
        dotted = _dotted(node)
        if dotted and dotted[0] not in scope and dotted[0] not in self.activation and not node.test:
            found = self.named(".".join(dotted))
            if found is not _NOT_FOUND:
                self.spend(1)
                return found
        operand = self.value(node.operand, scope)
        self.spend(1)
        if node.test:
            return self.has(operand, node.field)
        if isinstance(operand, Optional) or node.optional:
            return _maybe(operand, node.field, strict=not node.optional)
        return _field(operand, node.field)

    def has(self, operand: Any, field: str) -> bool:
        if isinstance(operand, Optional):
            return operand.present and self.has(operand.value, field)
        if isinstance(operand, dict):
            return field in operand
        kind = type_name(operand)  # an Unknown says so here
        if kind == "list":
            raise NoSuchOverload("a list has no item string")
        return False  # as cel-go answers for everything else that has no fields

    def index(self, node: Index, scope: Scope) -> Any:
        operand = self.value(node.operand, scope)
        index = self.value(node.index, scope)
        self.spend(1)
        if isinstance(operand, Optional) or node.optional:
            return _maybe(operand, index, strict=not node.optional)
        return _item(operand, index)

    # literals

    def constant(self, node: Constant, _: Scope) -> Any:
        return node.value

    def list_literal(self, node: ListLiteral, scope: Scope) -> Any:
        made = []
        for position, element in enumerate(node.elements):
            value = self.value(element, scope)
            if position not in node.optionals:
                made.append(value)
            elif _optional(value).present:
                made.append(value.value)
        self.spend(LIST_COST)
        return made

    def map_literal(self, node: MapLiteral, scope: Scope) -> Any:
        made: dict[Any, Any] = {}
        for entry in node.entries:
            key = self.value(entry.key, scope)
            if key.__class__ is float:
                raise NoSuchOverload("double cannot be a map key")
            key, value = map_key(key), self.value(entry.value, scope)
            if entry.optional and not _optional(value).present:
                continue
            if key in made:
                raise EvaluationError(f"duplicate map key: {from_key(key)}")
            made[key] = value.value if entry.optional else value
        self.spend(MAP_COST)
        return made

    def struct_literal(self, node: StructLiteral, scope: Scope) -> Any:
        made: dict[str, Any] = {}
        for field in node.fields:
            value = self.value(field.value, scope)
            if not field.optional:
                made[field.name] = value
            elif _optional(value).present:
                made[field.name] = value.value
        self.spend(MESSAGE_COST)
        return Message(node.type_name, made)

    # calls

    def call(self, node: Call, scope: Scope) -> Any:
        special = _OPERATORS.get(node.function)
        if special is not None and node.target is None:
            return special(self, node, scope)
        name, target = self.called(node, scope)
        args = [self.value(target, scope)] if target else []
        if name in ("or", "orValue") and args and args[0].__class__ is not Unknown:
            if not isinstance(args[0], Optional):
                return args[0]  # as in cel-go, what is no optional is taken for what one holds
            if args[0].present:
                self.spend(1)
                return args[0] if name == "or" else args[0].value  # and the other is not evaluated then
        args += [self.value(each, scope) for each in node.args]
        for each in args:
            if each.__class__ is Unknown:
                raise CannotKnow(each.what)
        self.spend(_call_cost(name, args))
        key = (name, target is not None)
        if key not in FUNCTIONS:
            raise NoSuchOverload(f"there is no function {name}")
        return _call(function(*key), name, args)

    def called(self, node: Call, scope: Scope) -> tuple[str, Node | None]:
        """Return the full name of a function and its receiver: `math.abs(x)` has no receiver, `x.size()` has."""
        if node.target is None:
            for candidate in self.env.candidates(node.function) if self.env else (node.function.removeprefix("."),):
                if (candidate, False) in FUNCTIONS:
                    return candidate, None
            return node.function, None
        dotted = _dotted(node.target)
        if dotted and dotted[0] not in scope:
            name = ".".join((*dotted, node.function))
            for candidate in self.env.candidates(name) if self.env else (name,):
                if (candidate, False) in FUNCTIONS:
                    return candidate, None
        return node.function, node.target

    def logic(self, node: Call, scope: Scope) -> bool:
        """`&&` and `||`: one operand that decides wins over an error in the other, whichever stands first."""
        decisive = node.function == "_||_"
        failed: EvaluationError | None = None
        for arg in node.args:
            try:
                if self.boolean(arg, scope) is decisive:
                    return decisive
            except EvaluationError as error:
                failed = _worse(failed, error)
        if failed is not None:
            raise failed
        return not decisive

    def conditional(self, node: Call, scope: Scope) -> Any:
        condition, then, otherwise = node.args
        return self.value(then if self.boolean(condition, scope) else otherwise, scope)

    def negation(self, node: Call, scope: Scope) -> bool:
        value = self.boolean(node.args[0], scope)
        self.spend(1)
        return not value

    def equality(self, node: Call, scope: Scope) -> bool:
        left, right = (self.value(arg, scope) for arg in node.args)
        self.spend(max(1, _traversal(min(_size(left), _size(right)))))
        return equal(left, right) is (node.function == "_==_")

    def comparison(self, node: Call, scope: Scope) -> bool:
        left, right = (self.value(arg, scope) for arg in node.args)
        self.spend(max(1, _traversal(min(_size(left), _size(right)))))
        return _HOLDS[node.function](order(left, right))

    def membership(self, node: Call, scope: Scope) -> bool:
        value, collection = (self.value(arg, scope) for arg in node.args)
        if isinstance(value, Unknown):
            raise CannotKnow(value.what)
        if isinstance(collection, dict):
            self.spend(1)
            return map_key(value) in collection
        if isinstance(collection, list | tuple):
            self.spend(max(1, len(collection)))
            return any(equal(value, element) for element in collection)
        raise NoSuchOverload(f"no membership in {type_name(collection)}")

    # macros

    def bind(self, node: Bind, scope: Scope) -> Any:
        self.spend(ITERATION_COST)
        inner = dict(scope)
        inner[node.var] = _Later(lambda: self.value(node.value, scope))
        return self.value(node.body, inner)

    def comprehension(self, node: Comprehension, scope: Scope) -> Any:
        over = self.value(node.range, scope)
        if isinstance(over, Unknown):
            raise CannotKnow(over.what)
        return _MACROS[node.kind](self, node, over, dict(scope))

    def rounds(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> Any:
        """Yield key and element of each round, after putting the macro's variables into the inner scope."""
        for key, element in pairs(over) if node.var2 else ((None, each) for each in elements(over)):
            self.spend(ITERATION_COST)
            if node.var2:
                inner[node.var], inner[node.var2] = key, element
            else:
                inner[node.var] = element
            yield key, element

    def quantified(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> bool:
        """`all` and `exists`: a deciding element wins over errors in others."""
        decisive = node.kind == "exists"
        failed: EvaluationError | None = None
        for _ in self.rounds(node, over, inner):
            try:
                if self.boolean(cast("Node", node.filter), inner) is decisive:
                    return decisive
            except CostExceeded:
                raise
            except EvaluationError as error:
                failed = _worse(failed, error)
        if failed is not None:
            raise failed
        return not decisive

    def exists_one(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> bool:
        holding = [self.boolean(cast("Node", node.filter), inner) for _ in self.rounds(node, over, inner)]
        return holding.count(True) == 1

    def kept(self, node: Comprehension, inner: dict[str, Any]) -> bool:
        return node.filter is None or self.boolean(node.filter, inner)

    def listed(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> list[Any]:
        """`map`, `filter` and `transformList`."""
        made = []
        for _, element in self.rounds(node, over, inner):
            if self.kept(node, inner):
                self.spend(LIST_COST)
                made.append(element if node.step is None else self.value(node.step, inner))
        return made

    def transform_map(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> dict[Any, Any]:
        made = {}
        for key, _ in self.rounds(node, over, inner):
            if self.kept(node, inner):
                made[map_key(key)] = self.value(cast("Node", node.step), inner)
        return made

    def transform_map_entry(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for _ in self.rounds(node, over, inner):
            if not self.kept(node, inner):
                continue
            entries = self.value(cast("Node", node.step), inner)
            if not isinstance(entries, dict):
                raise NoSuchOverload(f"transformMapEntry wants a map, not {type_name(entries)}")
            for key, value in entries.items():
                if key in made:
                    raise EvaluationError(f"insert failed: key {from_key(key)} already exists")
                made[key] = value
        return made

    def sort_by(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> list[Any]:
        if not isinstance(over, list | tuple):
            raise NoSuchOverload(f"{type_name(over)} is no list")
        keyed = [(self.value(cast("Node", node.step), inner), element) for _, element in self.rounds(node, over, inner)]
        from transom.lang.cel.library.lists import sorted_by

        return [element for _, element in sorted_by(keyed, lambda pair: pair[0])]

    def opt_map(self, node: Comprehension, over: Any, inner: dict[str, Any]) -> Optional:
        if not _optional(over).present:
            return NONE
        inner[node.var] = over.value
        value = self.value(cast("Node", node.step), inner)
        return _optional(value) if node.kind == "optFlatMap" else Optional(value)


_NOT_FOUND: Any = object()
_Evaluator = Callable[[_Evaluation, Any, Scope], Any]
_NODES: dict[type, _Evaluator] = {
    Ident: _Evaluation.ident,
    Select: _Evaluation.select,
    Index: _Evaluation.index,
    Constant: _Evaluation.constant,
    ListLiteral: _Evaluation.list_literal,
    MapLiteral: _Evaluation.map_literal,
    StructLiteral: _Evaluation.struct_literal,
    Call: _Evaluation.call,
    Bind: _Evaluation.bind,
    Comprehension: _Evaluation.comprehension,
}
_OPERATORS: dict[str, _Evaluator] = {
    "_&&_": _Evaluation.logic,
    "_||_": _Evaluation.logic,
    "_?_:_": _Evaluation.conditional,
    "!_": _Evaluation.negation,
    "_==_": _Evaluation.equality,
    "_!=_": _Evaluation.equality,
    "_<_": _Evaluation.comparison,
    "_<=_": _Evaluation.comparison,
    "_>_": _Evaluation.comparison,
    "_>=_": _Evaluation.comparison,
    "@in": _Evaluation.membership,
}
_HOLDS: dict[str, Callable[[int | None], bool]] = {
    "_<_": lambda found: found == -1,
    "_<=_": lambda found: found is not None and found <= 0,
    "_>_": lambda found: found == 1,
    "_>=_": lambda found: found is not None and found >= 0,
}
_MACROS: dict[str, Callable[[_Evaluation, Comprehension, Any, dict[str, Any]], Any]] = {
    "all": _Evaluation.quantified,
    "exists": _Evaluation.quantified,
    "exists_one": _Evaluation.exists_one,
    "map": _Evaluation.listed,
    "filter": _Evaluation.listed,
    "transformList": _Evaluation.listed,
    "transformMap": _Evaluation.transform_map,
    "transformMapEntry": _Evaluation.transform_map_entry,
    "sortBy": _Evaluation.sort_by,
    "optMap": _Evaluation.opt_map,
    "optFlatMap": _Evaluation.opt_map,
}


def _now(scope: Scope, name: str) -> Any:
    value = scope[name]
    if isinstance(value, _Later):
        computed = value.compute()
        if isinstance(scope, dict):
            scope[name] = computed
        return computed
    return value


def _is_type(name: str, env: Environment | None) -> bool:
    from transom.lang.cel.environment import TYPE_NAMES

    return name in TYPE_NAMES or (env is not None and name in env.objects)


def _dotted(node: Node) -> tuple[str, ...]:
    """Return the names of a chain `a.b.c`, () for any other node."""
    names: list[str] = []
    while isinstance(node, Select) and not node.optional and not node.test:
        names.append(node.field)
        node = node.operand
    return (node.name, *reversed(names)) if isinstance(node, Ident) else ()


def _worse(one: EvaluationError | None, other: EvaluationError) -> EvaluationError:
    """Return the error to tell of two: what cannot be known outranks what went wrong, as in cel-go; else the first."""
    if isinstance(other, CostExceeded):
        raise other
    return other if one is None or (isinstance(other, CannotKnow) and not isinstance(one, CannotKnow)) else one


def _optional(value: Any) -> Optional:
    if isinstance(value, Optional):
        return value
    raise NoSuchOverload(f"{type_name(value)} is no optional")


def _field(operand: Any, field: str) -> Any:
    if isinstance(operand, dict):
        try:
            return operand[field]
        except KeyError:
            raise NoSuchKey(f"no such key: {field}") from None
    raise NoSuchOverload(f"{type_name(operand)} has no field {field}")


def _item(operand: Any, index: Any) -> Any:
    if isinstance(index, Unknown):
        raise CannotKnow(index.what)
    if isinstance(operand, dict):
        key = map_key(index)
        if key in operand:
            return operand[key]
        raise NoSuchKey(f"no such key: {index}")
    if not isinstance(operand, list | tuple):
        raise NoSuchOverload(f"{type_name(operand)} has no items")
    position = _position(index)
    if 0 <= position < len(operand):
        return operand[position]
    raise NoSuchKey(f"index out of bounds: {position}")


def _position(index: Any) -> int:
    if isinstance(index, int) and index.__class__ is not bool:
        return int(index)
    if isinstance(index, float) and index.is_integer():
        return int(index)
    raise NoSuchOverload(f"a list has no item {type_name(index)}")


def _maybe(operand: Any, step: Any, strict: bool) -> Optional:
    """`.?field` and `[?index]`, and plain selections after them: absent rather than an error.

    strict: a plain selection, which still wants a map or list where there is a value.
    """
    if isinstance(operand, Optional):
        return _maybe(operand.value, step, strict) if operand.present else NONE
    if isinstance(operand, dict):
        key = map_key(step)
        return Optional(operand[key]) if key in operand else NONE
    if isinstance(operand, list | tuple):
        position = _position(step)
        return Optional(operand[position]) if 0 <= position < len(operand) else NONE
    kind = type_name(operand)  # an Unknown says so; of everything else no field or item is told, as in cel-go
    if strict:
        raise NoSuchKey(f"no such key: {step} (of {kind})")
    return NONE


def _call(implementation: Callable[..., Any], name: str, args: list[Any]) -> Any:
    try:
        return implementation(*args)
    except EvaluationError:
        raise
    except TypeError as error:
        raise NoSuchOverload(f"no such overload: {name}({', '.join(map(type_name, args))})") from error
    except (ValueError, OverflowError, ArithmeticError, LookupError) as error:
        raise EvaluationError(f"{name}: {error}") from error


# cost


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple | dict) else 1


def _traversal(size: int) -> int:
    """Return what cel-go charges for walking a string once: a tenth of its length."""
    return -(-size // 10)


_WALKS_FIRST = frozenset(
    ("bytes", "string", "format", "lowerAscii", "upperAscii", "trim", "split", "join", "replace", "substring", "charAt")
) | {"indexOf", "lastIndexOf", "reverse", "strings.quote", "quantity", "isQuantity", "url", "isURL", "ip", "isIP"}
_WALKS_LIST = frozenset(("sum", "min", "max", "isSorted", "sort", "distinct", "flatten", "slice"))
_PRODUCTS = frozenset(("sets.contains", "sets.intersects", "sets.equivalent"))


def _call_cost(name: str, args: list[Any]) -> int:
    """Return what a call costs by cel-go's and Kubernetes' tables, at least 1."""
    if name in ("matches", "find", "findAll"):
        pattern = -(-_size(args[1]) // 4) if len(args) > 1 else 1
        return max(1, _traversal(_size(args[0]) + 1) * pattern)
    if name == "contains" and len(args) > 1:
        return max(1, _traversal(_size(args[0])) * _traversal(_size(args[1])))
    if name in ("startsWith", "endsWith") and len(args) > 1:
        return max(1, _traversal(_size(args[1])))
    if name == "_+_":
        strings = all(isinstance(each, str | bytes) for each in args)
        return max(1, _traversal(sum(map(_size, args)))) if strings else 1
    if name in _PRODUCTS and len(args) > 1:
        return max(1, _size(args[0]) * _size(args[1]))
    if name in _WALKS_LIST and args:
        return max(1, _size(args[0]))
    return max(1, _traversal(_size(args[0]))) if name in _WALKS_FIRST and args else 1
