"""The one error that a person sees."""

from __future__ import annotations


class TransomError(Exception):
    """A failure told to a person: what failed, why, and what to do next."""

    def __init__(self, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__(what, why, next_step)
        self.what = what
        self.why = why
        self.next_step = next_step

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}" if self.why else self.what
        return f"{text}; {self.next_step}" if self.next_step else text


class UsageError(TransomError):
    """The command line or a configuration file asks for something that cannot be meant: exit code 2."""
