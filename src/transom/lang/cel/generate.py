"""Tier one: CEL nodes to Python source that is fast on plain Kubernetes data and raises on everything else.

`object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))` becomes

    def run(activation):
        budget = 999_950
        object_1 = activation["object"]
        range_2 = object_1["spec"]["containers"]
        if range_2.__class__ is not list: range_2 = elements(range_2)
        if (budget := budget - len(range_2) * 12) < 0: reject()
        all_3 = True
        for c_4 in range_2:
            t_5 = c_4.get("securityContext", EMPTY).get("privileged", False)
            if not (t_5 is False or t_5 is not True and reject()):
                all_3 = False
                break
        return all_3

What makes it legal: CEL has no side effects, so whatever raises here is simply evaluated again, exactly. So the code
only has to raise wherever Python would quietly differ; guards.py has the calls for that. `&&` and `||` stop where
Python's do; that an error on one side may be absorbed by the other is left to the exact evaluator.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.lang.cel.operators import BOOL, DYN, KNOWN_CALLS, LIST, MAP, STRING, Code, constant
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
from transom.lang.cel.weights import PRODUCTS, WEIGHT_LIMIT, turn, weight

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

OPTIONAL = "optional"
"""The kind of a local that holds a value or MISSING."""

MAX_NAMES = (
    20_000  # an expression of 100,000 characters has fewer; an explanation of nested `?:` could double and double
)

_NOT_WORD = re.compile(r"\W")
_INDENT = "    "
_OPTIONAL_MAKERS = frozenset(("of", "none", "ofNonZeroValue"))
_EXACT_ONLY = frozenset(("lists.range",))  # builds lists of any length from a number


class Unsupported(Exception):  # noqa: N818 - it is no error, only a limit of the generator
    """The generator has no Python for this: the exact evaluator alone evaluates the expression."""


class Local(Struct, frozen=True):
    """The Python name of a variable, and what is known of its value."""

    name: str
    kind: str = DYN


class Emitter:
    """Writes the body of one Python function.

    lines: its statements so far; scope: the variables of comprehensions by CEL name; known: paths that were tested with
    has() where the code now stands, and the local that holds what was found there.
    """

    def __init__(self, variables: Collection[str]) -> None:
        self.variables = variables
        self.lines: list[str] = []
        self.scope: dict[str, Local] = {}
        self.roots: dict[str, str] = {}
        self.functions: dict[tuple[str, bool], str] = {}
        self.patterns: dict[str, str] = {}
        self.known: dict[tuple[str, ...], str] = {}
        self.tested: dict[int, tuple[tuple[str, ...], str]] = {}
        self.count = 0
        self.loops = False

    # names and statements

    def fresh(self, hint: str) -> str:
        """Return a local name that nothing else has."""
        self.count += 1
        if self.count > MAX_NAMES:
            raise Unsupported("code of that length")
        return f"{_NOT_WORD.sub('_', hint)}_{self.count}"

    def emit(self, line: str) -> None:
        """Add a statement."""
        self.lines.append(line)

    def emit_block(self, head: str, block: list[str]) -> None:
        """Add a compound statement."""
        self.lines.append(head)
        self.lines.extend(_INDENT + line for line in block or ["pass"])

    @contextmanager
    def block(self) -> Iterator[list[str]]:
        """Collect the statements added meanwhile, instead of adding them."""
        outside, known = self.lines, dict(self.known)
        inside: list[str] = []
        self.lines = inside
        try:
            yield inside
        finally:
            self.lines, self.known = outside, known

    @contextmanager
    def bound(self, **names: Local) -> Iterator[None]:
        """Let CEL names mean these locals meanwhile."""
        outside = self.scope
        self.scope = {**outside, **names}
        try:
            yield
        finally:
            self.scope = outside

    def root(self, name: str) -> str:
        """Return the local that holds a variable of the activation."""
        if name not in self.variables:
            raise Unsupported(name)
        if name not in self.roots:
            self.roots[name] = self.fresh(name)
        return self.roots[name]

    def function(self, name: str, method: bool) -> str:
        """Return the global that holds a function of the libraries."""
        return self.functions.setdefault(
            (name, method), f"{_NOT_WORD.sub('_', name)}_{'method' if method else 'function'}"
        )

    def pattern(self, text: str) -> str:
        """Return the global that searches for a regular expression of Python's."""
        return self.patterns.setdefault(text, f"search_{len(self.patterns)}")

    # values

    def value(self, node: Node) -> Code:
        """Return a Python expression for a node's value, and its kind; statements it needs are added before."""
        if self.is_optional(node):
            return Code(f"boxed({self.maybe(node)})")
        if isinstance(node, Constant):
            return constant(node.value)
        if isinstance(node, Ident):
            return self.ident(node)
        if isinstance(node, Select):
            return self.select(node)
        if isinstance(node, Index):
            return self.index(node)
        if isinstance(node, Call):
            return self.call(node)
        if isinstance(node, Comprehension):
            return self.comprehension(node)
        if isinstance(node, ListLiteral) and not node.optionals:
            return Code(f"[{', '.join(self.text(element) for element in node.elements)}]", LIST)
        if isinstance(node, MapLiteral):
            return self.map_literal(node)
        if isinstance(node, Bind):
            with self.binding(node):
                return self.value(node.body)
        raise Unsupported(type(node).__name__)

    def text(self, node: Node) -> str:
        """Return a Python expression for a node's value, whatever it is."""
        return self.value(node).text

    def receiver(self, node: Node, *kinds: str) -> str:
        """Return a Python expression for a value of one of these kinds; no other has the fields that are asked for."""
        code = self.value(node)
        return code.text if code.kind in (DYN, *kinds) and not isinstance(node, ListLiteral) else "reject()"

    def boolean(self, node: Node) -> str:
        """Return a Python expression that is a bool, or raises."""
        code = self.value(node)
        if code.kind == BOOL:
            return code.text
        t = self.fresh("t")
        return f"(({t} := {code.text}) is True or {t} is not False and reject())"

    def falsehood(self, node: Node) -> str:
        """Return a Python expression for the opposite of a node."""
        code = self.value(node)
        if code.kind == BOOL:
            return f"(not {code.text})"
        t = self.fresh("t")
        return f"(({t} := {code.text}) is False or {t} is not True and reject())"

    def ident(self, node: Ident) -> Code:
        local = self.scope.get(node.name)
        return Code(local.name, local.kind) if local else Code(self.root(node.name.removeprefix(".")))

    def map_literal(self, node: MapLiteral) -> Code:
        keys = [entry.key.value for entry in node.entries if isinstance(entry.key, Constant) and not entry.optional]
        if len(set(keys)) != len(node.entries) or not all(isinstance(key, str) for key in keys):
            raise Unsupported("a map whose keys are no plain strings")
        entries = (f"{key!r}: {self.text(entry.value)}" for key, entry in zip(keys, node.entries, strict=True))
        return Code(f"{{{', '.join(entries)}}}", MAP)

    @contextmanager
    def binding(self, node: Bind) -> Iterator[None]:
        """Give a value a name."""
        name = self.fresh(node.var)
        if self.is_optional(node.value):
            self.emit(f"{name} = {self.maybe(node.value)}")
            kind = OPTIONAL
        else:
            code = self.value(node.value)
            self.emit(f"{name} = {code.text}")
            kind = code.kind
        with self.bound(**{node.var: Local(name, kind)}):
            yield

    # selection

    def key(self, node: Node) -> tuple[str, ...] | None:
        """Return a path of plain selections as one key, None where a node is none."""
        if isinstance(node, Ident):
            return (self.ident(node).text,)
        if isinstance(node, Select) and not node.optional and not node.test:
            start = self.key(node.operand)
            return (*start, node.field) if start else None
        return None

    def select(self, node: Select) -> Code:
        self.refuse_dotted(node)
        if node.test:
            return self.presence(node)
        found = self.known.get(self.key(node) or ())
        return Code(found or f"{self.receiver(node.operand, MAP)}[{node.field!r}]")

    def refuse_dotted(self, node: Select) -> None:
        """Refuse `a.b` where that is one name to the activation."""
        name = node.operand.name if isinstance(node.operand, Ident) else ""
        if name and name not in self.scope and f"{name}.{node.field}" in self.variables:
            raise Unsupported("a dotted name")

    def presence(self, node: Select) -> Code:
        """Write `has(a.b)`, and remember what it found."""
        if self.is_optional(node.operand):
            return Code(f"({self.chain(node, 'MISSING')} is not MISSING)", BOOL)
        if isinstance(node.operand, Ident) and node.operand.name == "variables" and "variables" not in self.scope:
            return Code(f"({node.field!r} in {self.text(node.operand)})", BOOL)  # get() would not compute it
        key = self.key(node.operand)
        if key is None:
            return Code(f"({self.receiver(node.operand, MAP)}.get({node.field!r}, MISSING) is not MISSING)", BOOL)
        key = (*key, node.field)
        name = self.known.get(key)
        if name:
            self.tested[id(node)] = (key, name)
            return Code("True", BOOL)
        name = self.fresh(node.field)
        self.tested[id(node)] = (key, name)
        return Code(
            f"(({name} := {self.receiver(node.operand, MAP)}.get({node.field!r}, MISSING)) is not MISSING)", BOOL
        )

    def facts(self, node: Node, outcome: bool) -> dict[tuple[str, ...], str]:
        """Return the paths that are known to exist after a node had this outcome."""
        if isinstance(node, Select) and node.test and outcome and id(node) in self.tested:
            return dict([self.tested[id(node)]])
        if isinstance(node, Call) and node.function == "!_":
            return self.facts(node.args[0], not outcome)
        if isinstance(node, Call) and node.function == ("_&&_" if outcome else "_||_"):
            return self.facts(node.args[0], outcome) | self.facts(node.args[1], outcome)
        return {}

    def index(self, node: Index) -> Code:
        code = self.value(node.index)
        if code.kind == STRING:
            return Code(f"{self.receiver(node.operand, MAP)}[{code.text}]")
        return Code(f"at({self.text(node.operand)}, {code.text})")

    # optionals

    def is_optional(self, node: Node) -> bool:
        """Say whether a node's value is an optional by its form alone."""
        if isinstance(node, Select):
            return not node.test and (node.optional or self.is_optional(node.operand))
        if isinstance(node, Index):
            return node.optional or self.is_optional(node.operand)
        if isinstance(node, Comprehension):
            return node.kind in ("optMap", "optFlatMap")
        if isinstance(node, Ident):
            return node.name in self.scope and self.scope[node.name].kind == OPTIONAL
        if isinstance(node, Call) and node.target is not None:
            if node.function == "or":
                return self.is_optional(node.target)
            is_optional = isinstance(node.target, Ident) and node.target.name == "optional" and self.is_free("optional")
            return is_optional and node.function in _OPTIONAL_MAKERS
        return False

    def is_free(self, name: str) -> bool:
        """Say whether no variable has this name, so that it can be a namespace of functions."""
        return name not in self.scope and name not in self.variables

    def maybe(self, node: Node) -> str:
        """Return a Python expression for what an optional holds, or MISSING."""
        if isinstance(node, Select | Index) and self.is_optional(node):
            return self.chain(node, "MISSING")
        if isinstance(node, Ident) and self.is_optional(node):
            return self.scope[node.name].name
        if isinstance(node, Comprehension) and node.kind in ("optMap", "optFlatMap"):
            return self.optional_map(node)
        if isinstance(node, Call) and self.is_optional(node) and node.target is not None:
            if node.function == "or":
                t = self.fresh("t")
                return f"({t} if ({t} := {self.maybe(node.target)}) is not MISSING else {self.maybe(node.args[0])})"
            if node.function == "of":
                return self.text(node.args[0])
            if node.function == "none":
                return "MISSING"
            return f"unboxed({self.library_call(node)})"
        return f"unboxed({self.text(node)})"

    def chain(self, node: Select | Index, default: str) -> str:
        """Return a Python expression for `a.?b.c[?"d"]`, and default where something on the way is absent."""
        index = Code(repr(node.field), STRING) if isinstance(node, Select) else self.value(node.index)
        base = self.chain_base(node.operand, "EMPTY")
        if index.kind == STRING:
            return f"{base}.get({index.text}, {default})"
        t = self.fresh("t")
        found = f"maybe_at({base}, {index.text})"
        return found if default == "MISSING" else f"({default} if ({t} := {found}) is MISSING else {t})"

    def chain_base(self, operand: Node, default: str) -> str:
        if isinstance(operand, Ident) and operand.name == "variables":
            raise Unsupported("an optional variable")
        if isinstance(operand, Select | Index) and self.is_optional(operand):
            return self.chain(operand, default)
        if self.is_optional(operand):
            t = self.fresh("t")
            return f"({default} if ({t} := {self.maybe(operand)}) is MISSING else {t})"
        return self.receiver(operand, MAP, LIST)

    def or_value(self, target: Node, default: Node) -> Code:
        """Write `target.orValue(default)`; a default that is cheap and cannot fail is simply at hand."""
        if isinstance(default, Constant) and isinstance(target, Select | Index):
            return Code(self.chain(target, self.text(default)))
        if (
            isinstance(default, ListLiteral | MapLiteral)
            and isinstance(target, Select | Index)
            and weight(default) == 40
        ):
            return Code(self.chain(target, self.text(default)))
        t = self.fresh("t")
        found = self.maybe(target)
        with self.block() as lines:
            other = self.text(default)
        if not lines:
            return Code(f"({other} if ({t} := {found}) is MISSING else {t})")
        self.emit(f"{t} = {found}")
        self.emit_block(f"if {t} is MISSING:", [*lines, f"{t} = {other}"])
        return Code(t)

    def optional_map(self, node: Comprehension) -> str:
        assert node.step is not None
        name = self.fresh(node.var)
        found = self.maybe(node.range)
        with self.block() as lines, self.bound(**{node.var: Local(name)}):
            step = self.text(node.step) if node.kind == "optMap" else self.maybe(node.step)
        if not lines:
            return f"(MISSING if ({name} := {found}) is MISSING else {step})"
        t = self.fresh("t")
        self.emit(f"{t} = {name} = {found}")
        self.emit_block(f"if {name} is not MISSING:", [*lines, f"{t} = {step}"])
        return t

    # calls

    def call(self, node: Call) -> Code:
        if node.function in ("_&&_", "_||_"):
            return self.logical(node)
        if node.function == "!_":
            return Code(self.falsehood(node.args[0]), BOOL)
        if node.function == "_?_:_":
            return self.conditional(node)
        if node.target is not None and self.is_optional(node.target):
            if node.function == "orValue":
                return self.or_value(node.target, node.args[0])
            if node.function == "hasValue":
                return Code(f"({self.maybe(node.target)} is not MISSING)", BOOL)
            if node.function == "value":
                return Code(f"required({self.maybe(node.target)})")
        known = KNOWN_CALLS.get((node.function, len(node.args) + (node.target is not None)))
        code = known(self, node) if known else None
        return code or Code(self.library_call(node))

    def library_call(self, node: Call) -> str:
        """Write a call of a function of the libraries."""
        from transom.lang.cel.functions import FUNCTIONS

        name = node.function.removeprefix(".")
        namespaced = f"{node.target.name}.{name}" if isinstance(node.target, Ident) else ""
        if (namespaced, False) in FUNCTIONS and isinstance(node.target, Ident) and self.is_free(node.target.name):
            key, args = (namespaced, False), node.args
        elif node.target is not None:
            key, args = (name, True), (node.target, *node.args)
        else:
            key, args = (name, False), node.args
        if key not in FUNCTIONS or key[0] in _EXACT_ONLY:
            raise Unsupported(key[0])
        guard = "few" if key[0] in PRODUCTS else "small"
        return f"{self.function(*key)}({', '.join(self.argument(arg, guard) for arg in args)})"

    def argument(self, node: Node, guard: str) -> str:
        code = self.value(node)
        sized = code.kind in (DYN, STRING, LIST, MAP) and not isinstance(node, Constant)
        return f"{guard}({code.text})" if sized else code.text

    def logical(self, node: Call) -> Code:
        """Write a chain of `&&` or `||`; operands that need statements become `if`s."""
        is_and = node.function == "_&&_"
        segments: list[tuple[list[str], list[str]]] = []
        outside = self.known
        for term in flat(node, node.function):
            with self.block() as lines:
                text = self.boolean(term)
            if lines or not segments:
                segments.append((lines, [text]))
            else:
                segments[-1][1].append(text)
            self.known = self.known | self.facts(term, is_and)
        self.known = outside
        joined = [f"({(' and ' if is_and else ' or ').join(texts)})" for _, texts in segments]
        self.lines.extend(segments[0][0])
        if len(segments) == 1:
            return Code(joined[0], BOOL)
        name = self.fresh("both" if is_and else "either")
        self.emit(f"{name} = {joined[0]}")
        for (lines, _), text in zip(segments[1:], joined[1:], strict=True):
            self.emit_block(f"if {name}:" if is_and else f"if not {name}:", [*lines, f"{name} = {text}"])
        return Code(name, BOOL)

    def conditional(self, node: Call) -> Code:
        condition, then, otherwise = node.args
        test = self.boolean(condition)
        branches = []
        for branch, outcome in ((then, True), (otherwise, False)):
            with self.block() as lines:
                self.known = self.known | self.facts(condition, outcome)
                branches.append((lines, self.value(branch)))
        (then_lines, yes), (else_lines, no) = branches
        kind = yes.kind if yes.kind == no.kind else DYN
        if not then_lines and not else_lines:
            return Code(f"({yes.text} if {test} else {no.text})", kind)
        name = self.fresh("chosen")
        self.emit_block(f"if {test}:", [*then_lines, f"{name} = {yes.text}"])
        self.emit_block("else:", [*else_lines, f"{name} = {no.text}"])
        return Code(name, kind)

    # comprehensions

    def iterable(self, node: Comprehension) -> tuple[str, str]:
        """Evaluate what a comprehension runs over; return an expression to loop over, and the kind of its elements."""
        if isinstance(node.range, ListLiteral) and all(isinstance(each, Constant) for each in node.range.elements):
            texts = [self.value(each) for each in node.range.elements]
            strings = all(text.kind == STRING for text in texts)
            name = f"({''.join(text.text + ', ' for text in texts)})"
            return (f"enumerate({name})" if node.var2 else name), STRING if strings else DYN
        code = self.value(node.range)
        name = code.text if code.text.isidentifier() and code.kind == LIST else self.fresh("range")
        if name != code.text:
            self.emit(f"{name} = {code.text}")
        if code.kind != LIST and not node.var2:
            self.emit(f"if {name}.__class__ is not list: {name} = elements({name})")
        self.loops = True
        self.emit(f"if (budget := budget - len({name}) * {turn(node)}) < 0: reject()")
        return (f"pairs({name})" if node.var2 else name), DYN

    def comprehension(self, node: Comprehension) -> Code:
        """Write a loop whose outcome is left in a local."""
        shape = _LOOPS.get(node.kind)
        if shape is None:
            raise Unsupported(node.kind)
        first, found, kind = shape
        iterable, element = self.iterable(node)
        name = self.fresh(node.kind)
        self.emit(f"{name} = {first}")
        with self.block() as body, self.turn(node, element) as targets:
            if node.filter is not None:
                test = self.falsehood(node.filter) if node.kind == "all" else self.boolean(node.filter)
                with self.block() as hit:
                    self.known = self.known | self.facts(node.filter, True)
                    step = self.text(node.step) if node.step else targets.split(", ")[-1]
                    self.lines.extend(line.format(name=name, step=step, key=targets.split(", ")[0]) for line in found)
                self.emit_block(f"if {test}:", hit)
            else:
                assert node.step is not None
                step = self.text(node.step)
                self.lines.extend(line.format(name=name, step=step, key=targets.split(", ")[0]) for line in found)
        self.emit_block(f"for {targets} in {iterable}:", body)
        return Code(f"({name} == 1)" if node.kind == "exists_one" else name, kind)

    @contextmanager
    def turn(self, node: Comprehension, kind: str, name: str = "") -> Iterator[str]:
        """Bind the variables of a comprehension, the first to this name; yields what a `for` assigns to."""
        local = Local(name or self.fresh(node.var), kind if not node.var2 else DYN)
        names = {node.var: local}
        if node.var2:
            names[node.var2] = Local(self.fresh(node.var2), kind)
        with self.bound(**names):
            yield ", ".join(each.name for each in names.values())


_LOOPS: dict[str, tuple[str, tuple[str, ...], str]] = {
    # macro: what it starts from, what is done where its predicate decides (for `all`: fails), the kind of its value
    "all": ("True", ("{name} = False", "break"), BOOL),
    "exists": ("False", ("{name} = True", "break"), BOOL),
    "exists_one": ("0", ("{name} += 1",), BOOL),
    "filter": ("[]", ("{name}.append({step})",), LIST),
    "map": ("[]", ("{name}.append({step})",), LIST),
    "transformList": ("[]", ("{name}.append({step})",), LIST),
    "transformMap": ("{}", ("{name}[{key}] = {step}",), MAP),
}


def flat(node: Node, function: str) -> Iterator[Node]:
    """Yield the operands of a chain of one operator."""
    if isinstance(node, Call) and node.function == function and node.target is None:
        for arg in node.args:
            yield from flat(arg, function)
    else:
        yield node


def python_source(node: Node, variables: Collection[str]) -> str:
    """Return the source of `run(activation)`; raises Unsupported."""
    spent = weight(node)
    if spent > WEIGHT_LIMIT:
        raise Unsupported("an expression of that cost")
    emitter = Emitter(variables)
    value = emitter.text(node)
    return module("run", emitter, [*emitter.lines, f"return {value}"], WEIGHT_LIMIT - spent)


def module(name: str, emitter: Emitter, body: list[str], budget: int, parameters: str = "activation") -> str:
    """Return the source of a module with one function, and what it needs from the libraries."""
    found = [f"{local} = library({name!r}, {method})" for (name, method), local in emitter.functions.items()]
    found += [f"{local} = searcher({text!r})" for text, local in emitter.patterns.items()]
    head = [f"{local} = activation[{root!r}]" for root, local in emitter.roots.items()]
    if emitter.loops:
        head.insert(0, f"budget = {budget}")
    return "\n".join([*found, f"def {name}({parameters}):", *(_INDENT + line for line in [*head, *body]), ""])
