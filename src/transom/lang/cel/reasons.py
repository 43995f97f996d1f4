"""Explanations as generated Python: the answers of explain.py for expressions without odd corners, 20 times sooner.

The code relies on its caller having seen the outcome, so that it needs no second look at what decided. Whatever it
cannot tell by itself (a deciding operand that errors, elements that are computed) raises, and explain.py answers.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.lang.cel.explain import (
    SAME_PLACE,
    bool_comparison,
    emptiness,
    parts,
)
from transom.lang.cel.generate import Emitter, Unsupported, flat, module
from transom.lang.cel.operators import STRING
from transom.lang.cel.syntax import Bind, Call, Comprehension, Constant, Ident, Index, ListLiteral, Node, Select
from transom.lang.cel.weights import WEIGHT_LIMIT, weight
from transom.lang.cel.witness import COMPUTED, CONSTANTS, INPUT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from transom.lang.cel.program import LazyVariables

_ABSORBING = frozenset(("_&&_", "_||_"))


class Stand(Struct, frozen=True):
    """Where the element of a loop stands: the Python expressions of its range's root, path and step.

    root is "" where the range was computed, None where it is a literal that has no place at all. variable: the variable
    of the policy that the range is.
    """

    element: str
    step: str = ""
    root: str | None = ""
    path: str = ""
    variable: str = ""


class Explainer:
    """Writes one explaining function; places: where the variables of the loops around stand."""

    def __init__(self, variables: Collection[str]) -> None:
        self.emitter = Emitter(variables)
        self.places: dict[str, Stand] = {}
        self.elements: tuple[str, ...] = ()

    # reasons

    def why(self, node: Node, outcome: bool, into: str) -> None:
        """Write statements that add to the list `into` why a node had this outcome."""
        name = self.variable(node)
        if name is not None:
            self.extend(into, f"variable_why({self.variables()}, {name!r}, {outcome}, {self.tupled(self.elements)})")
        elif isinstance(node, Call):
            self.why_call(node, outcome, into)
        elif isinstance(node, Comprehension) and node.kind in ("all", "exists"):
            self.why_loop(node, outcome, into)
        elif isinstance(node, Comprehension) and node.kind == "exists_one":
            self.why_exactly_one(node, outcome, into)
        elif isinstance(node, Bind):
            raise Unsupported("a name for a value")
        else:
            self.leaf(node, into)

    def why_call(self, node: Call, outcome: bool, into: str) -> None:
        counted, compared = emptiness(node), bool_comparison(node)
        if node.function in ("_&&_", "_||_"):
            self.why_logical(node, outcome, into)
        elif node.function == "!_":
            self.why(node.args[0], not outcome, into)
        elif node.function == "_?_:_":
            self.why_conditional(node, outcome, into)
        elif counted and outcome is counted[1]:
            self.why_each(counted[0], into)
        elif counted or compared:
            self.leaf(counted[0], into) if counted else self.why(compared[0], outcome == compared[1], into)  # type: ignore[index]
        else:
            self.leaf(node, into)

    def why_logical(self, node: Call, outcome: bool, into: str) -> None:
        terms = list(flat(node, node.function))
        if outcome is (node.function == "_||_"):
            for term in terms:
                held = self.truth(term)
                with self.emitter.block() as lines:
                    self.why(term, outcome, into)
                self.emitter.emit_block(f"if {held} is {outcome}:", lines)
        elif all(self.is_leaf(term) for term in terms):
            self.witness(chain.from_iterable(map(self.reads, map(self.inner, terms))), into)
        else:
            lists = []
            for term in terms:
                lists.append(self.emitter.fresh("reasons"))
                self.emitter.emit(f"{lists[-1]} = []")
                self.why(term, outcome, lists[-1])
            self.extend(into, f"together([{', '.join(lists)}], {self.tupled(self.elements)})")

    def is_leaf(self, node: Node) -> bool:
        """Say whether a node's reasons are just what it reads."""
        if self.variable(node) is not None or isinstance(node, Comprehension | Bind):
            return False
        if isinstance(node, Call):
            if node.function == "!_":
                return self.is_leaf(node.args[0])
            compared = bool_comparison(node)
            if compared:
                return self.is_leaf(compared[0])
            return node.function not in ("_&&_", "_||_", "_?_:_") and not emptiness(node)
        return True

    def inner(self, node: Node) -> Node:
        """Return what a leaf reads, without the signs around it."""
        while isinstance(node, Call):
            compared = bool_comparison(node)
            if node.function == "!_":
                node = node.args[0]
            elif compared:
                node = compared[0]
            else:
                return node
        return node

    def why_conditional(self, node: Call, outcome: bool, into: str) -> None:
        condition, *branches = node.args
        held = self.truth(condition)
        for branch, held_is in zip(branches, (True, False), strict=True):
            with self.emitter.block() as lines:
                if isinstance(branch, Constant):
                    self.why(condition, held_is, into)
                else:
                    self.why(branch, outcome, into)
            self.emitter.emit_block(f"if {held} is {held_is}:", lines)
        self.emitter.emit(f"if {held} is None: reject()")

    def why_loop(self, node: Comprehension, outcome: bool, into: str) -> None:
        if outcome is not (node.kind == "exists"):
            self.leaf(node, into)
            return
        self.turns(node, outcome, into)

    def why_exactly_one(self, node: Comprehension, outcome: bool, into: str) -> None:
        """The one that holds is the reason, or each of several, or the range where none does."""
        reasons = self.emitter.fresh("reasons")
        self.emitter.emit(f"{reasons} = []")
        self.turns(node, True, reasons)
        if outcome:
            self.extend(into, reasons)
            return
        with self.emitter.block() as lines:
            self.leaf(node, into)
        self.emitter.emit_block(f"if not {reasons}:", lines)
        self.emitter.emit_block("else:", [f"{into}.extend({reasons})"])

    def turns(self, node: Comprehension, outcome: bool, into: str) -> None:
        """Write the loop that looks for the elements whose predicate had this outcome."""
        assert node.filter is not None
        if node.var2:
            raise Unsupported("two variables")
        stand, ranged = self.range(node)
        places, elements = self.places, self.elements
        self.places, self.elements = {**places, node.var: stand}, (*elements, stand.element)
        scope = self.emitter.scope
        with self.emitter.block() as body, self.emitter.turn(node, "dyn", stand.element):
            held = self.truth(node.filter)
            with self.emitter.block() as lines:
                self.why(node.filter, outcome, into)
            self.emitter.emit_block(f"if {held} is {outcome}:", lines)
        assert self.emitter.scope is scope
        self.places, self.elements = places, elements
        self.emitter.emit_block(f"for {stand.step}, {stand.element} in {ranged}:", body)

    def why_each(self, node: Node, into: str) -> None:
        """Write why each element of a list is in it."""
        name = self.variable(node)
        if name is not None:
            self.extend(into, f"variable_items({self.variables()}, {name!r}, {self.tupled(self.elements)})")
        elif isinstance(node, Comprehension) and node.kind == "filter":
            self.turns(node, True, into)
        elif self.place(node):
            plain = Comprehension(kind="filter", range=node, var="each", filter=Constant(value=True))
            stand, ranged = self.range(plain)
            witness = f"Witness({self.tupled((*self.elements, stand.element))}, ({self.standing(stand)},))"
            self.emitter.emit_block(f"for {stand.step}, {stand.element} in {ranged}:", [f"{into}.append({witness})"])
        else:
            raise Unsupported("elements that are computed")

    def range(self, node: Comprehension) -> tuple[Stand, str]:
        """Evaluate what a loop runs over; return where its elements stand, and what yields them with their steps."""
        found, literal = self.place(node.range), isinstance(node.range, ListLiteral)
        if not found and origin(node.range, None) == COMPUTED:
            raise Unsupported("elements that are computed")
        root, path = found if found and not found[0].startswith("*") else (None if literal else "", "")
        name = self.variable(node.range)
        stand = Stand(self.emitter.fresh(node.var), self.emitter.fresh("at"), root, path, name or "")
        if name is not None:
            iterable = self.emitter.fresh("range")
            self.emitter.emit(f"{iterable} = variable_list({self.variables()}, {name!r})")
        else:
            iterable, _ = self.emitter.iterable(node)
        return stand, f"steps({iterable})"

    def leaf(self, node: Node, into: str) -> None:
        self.witness(self.reads(node), into)

    def witness(self, reads: Iterable[str], into: str) -> None:
        texts = list(dict.fromkeys(reads))
        known = "".join(f"{text}, " for text in texts)
        runtime = any(text.startswith(("*", "placed(")) for text in texts)
        tuple_text = f"distinct(({known}))" if runtime else f"({known})"
        self.emitter.emit(f"{into}.append(Witness({self.tupled(self.elements)}, {tuple_text}))")

    def extend(self, into: str, text: str) -> None:
        self.emitter.emit(f"{into}.extend({text})")

    def tupled(self, names: Iterable[str]) -> str:
        return f"({''.join(name + ', ' for name in names)})"

    def truth(self, node: Node) -> str:
        """Evaluate a node; return the local that is True, False, or None for an error.

        A missing key is an error of CEL too, unless something in the node absorbs it.
        """
        held = self.emitter.fresh("held")
        with self.emitter.block() as lines:
            text = self.emitter.boolean(node)
        lines = [*lines, f"{held} = {text}"]
        if absorbs(node):
            self.emitter.lines.extend(lines)
        else:
            self.emitter.emit_block("try:", lines)
            self.emitter.emit_block("except KeyError:", [f"{held} = None"])
        return held

    # reads

    def variable(self, node: Node) -> str | None:
        """Return the name in `variables.name`, None for any other node."""
        if not isinstance(node, Select) or node.test or node.optional or not isinstance(node.operand, Ident):
            return None
        return node.field if node.operand.name == "variables" and "variables" not in self.places else None

    def variables(self) -> str:
        return self.emitter.root("variables")

    def reads(self, node: Node) -> list[str]:
        """Return Python expressions for what a node reads; some begin with `*`."""
        found = self.place(node)
        if found:
            root, path = found
            if root.startswith("*"):
                return [f"*variable_reads({self.variables()}, {root[1:]}, {path})"]
            return [f"({root}, {path})"]
        if isinstance(node, Ident) and node.name in self.places:
            stand = self.places[node.name]
            return [] if stand.root is None else [self.standing(stand)]
        return list(chain.from_iterable(map(self.reads, parts(node))))

    def standing(self, stand: Stand) -> str:
        """Return a Python expression for where an element stands; it may begin with `*`."""
        if stand.variable:
            return f"*variable_element({self.variables()}, {stand.variable!r}, {stand.element})"
        return f"placed({stand.element}, {stand.root or None}, {stand.path or '()'}, {stand.step})"

    def place(self, node: Node) -> tuple[str, str] | None:
        """Return Python expressions for the root and path of a node's value; see explain.place.

        A root that is a variable of the policy is `*` and its quoted name. A bare element has none: only at run time is
        it seen to be a scalar.
        """
        steps: list[str] = []
        while True:
            name = self.variable(node)
            if name is not None:
                return f"*{name!r}", self.tupled(reversed(steps))
            if isinstance(node, Select):
                steps.append(repr(node.field))
                node = node.operand
            elif isinstance(node, Index):
                steps.append(self.step(node.index))
                node = node.operand
            elif isinstance(node, Call) and node.function in SAME_PLACE and (node.target or node.args):
                node = node.target or node.args[0]
            else:
                break
        if not isinstance(node, Ident):
            return None
        stand = self.places.get(node.name)
        if stand is None:
            return (repr(node.name), self.tupled(reversed(steps))) if node.name in self.emitter.variables else None
        return (stand.element, self.tupled(reversed(steps))) if steps and stand.root is not None else None

    def step(self, index: Node) -> str:
        if isinstance(index, Constant) and type(index.value) in (str, int):
            return repr(index.value)
        code = self.emitter.value(index)
        return code.text if code.kind == STRING else f"step({code.text})"


def absorbs(node: Node) -> bool:
    """Say whether a node may have a value although a part of it errors."""
    if isinstance(node, Call) and node.function in _ABSORBING:
        return True
    if isinstance(node, Comprehension):
        inner = [part for part in (node.filter, node.step) if part]
        return node.kind in ("all", "exists") or any(map(absorbs, [*parts(node), *inner]))
    return any(map(absorbs, parts(node)))


def explaining_source(node: Node, variables: Collection[str], outcome: bool | None) -> str:
    """Return the source of `explain(activation)`: why a node had this outcome, or for None, why its elements are in it.

    Raises Unsupported.
    """
    writer = Explainer(variables)
    writer.emitter.emit("found = []")
    if outcome is None:
        writer.why_each(node, "found")
    else:
        writer.why(node, outcome, "found")
    body = [*writer.emitter.lines, "return found"]
    return module("explain", writer.emitter, body, WEIGHT_LIMIT - weight(node))


def origin(node: Node, variables: LazyVariables | None) -> str:
    """Return where the elements of a list come from, without an element of another list in between; see witness.

    variables: where `variables.name` is looked up; None where it is not known here.
    """
    if isinstance(node, Select) and isinstance(node.operand, Ident) and node.operand.name == "variables":
        program = variables.programs.get(node.field) if variables is not None else None
        return COMPUTED if program is None else origin(program.node, variables)
    if isinstance(node, ListLiteral):
        return CONSTANTS if all(isinstance(each, Constant) for each in node.elements) else COMPUTED
    if isinstance(node, Comprehension):
        return origin(node.range, variables) if node.kind == "filter" and not node.var2 else COMPUTED
    if isinstance(node, Call) and node.function in ("_+_", "_?_:_"):
        origins = {origin(arg, variables) for arg in node.args[-2:]}
        return COMPUTED if COMPUTED in origins else origins.pop() if len(origins) == 1 else INPUT
    return INPUT if isinstance(node, Select | Index | Call | Ident) else COMPUTED
