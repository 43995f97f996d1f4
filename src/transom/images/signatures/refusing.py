"""The one way in which a signature is refused on the way to a proof."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any, TypeVar

import msgspec

from transom.model.signatures import Problem, Refusal

Made = TypeVar("Made")


class RefusedError(Exception):
    """A signature that proves nothing, and why."""

    def __init__(self, problem: Problem, why: str) -> None:
        super().__init__(why)
        self.problem = problem
        self.why = why

    def at(self, source: str) -> Refusal:
        """Return it as told of the manifest that holds the signature."""
        return Refusal(self.problem, self.why, source)


class CannotJudgeError(Exception):
    """Something without which nothing can be proven nor refused: a missing library, a missing root of trust."""

    def __init__(self, reason: str, next_step: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.next_step = next_step


def decoded(content: bytes, kind: type[Made], what: str) -> Made:
    """Return JSON as what it should be; raises RefusedError."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(Problem.MALFORMED, f"{what} cannot be read: {error}") from error


def any_json(content: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object whatever it holds; raises RefusedError."""
    return decoded(content, dict[str, Any], what)


def unbase64(text: str, what: str) -> bytes:
    """Return what a text in base64 stands for, in the one way that it is written; raises RefusedError."""
    try:
        found = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise RefusedError(Problem.MALFORMED, f"{what} is no base64") from error
    if b64encode(found).decode() != text:
        raise RefusedError(Problem.MALFORMED, f"{what} is base64 with bits to spare")
    return found
