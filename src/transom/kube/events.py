"""libyaml's events as structs, which its binding makes and we read: a third of the time of reading YAML is saved.

The binding finds the classes of its events by their names in its own module, and calls them for every event. PyYAML's are
written in Python; these are not (0.37 in place of 0.60 microseconds for an event, the parsing included).
"""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct

from transom.kube.libyaml import libyaml


class Mark(Protocol):
    """A place in the text, counted from 0; index and column in characters."""

    index: int
    line: int
    column: int


class ScalarEvent(Struct, gc=False):
    """A scalar. style: its quote, `|` or `>`; None or "" where it is plain."""

    anchor: str | None
    tag: str | None
    implicit: Any
    value: str
    start_mark: Mark
    end_mark: Mark
    style: str | None = None


class AliasEvent(Struct, gc=False):
    """An alias; anchor: what it stands for."""

    anchor: str
    start_mark: Mark
    end_mark: Mark


class MappingStartEvent(Struct, gc=False):
    """The start of a map."""

    anchor: str | None
    tag: str | None
    implicit: Any
    start_mark: Mark
    end_mark: Mark
    flow_style: bool | None = None


class SequenceStartEvent(MappingStartEvent, gc=False):
    """The start of a list."""


class MappingEndEvent(Struct, gc=False):
    """The end of a map; of a block the marks are at the next token."""

    start_mark: Mark
    end_mark: Mark


class SequenceEndEvent(MappingEndEvent, gc=False):
    """The end of a list."""


class DocumentEndEvent(Struct, gc=False):
    """The end of a document."""

    start_mark: Mark
    end_mark: Mark
    explicit: bool | None = None


class StreamEndEvent(Struct, gc=False):
    """The end of the text."""

    start_mark: Mark
    end_mark: Mark


for _event in (
    *(ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent, MappingEndEvent, SequenceEndEvent),
    *(DocumentEndEvent, StreamEndEvent),
):
    setattr(libyaml, _event.__name__, _event)

CParser: Any = libyaml.CParser
"""libyaml's parser: CParser(text).get_event() returns the next event; None after the last, dispose() when done."""
