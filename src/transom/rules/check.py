"""Checks that join objects: a small data file with its texts, and a function of a window that does the joining.

The file is of kind Check: which kinds it judges, which others it reads, its parameters. The function is found by the
rule's id in the table of its window; it is given an entry, and answers with the faults of that entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.kube.kinds import SERVED_GROUPS, template_path
from transom.model.errors import UsageError
from transom.model.findings import Rule
from transom.model.places import Path

if TYPE_CHECKING:
    from transom.inventory import Entry, Inventory
    from transom.model.refs import Ref

PODS = "pods"
"""Among the kinds that a check judges or reads: pods, and every kind with a pod template."""

NAMESPACES = "namespaces"
"""Among the kinds that a check judges: each namespace once, whether an object or only a name tells it."""


OBJECTS = "objects"
"""Among the kinds that a check judges: every object of Kubernetes' own kinds. Nobody lists all of a cluster for that."""


class Check(Struct, frozen=True):
    """One check. judges, reads: kinds as `Kind` or `group/Kind`, or the words above.

    applies: where it is judged at all, in a sentence; parameters: texts by name; version: of the Kubernetes that is
    judged for; expect: what the evidence says was expected.
    """

    face: Rule
    judges: tuple[str, ...]
    reads: tuple[str, ...] = ()
    applies: str = ""
    expect: str = ""
    parameters: dict[str, str] = {}
    version: tuple[int, int] = (0, 0)
    file: str = ""

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.face.id

    @property
    def window(self) -> str:
        """The window that the rule belongs to."""
        return self.face.window

    def number(self, name: str) -> int:
        """Return a parameter that is a whole number; raises UsageError for another."""
        text = self.parameters[name]
        if not text.isdecimal() or len(text) > 9:
            raise UsageError(f"parameter {name} of rule {self.id} is {text!r}", "it is no whole number", "correct it")
        return int(text)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a parameter that is a list of words joined by commas."""
        return tuple(filter(None, (word.strip() for word in self.parameters[name].split(","))))

    def judges_kind(self, group: str, kind: str) -> bool:
        """Tell whether objects of a kind are judged or read, where they are there anyhow."""
        return self.concerns(group, kind) or (OBJECTS in self.judges and group in SERVED_GROUPS)

    def concerns(self, group: str, kind: str) -> bool:
        """Tell whether the check judges or reads objects of a kind."""
        told = f"{group}/{kind}" if group else kind
        names = {*self.judges, *self.reads}
        if told in names or (NAMESPACES in names and told == "Namespace"):
            return True
        return not names.isdisjoint((PODS, NAMESPACES)) and template_path(group, kind) is not None


class Fault(Struct, frozen=True):
    """What a check found wrong with an entry.

    path: the deciding field of the entry; seen, expected: of the evidence, else what stands there, and what the check
    expects; witness: what tells it from other faults of the entry; ref: what is at fault where that is not the entry;
    beside: fields of other entries that the verdict rests on.
    """

    message: str
    path: Path = ()
    witness: str = ""
    container: str = ""
    seen: str = ""
    expected: str = ""
    ref: Ref | None = None
    beside: tuple[tuple[Entry, Path], ...] = ()


class CannotJudge(Exception):  # noqa: N818 - named for what happened
    """A check cannot answer for an entry: why, and what to do."""

    def __init__(self, reason: str, next_step: str) -> None:
        super().__init__(reason)
        self.next_step = next_step


Answer = Iterable[Fault] | None
"""The faults of an entry, none where it passes; None where the check does not apply to it."""

Function = Callable[["Entry", "Inventory", Check], Answer]
