"""What can be wrong with a CEL expression, before and during its evaluation."""

from __future__ import annotations


class CelError(Exception):
    """Anything wrong with a CEL expression or its evaluation."""


class CelSourceError(CelError):
    """An expression that is refused before it runs; line and column count from 1, offset from 0, all in code points."""

    def __init__(self, message: str, line: int = 1, column: int = 1, offset: int = 0) -> None:
        super().__init__(message, line, column, offset)
        self.message = message
        self.line = line
        self.column = column
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}"


class CelSyntaxError(CelSourceError):
    """The text is no CEL expression."""


class CelTypeError(CelSourceError):
    """The expression names something that does not exist, or gives a function what it does not take."""


class EvaluationError(CelError):
    """The expression has no value for what it was given."""


class NoSuchKey(EvaluationError):  # noqa: N818 - named for what happened
    """A map without the key, or an object without the field, that was asked for."""


class NoSuchOverload(EvaluationError):  # noqa: N818 - named for what happened
    """A function or an operator was given types that it does not take."""


class CostExceeded(EvaluationError):  # noqa: N818 - named for what happened
    """The evaluation took more steps than it may."""


class CannotKnow(EvaluationError):  # noqa: N818 - named for what happened
    """The value hangs on something that is not known here, such as who sends a request; what says which."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not known here")
        self.what = what


def line_and_column(source: str, offset: int) -> tuple[int, int]:
    """Return where an offset stands in its source, both counted from 1."""
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset)
