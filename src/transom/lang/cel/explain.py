"""Why an expression had its outcome, found by walking its nodes and evaluating them exactly.

One function for each question: `why` (which elements and reads decided), `items` (where a list's elements come from),
`reads` and `place` (what a part reads, and where that stands in the input).
"""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.exact import evaluate
from transom.lang.cel.generate import flat
from transom.lang.cel.guards import Rejected
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
from transom.lang.cel.witness import MAX_WITNESSES, Read, Witness, depth, distinct, each_once, together
from transom.model.limits import CEL_CALL_COST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


SAME_PLACE = frozenset(("orValue", "value", "dyn"))
_EMPTINESS = {
    # size(list) <sign> <number>: whether it holds of lists that have elements, of those alone
    ("_==_", 0): False,
    ("_<=_", 0): False,
    ("_<_", 1): False,
    ("_!=_", 0): True,
    ("_>_", 0): True,
    ("_>=_", 1): True,
}


class Purse(Struct):
    """What explaining one outcome may still cost: it evaluates parts of the expression again and again."""

    left: int = 2 * CEL_CALL_COST


class Scope(Struct, frozen=True):
    """What names mean at one point of an expression.

    values: the activation and the variables bound so far; places: where those variables' values stand in the input;
    definitions: the expressions behind variables of `cel.bind`, with their scopes; elements: what the comprehensions
    around stand at.
    """

    values: Mapping[str, Any]
    places: dict[str, Read | None] = {}
    definitions: dict[str, tuple[Node, Scope]] = {}
    elements: tuple[object, ...] = ()
    purse: Purse = field(default_factory=Purse)


class Item(Struct, frozen=True):
    """An element of a list: where it stands in the input, and why it is in the list."""

    value: object
    place: Read | None
    elements: tuple[object, ...]
    witnesses: tuple[Witness, ...] = ()


def explain(node: Node, activation: Mapping[str, Any], outcome: bool) -> list[Witness]:
    """Return why a node had this outcome; at least one Witness, MAX_WITNESSES at most. Never raises."""
    try:
        return each_once(why(node, outcome, Scope(activation)))[:MAX_WITNESSES]
    except (EvaluationError, Rejected, RecursionError):
        return [Witness()]


def explain_items(node: Node, activation: Mapping[str, Any]) -> list[Witness]:
    """Return why each element of a list is in it. Never raises."""
    try:
        return each_once(_why_items(node, Scope(activation)))[:MAX_WITNESSES] or [Witness()]
    except (EvaluationError, Rejected, RecursionError):
        return [Witness()]


def why(node: Node, outcome: bool, scope: Scope) -> list[Witness]:
    """Return what made a node have this outcome, or what failed where it has none."""
    defined = definition(node, scope)
    if defined:
        inner, where = defined
        return why(inner, outcome, Scope(where.values, where.places, where.definitions, scope.elements, scope.purse))
    if isinstance(node, Call):
        return _why_call(node, outcome, scope)
    if isinstance(node, Bind):
        return why(node.body, outcome, bind(node, scope))
    if isinstance(node, Comprehension) and node.kind in ("all", "exists", "exists_one"):
        return _why_comprehension(node, outcome, scope)
    return [leaf(node, scope)]


def _why_call(node: Call, outcome: bool, scope: Scope) -> list[Witness]:
    if node.function in ("_&&_", "_||_"):
        return _why_logical(node, outcome, scope)
    if node.function == "!_":
        return why(node.args[0], not outcome, scope)
    if node.function == "_?_:_":
        condition, then, otherwise = node.args
        held = truth(condition, scope)
        taken = then if held else otherwise
        if held is None or isinstance(taken, Constant):
            return why(condition, bool(held), scope)
        return why(taken, outcome, scope)
    counted = emptiness(node)
    if counted:
        return _why_size(node, outcome, scope, *counted)
    compared = bool_comparison(node)
    if compared:
        return why(compared[0], outcome == compared[1], scope)
    return [leaf(node, scope)]


def _why_logical(node: Call, outcome: bool, scope: Scope) -> list[Witness]:
    """Whoever alone decided (false of `&&`, true of `||`) is a reason; else all together are one."""
    terms = list(flat(node, node.function))
    truths = [truth(term, scope) for term in terms]
    same = [why(term, outcome, scope) for term, held in zip(terms, truths, strict=True) if held is outcome]
    alone = outcome is (node.function == "_||_")
    if alone and same:
        return list(chain.from_iterable(same))
    failed = [why(term, outcome, scope) for term, held in zip(terms, truths, strict=True) if held is None]
    return list(chain.from_iterable(failed)) if failed else together(same, scope.elements)


def _why_comprehension(node: Comprehension, outcome: bool, scope: Scope) -> list[Witness]:
    assert node.filter is not None
    try:
        turns = list(turns_of(node, scope))
    except (EvaluationError, Rejected):
        return [leaf(node.range, scope)]
    truths = [truth(node.filter, turn) for turn in turns]
    holding = [turn for turn, held in zip(turns, truths, strict=True) if held]
    deciding: list[Scope] = []
    if node.kind == "exists_one":
        deciding = holding if outcome or len(holding) > 1 else []
    elif outcome is (node.kind == "exists"):
        deciding = [turn for turn, held in zip(turns, truths, strict=True) if held is outcome]
    if not deciding:
        deciding = [turn for turn, held in zip(turns, truths, strict=True) if held is None]
    asked = True if node.kind == "exists_one" else outcome
    found = list(chain.from_iterable(why(node.filter, asked, turn) for turn in deciding[:MAX_WITNESSES]))
    return found or [Witness(scope.elements, reads(node, scope))]


def _why_size(node: Call, outcome: bool, scope: Scope, counted: Node, holds_of_some: bool) -> list[Witness]:
    """`size(list) == 0` and the like: each element is a reason, or else the list itself."""
    if truth(node, scope) is outcome and outcome is holds_of_some:
        return _why_items(counted, scope)
    return [leaf(counted, scope)]


def _why_items(node: Node, scope: Scope) -> list[Witness]:
    found = [each.witnesses or (Witness(each.elements, _known(each.place)),) for each in items(node, scope)]
    return list(chain.from_iterable(found))


def _known(place: Read | None) -> tuple[Read, ...]:
    return (place,) if place else ()


def emptiness(node: Call) -> tuple[Node, bool] | None:
    """Return the list whose emptiness a comparison asks for, and whether it holds of lists that have elements."""
    if len(node.args) != 2 or node.target is not None:
        return None
    left, right = node.args
    empty = isinstance(right, ListLiteral) and not right.elements
    if empty and node.function in ("_==_", "_!=_"):
        return left, node.function == "_!=_"
    if not isinstance(left, Call) or left.function != "size" or not isinstance(right, Constant) or right.value is True:
        return None
    holds = _EMPTINESS.get((node.function, right.value)) if type(right.value) is int else None
    counted = left.target or (left.args[0] if left.args else None)
    return None if holds is None or counted is None else (counted, holds)


def bool_comparison(node: Call) -> tuple[Node, bool] | None:
    """Return what is compared with `true` or `false`, and the outcome that the comparison asks for."""
    if node.function not in ("_==_", "_!=_"):
        return None
    for one, other in (node.args, node.args[::-1]):
        if (
            isinstance(other, Constant)
            and isinstance(other.value, bool)
            and isinstance(one, Call | Comprehension | Bind | Select)
        ):
            return one, other.value is (node.function == "_==_")
    return None


# values


def evaluated(node: Node, scope: Scope) -> Any:
    """Return a node's value; raises EvaluationError, and Rejected when explaining has cost too much."""
    if scope.purse.left <= 0:
        raise Rejected
    spent: list[int] = []
    try:
        return evaluate(node, scope.values, cost_limit=min(CEL_CALL_COST, scope.purse.left), spent=spent)
    finally:
        scope.purse.left -= sum(spent) + 1


def truth(node: Node, scope: Scope) -> bool | None:
    """Return what a node is, None where it is an error or no bool."""
    try:
        value = evaluated(node, scope)
    except EvaluationError:
        return None
    return value if isinstance(value, bool) else None


def definition(node: Node, scope: Scope) -> tuple[Node, Scope] | None:
    """Return the expression that a variable stands for: one of `cel.bind`, or one of the policy."""
    if isinstance(node, Ident):
        return scope.definitions.get(node.name)
    if (
        isinstance(node, Select)
        and isinstance(node.operand, Ident)
        and node.operand.name == "variables"
        and not node.test
    ):
        if "variables" in scope.places:
            return None
        variables = scope.values.get("variables")
        program = getattr(variables, "programs", {}).get(node.field)
        return (
            (program.node, Scope(variables.activation, purse=scope.purse))
            if program and variables is not None
            else None
        )
    return None


def bind(node: Bind, scope: Scope) -> Scope:
    """Return the scope of the body of `cel.bind`."""
    values = dict(scope.values)
    values.pop(node.var, None)
    with suppress(EvaluationError):  # what reads it fails in its turn
        values[node.var] = evaluated(node.value, scope)
    return Scope(
        values,
        {**scope.places, node.var: None},
        {**scope.definitions, node.var: (node.value, scope)},
        scope.elements,
        scope.purse,
    )


def turns_of(node: Comprehension, scope: Scope) -> Iterator[Scope]:
    """Yield the scope of each turn of a comprehension."""
    found = items(node.range, scope)
    ranged = evaluated(node.range, scope) if node.var2 else None
    for position, item in enumerate(found):
        values, places = dict(scope.values), dict(scope.places)
        definitions = {name: each for name, each in scope.definitions.items() if name not in (node.var, node.var2)}
        value, place = item.value, item.place
        if isinstance(ranged, dict):
            key_place, key = place, value
            value = ranged[key]
            place = (value, ()) if isinstance(value, dict | list) else key_place
            values[node.var], places[node.var] = key, key_place
        elif node.var2:
            values[node.var], places[node.var] = position, None
        values[node.var2 or node.var], places[node.var2 or node.var] = value, place
        repeated = bool(item.elements) and item.elements[-1] is value
        elements = (*item.elements[:-1], value) if isinstance(ranged, dict) or repeated else (*item.elements, value)
        yield Scope(values, places, definitions, elements, scope.purse)


def items(node: Node, scope: Scope) -> list[Item]:
    """Return the elements of a list, or the keys of a map, and where each comes from."""
    defined = definition(node, scope)
    if defined:
        inner, where = defined
        return items(inner, Scope(where.values, where.places, where.definitions, scope.elements, scope.purse))
    if isinstance(node, Comprehension) and node.kind in ("filter", "map") and not node.var2:
        return list(_of_comprehension(node, scope))
    if isinstance(node, Bind):
        return items(node.body, bind(node, scope))
    if isinstance(node, ListLiteral) and not node.optionals:
        found = ((evaluated(each, scope), place(each, scope)) for each in node.elements)
        return [Item(value, where_it_is, (*scope.elements, value)) for value, where_it_is in found]
    if isinstance(node, Call):
        if node.function == "_+_":
            return [each for arg in node.args for each in items(arg, scope)]
        if node.function == "_?_:_":
            return items(node.args[1] if truth(node.args[0], scope) else node.args[2], scope)
    return _plain_items(node, scope)


def _of_comprehension(node: Comprehension, scope: Scope) -> Iterator[Item]:
    for turn in turns_of(node, scope):
        reasons: list[Witness] = []
        if node.filter is not None:
            if not evaluated(node.filter, turn):
                continue
            reasons = why(node.filter, True, turn)
        if node.step is None:
            yield Item(turn.values[node.var], turn.places[node.var], turn.elements, tuple(reasons))
        else:
            step = reads(node.step, turn)
            shown = [Witness(turn.elements, tuple(step)), *reasons][:1]
            where = place(node.step, turn)
            yield Item(evaluated(node.step, turn), where, turn.elements, tuple(shown))


def _plain_items(node: Node, scope: Scope) -> list[Item]:
    collection = evaluated(node, scope)
    if not isinstance(collection, list | tuple | dict):
        raise Rejected
    where = place(node, scope)
    steps = enumerate(collection) if isinstance(collection, list | tuple) else ((key, key) for key in collection)
    found = []
    for step, value in steps:
        here = (value, ()) if isinstance(value, dict | list) else (where[0], (*where[1], step)) if where else None
        found.append(Item(value, here, (*scope.elements, value)))
    return found


# places


def leaf(node: Node, scope: Scope) -> Witness:
    """Return the witness of a node that is not looked into: what it read; where it fails, only what failed."""
    found = list(_reads(node, scope))
    try:
        evaluated(node, scope)
    except EvaluationError:
        failed = [read for read in found if not _exists(read, scope)]
        found = failed or found
    return Witness(scope.elements, distinct(tuple(found)))


def _exists(read: Read, scope: Scope) -> bool:
    root, path = read
    return depth(scope.values.get(root) if isinstance(root, str) else root, path) == len(path)


def reads(node: Node, scope: Scope) -> tuple[Read, ...]:
    """Return what a node reads of the input, in source order, each once."""
    return distinct(tuple(_reads(node, scope)))


def _reads(node: Node, scope: Scope) -> Iterator[Read]:
    where = place(node, scope)
    if where is not None:
        yield where
        return
    defined = definition(node, scope)
    if defined:
        yield from _reads(*defined)
        return
    for part in parts(node):
        yield from _reads(part, scope)


def parts(node: Node) -> Iterator[Node]:
    """Yield the operands of a node that stand in its own scope."""
    if isinstance(node, Select):
        yield node.operand
    elif isinstance(node, Index):
        yield from (node.operand, node.index)
    elif isinstance(node, Call):
        yield from (*((node.target,) if node.target else ()), *node.args)
    elif isinstance(node, ListLiteral):
        yield from node.elements
    elif isinstance(node, MapLiteral):
        yield from chain.from_iterable((entry.key, entry.value) for entry in node.entries)
    elif isinstance(node, Comprehension):
        yield node.range
        for inner in (node.filter, node.step):
            if inner is not None:
                yield from _free_parts(inner, frozenset((node.var, node.var2)))
    elif isinstance(node, Bind):
        yield node.value


def _free_parts(node: Node, bound: frozenset[str]) -> Iterator[Node]:
    """Yield the largest parts of a node that name none of a macro's own variables: what it reads from outside."""
    if not _names(node) & bound:
        yield node
    elif not isinstance(node, Comprehension | Bind):
        for part in parts(node):
            yield from _free_parts(part, bound)


def _names(node: Node) -> set[str]:
    own = {node.name} if isinstance(node, Ident) else set()
    return own.union(*(_names(part) for part in _children(node)))


def _children(node: Any) -> Iterator[Node]:
    for name in node.__struct_fields__:
        value = getattr(node, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Node):
                yield each


def place(node: Node, scope: Scope) -> Read | None:
    """Return where a node's value stands in the input, present or not; None where it is computed."""
    if isinstance(node, Ident):
        return _name_place(node.name, scope)
    if isinstance(node, Select):
        defined = definition(node, scope)
        if defined:
            return place(*defined)
        return _below(place(node.operand, scope), node.field)
    if isinstance(node, Index):
        start = place(node.operand, scope)
        return start and _below(start, _step(node.index, scope))
    if isinstance(node, Call) and node.function in SAME_PLACE:
        return place(node.target or node.args[0], scope)
    return None


def _name_place(name: str, scope: Scope) -> Read | None:
    if name in scope.definitions:
        return place(*scope.definitions[name])
    if name in scope.places:
        return scope.places[name]
    return (name, ()) if name in scope.values else None


def _below(start: Read | None, step: str | int | None) -> Read | None:
    return start if start is None or step is None else (start[0], (*start[1], step))


def _step(index: Node, scope: Scope) -> str | int | None:
    try:
        step = evaluated(index, scope)
    except EvaluationError:
        return None
    return step if isinstance(step, str | int) and not isinstance(step, bool) else None
