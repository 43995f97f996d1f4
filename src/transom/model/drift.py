"""What differs between two sources: objects and their fields."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from transom.model.places import Locator
from transom.model.refs import Ref

Side = Literal["before", "after"]


class FieldChange(Struct, frozen=True):
    """One field that differs. Secret values never stand in it.

    path: as people write it, elements of lists by their names (`spec.containers[name=app].image`); before and after:
    what stood there in one short line, None where nothing did; security: False for what says only how a workload is run
    and scaled.
    """

    path: str
    before: str | None
    after: str | None
    before_at: Locator = Locator()
    after_at: Locator = Locator()
    security: bool = True


class ChangedObject(Struct, frozen=True):
    """An object that both sources have, and the fields in which it differs: never none."""

    ref: Ref
    before_at: Locator
    after_at: Locator
    fields: tuple[FieldChange, ...]

    @property
    def matters(self) -> bool:
        """Whether one of its fields may matter to security."""
        return any(field.security for field in self.fields)


class PresentObject(Struct, frozen=True):
    """An object that one source has and the other has not, or whose absence there is not certain."""

    ref: Ref
    at: Locator = Locator()
    why: str = ""


class Repeated(Struct, frozen=True):
    """An object that one source has several times; each copy is compared by itself, as far as there are as many."""

    ref: Ref
    side: Side
    at: tuple[Locator, ...]


class ObjectDrift(Struct, frozen=True):
    """How the objects of two sources differ.

    unseen: objects of the first that the second lacks, or may have where it could not be read; derived: how many objects
    were left out: made from others that are compared (pods of a Deployment), by Kubernetes itself, or as records (events).
    """

    added: tuple[PresentObject, ...] = ()
    removed: tuple[PresentObject, ...] = ()
    unseen: tuple[PresentObject, ...] = ()
    changed: tuple[ChangedObject, ...] = ()
    repeated: tuple[Repeated, ...] = ()
    same: int = 0
    derived: int = 0
