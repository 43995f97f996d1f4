"""A compiled expression: called with what it may name, it returns its value, and says why it was so.

Two tiers: generated Python (generate.py), and whenever that raises anything, the exact evaluator (exact.py), which
alone decides on values outside Python's own rules, on errors and on cost.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Collection, Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any

from transom.lang.cel.errors import CelTypeError, EvaluationError
from transom.lang.cel.guards import NAMES, reject

if TYPE_CHECKING:
    from transom.lang.cel.environment import Environment
    from transom.lang.cel.syntax import Node
    from transom.lang.cel.types import Type
    from transom.lang.cel.witness import Witness

Activation = Mapping[str, Any]
"""What an expression may name, by name. Kubernetes data is given as it was decoded, without conversion."""

Code = CodeType | bytes
"""A module of generated code, compiled; bytes as the marshal module writes it, where it was loaded and has not run."""

Parts = tuple[Any, ...]
"""A stored program: nothing but what the marshal module writes."""


class Program:
    """A compiled expression.

    Make one with compile_expression, or with Program.load from what dump returned.
    """

    __slots__ = ("_code", "_explainers", "_explaining", "_node", "_type", "names", "origin", "run", "source")
    source: str
    names: tuple[str, ...]
    """The variables that the expression may name."""
    run: Callable[[Activation], Any]
    """Tier one alone: raises anything where the exact evaluator must decide. For who judges thousands of times."""

    def __init__(self, source: str, names: Collection[str], stored_type: Parts, node: Node | None = None) -> None:
        self.source = source
        self.names = tuple(names)
        self._type = stored_type
        self._node = node
        self._code: Code | None = None
        self.run = self._first_run
        self.origin: str | None = None  # what reasons.origin says of the node, when first asked
        self._explaining: dict[bool | None, Code | None] = {}
        self._explainers: dict[bool | None, Callable[[Activation], list[Witness]]] = {}

    def __call__(self, activation: Activation) -> Any:
        """Return the expression's value; raises EvaluationError, whose subclass CannotKnow means: needs an Unknown."""
        try:
            return self.run(activation)
        except Exception:  # whatever went wrong, tier two knows what CEL makes of it
            return self.exactly(activation)

    def exactly(self, activation: Activation) -> Any:
        """Return the value by the exact evaluator alone."""
        from transom.lang.cel.exact import evaluate

        return evaluate(self.node, activation)

    def _first_run(self, activation: Activation) -> Any:
        self.run = reject  # stays so where the code cannot be loaded
        if self._code is not None:
            self.run = _function(self._code, "run", NAMES)
        return self.run(activation)

    @property
    def is_generated(self) -> bool:
        """Whether there is generated Python; else the exact evaluator does it all."""
        return self._code is not None

    @property
    def node(self) -> Node:
        """The parsed expression; parsed again when it was loaded from storage."""
        if self._node is None:
            from transom.lang.cel.parser import parse

            self._node = parse(self.source)
        return self._node

    @property
    def type(self) -> Type:
        """The static type of the value."""
        found: Type = _restored_type(self._type)
        return found

    def witnesses(self, activation: Activation, outcome: bool, ran: bool = False) -> list[Witness]:
        """Return why the expression had this outcome; see witness.Witness.

        activation: the one that it was called with; outcome: what it returned, or False where it raised an error: then
        the reads that failed are the reasons; ran: whether `run` is known to return this outcome. Never raises; where no
        reason is known the list has one empty Witness.
        """
        try:
            if ran or self.run(activation) is outcome:
                return self._explained(activation, outcome)
        except Exception:  # noqa: S110 - generated code leaves to the walker whatever is out of the ordinary
            pass
        from transom.lang.cel.explain import explain

        return explain(self.node, activation, outcome)

    def item_witnesses(self, activation: Activation) -> list[Witness]:
        """Return why each element of the list that the expression yields is in it; never raises."""
        try:
            return self._explained(activation, None)
        except Exception:
            from transom.lang.cel.explain import explain_items

            return explain_items(self.node, activation)

    def _explained(self, activation: Activation, outcome: bool | None) -> list[Witness]:
        explainer = self._explainers.get(outcome)
        if explainer is None:
            explainer = self._explainers[outcome] = _explainer(self._explaining_code(outcome))
        return explainer(activation)

    def _explaining_code(self, outcome: bool | None) -> Code | None:
        if outcome not in self._explaining:
            from transom.lang.cel.reasons import explaining_source

            self._explaining[outcome] = _compiled(lambda: explaining_source(self.node, self.names, outcome))
        return self._explaining[outcome]

    def dump(self) -> Parts:
        """Return the program as a tuple that the marshal module can write; valid for one minor version of Python."""
        if self._type[0] == "ListType" or self._type[-1] == "bool":  # of nothing else is it asked why
            self._explaining_code(None if self._type[0] == "ListType" else False)
        if self._type[-1] != "bool":
            from transom.lang.cel.reasons import origin
            from transom.lang.cel.witness import COMPUTED

            found = origin(self.node, None)
            self.origin = None if found == COMPUTED else found  # with its variables it may be seen not to be so
        explaining = {outcome: _packed(code) for outcome, code in self._explaining.items()}
        return (self.source, self.names, self._type, _packed(self._code), explaining, self.origin)

    @classmethod
    def load(cls, parts: Parts) -> Program:
        """Return the program that dump stored; neither parses nor checks, and runs no code before the first call."""
        source, names, stored_type, code, explaining, origin = parts
        program = cls(source, names, stored_type)
        program.origin = origin
        program._code = code
        program._explaining = explaining
        return program

    @classmethod
    def compile(cls, source: str, node: Node, names: Collection[str], of: Type) -> Program:
        """Return the program of a node that was checked; where Python cannot take its code, there is none."""
        from transom.lang.cel.generate import python_source

        program = cls(source, names, _stored_type(of), node)
        program._code = _compiled(lambda: python_source(node, program.names))
        return program


def _compiled(write: Callable[[], str]) -> CodeType | None:
    """Compile what a generator writes; None where it has no Python for it, or Python's compiler does not take it."""
    import warnings

    from transom.lang.cel.generate import Unsupported

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that `1 == 1` is odd is the policy's business
            return compile(write(), "<cel>", "exec", dont_inherit=True, optimize=1)
    except (Unsupported, SyntaxError, RecursionError, MemoryError):
        return None  # Python's compiler has limits on nesting that CEL does not have


def _packed(code: Code | None) -> bytes | None:
    """Return code as it is stored: by itself, so that of a thousand programs only those that run are unpacked."""
    return marshal.dumps(code) if isinstance(code, CodeType) else code


def _function(code: Code, name: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """Run a module of generated code; return its function."""
    found: dict[str, Any] = dict(names)
    if isinstance(code, bytes):
        code = marshal.loads(code)  # noqa: S302 - from where Program.load's caller has it, who vouches for that
    exec(code, found)  # noqa: S102 - our own generator wrote it, no text of an expression gets into it unquoted
    function: Callable[..., Any] = found[name]
    return function


def _explainer(code: Code | None) -> Callable[[Activation], list[Witness]]:
    if code is None:
        return reject
    from transom.lang.cel.explaining import EXPLAINING_NAMES, finished

    function = _function(code, "explain", EXPLAINING_NAMES)
    return lambda activation: finished(function(activation))


def compile_expression(source: str, env: Environment, expect: Type | None = None) -> Program:
    """Parse, check and compile an expression.

    expect: the type that its value must have, exactly, as the API server asks of each kind of expression; None for any.
    Raises CelSyntaxError and CelTypeError, both with line, column and offset.
    """
    from transom.lang.cel.check import check, in_full
    from transom.lang.cel.parser import parse

    node = parse(source)
    checked = check(node, env, source)
    if expect is not None and checked.type != expect:
        raise CelTypeError(f"must evaluate to {expect}, but evaluates to {checked.type}")
    if env.container:
        from transom.lang.cel.unparse import unparse

        source = unparse(in_full(checked))  # a stored program knows no container
        node = parse(source)
    return Program.compile(source, node, env.variables, checked.type)


class LazyVariables(dict[str, Any]):
    """The `variables` of one evaluation: each is computed when first read, once, whether it has a value or an error.

    Use: `activation["variables"] = LazyVariables(programs, activation)`, anew for each activation.
    programs: the composed variables by name, each a Program that may read those before it.
    """

    __slots__ = ("activation", "errors", "programs")

    def __init__(self, programs: Mapping[str, Program], activation: Activation) -> None:
        self.programs = programs
        self.activation = activation
        self.errors: dict[str, EvaluationError] | None = None

    def __missing__(self, name: str) -> Any:
        if self.errors is not None and name in self.errors:
            raise self.errors[name]
        program = self.programs[name]
        try:
            self[name] = value = program(self.activation)
        except EvaluationError as error:
            self.errors = {**(self.errors or {}), name: error}
            raise
        return value

    def __contains__(self, name: object) -> bool:
        return name in self.programs


def _stored_type(of: object) -> Any:
    """Write a type as nested tuples: the name of its class, then its fields."""
    from transom.lang.cel.types import Type

    if isinstance(of, tuple):
        return ("", *map(_stored_type, of))
    return (
        (type(of).__name__, *(_stored_type(getattr(of, f)) for f in of.__struct_fields__))
        if isinstance(of, Type)
        else of
    )


def _restored_type(stored: Any) -> Any:
    from transom.lang.cel import types

    if not isinstance(stored, tuple):
        return stored
    fields = tuple(map(_restored_type, stored[1:]))
    return getattr(types, stored[0])(*fields) if stored[0] else fields
