"""A compiled expression: called with what it may name, it returns its value, and says why it was so.

Two tiers: generated Python (generate.py), and whenever that raises anything, the exact evaluator (exact.py), which alone
decides on values outside Python's own rules, on errors and on cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from transom.lang.cel.errors import EvaluationError

if TYPE_CHECKING:
    from types import CodeType

    from transom.lang.cel.environment import Environment
    from transom.lang.cel.syntax import Node
    from transom.lang.cel.types import Type
    from transom.lang.cel.witness import Witness

Activation = Mapping[str, Any]
"""What an expression may name, by name. Kubernetes data is given as it was decoded, without conversion."""

Parts = tuple[Any, ...]
"""A stored program: nothing but what the marshal module writes."""


class Program:
    """A compiled expression.

    Make one with compile_expression, or with Program.load from what dump returned.
    """

    __slots__ = ("_code", "_decide", "_decide_code", "_node", "_run", "_type", "source")
    source: str

    def __call__(self, activation: Activation) -> Any:
        """Return the expression's value; raises EvaluationError, whose subclass CannotKnow means: needs an Unknown."""
        raise NotImplementedError

    @property
    def node(self) -> Node:
        """The parsed expression; parsed again when it was loaded from storage."""
        raise NotImplementedError

    @property
    def type(self) -> Type:
        """The static type of the value."""
        raise NotImplementedError

    def witnesses(self, activation: Activation, outcome: bool) -> list[Witness]:
        """Return why the expression had this outcome; see witness.Witness.

        activation: the one that it was called with; outcome: what it returned, or False where it raised an error: then
        the reads that failed are the reasons. Never raises; where no reason is known the list has one empty Witness.
        """
        raise NotImplementedError

    def dump(self) -> Parts:
        """Return the program as a tuple that the marshal module can write; valid for one minor version of Python."""
        raise NotImplementedError

    @classmethod
    def load(cls, parts: Parts) -> Program:
        """Return the program that dump stored; neither parses nor checks, and runs no code before the first call."""
        raise NotImplementedError


def compile_expression(source: str, env: Environment, expect: Type | None = None) -> Program:
    """Parse, check and compile an expression.

    expect: the type that its value must have, exactly, as the API server asks of each kind of expression; None for any.
    Raises CelSyntaxError and CelTypeError, both with line, column and offset.
    """
    raise NotImplementedError


class LazyVariables(dict[str, Any]):
    """The `variables` of one evaluation: each is computed when first read, once, whether it has a value or an error.

    Use: `activation["variables"] = LazyVariables(programs, activation)`, anew for each activation.
    programs: the composed variables by name, each a Program that may read those before it.
    """

    __slots__ = ("activation", "errors", "programs")

    def __init__(self, programs: Mapping[str, Program], activation: Activation) -> None:
        self.programs = programs
        self.activation = activation
        self.errors: dict[str, EvaluationError] = {}
