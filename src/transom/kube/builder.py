"""Builds the value of one YAML document from libyaml's events, without recursion and within limits."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from transom.kube.scalars import (
    NUMBER_STARTS,
    WORDS,
    ScalarError,
    is_merge,
    plain_key,
    plain_value,
    tagged_key,
    tagged_value,
)
from transom.model.limits import MAX_ALIASES, MAX_DEPTH, MAX_NODES
from transom.model.places import Path

MAX_KNOWN_KEYS = 20_000  # distinct keys of a large estate; labels and ConfigMap entries of a hostile one have no end

_LIST: Any = object()  # in the place of a key: the container is a list
_MERGE: Any = object()  # in the place of a key: `<<`

_known_keys: dict[str, Any] = {"<<": _MERGE}


class Duplicate(Struct, frozen=True):
    """A map key that was there already; line and column count from 0 at the start of the text."""

    path: Path
    line: int
    column: int


class Built(Struct, frozen=True):
    """What a text holds. rest: line and column (from 0) of what follows the document and is not part of it."""

    value: Any
    duplicates: tuple[Duplicate, ...] = ()
    rest: tuple[int, int] | None = None


class TextError(Exception):
    """A text that Kubernetes would refuse, or that passes a limit. line and column count from 0."""

    def __init__(self, reason: str, next_step: str = "", line: int = 0, column: int = 0, syntax: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.next_step = next_step
        self.line = line
        self.column = column
        self.syntax = syntax


def limit_error(reason: str, next_step: str, event: Any) -> TextError:
    """Return the error for a text that passes a limit at an event."""
    mark = event.start_mark
    return TextError(reason, next_step, mark.line, mark.column, syntax=False)


def build(text: bytes) -> Built:
    """Build the value of the first document in text (UTF-8, no byte-order mark).

    The value is what Kubernetes would decode: aliases are copied out, merge keys merged in the order they are written,
    of two equal keys the last one wins. Raises TextError, or yaml.YAMLError for what is not YAML.
    """
    parser = CParser(text)
    try:
        parser.get_event()
        if type(parser.get_event()) is StreamEndEvent:
            return Built(None)
        value, duplicates = _Builder(parser, text).run()
        return Built(value, duplicates, _rest(parser))
    finally:
        parser.dispose()


def _rest(parser: Any) -> tuple[int, int] | None:
    """Find what follows the document: Kubernetes reads the first document between two markers and no other."""
    from yaml import YAMLError

    try:
        event = parser.get_event()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return (mark.line, mark.column) if mark else (0, 0)
    if type(event) is StreamEndEvent:
        return None
    return event.start_mark.line, event.start_mark.column


class _Builder:
    """The open containers of a document, from the root to where the parser stands."""

    def __init__(self, parser: Any, text: bytes) -> None:
        self.get_event = parser.get_event
        self.tags = b"!" in text
        self.anchored = b"&" in text
        self.containers: list[Any] = []
        self.keys: list[Any] = []
        self.anchors: dict[str, Any] = {}
        self.open_anchors: list[str | None] = []
        self.merged: dict[int, set[str]] = {}
        self.duplicates: list[Duplicate] = []
        self.aliases = 0
        self.copied = 0

    def run(self) -> tuple[Any, tuple[Duplicate, ...]]:
        """Consume the events of one document. One long loop: a call for each event would cost a third more."""
        get_event, tags, anchored = self.get_event, self.tags, self.anchored
        containers, keys, known_keys = self.containers, self.keys, _known_keys
        words, number_starts = WORDS, NUMBER_STARTS
        root: list[Any] = []
        container: Any = root
        key: Any = _LIST
        value: Any
        for count in range(MAX_NODES):
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                value = event.value
                if key is None:
                    key = known_keys.get(value) if not event.style and not tags else None
                    if key is None:
                        key = self.key(event)
                    if key in container:
                        self.repeated(container, key, event)
                    continue
                if tags and event.tag is not None:
                    value = self.tagged(event)
                elif not event.style:
                    if value in words:
                        value = self.word(event)
                    elif value[0] in number_starts:
                        value = plain_value(value)
                if anchored and event.anchor is not None:
                    self.anchors[event.anchor] = value
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                value = {} if kind is MappingStartEvent else []
                if len(containers) >= MAX_DEPTH or key is None:
                    raise self.refused(event, key)
                if key is _LIST:
                    container.append(value)
                elif key is not _MERGE:
                    container[key] = value
                containers.append(container)
                keys.append(key)
                if anchored:
                    self.open_anchor(event.anchor, value)
                container = value
                key = None if kind is MappingStartEvent else _LIST
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = container
                container = containers.pop()
                key = keys.pop()
                if anchored:
                    self.close_anchor(value)
                if key is not _LIST:
                    if key is _MERGE:
                        self.merge(container, value, event)
                    key = None
                continue
            elif kind is AliasEvent:
                value = self.alias(event, count)
                if key is None:
                    key = self.alias_key(value, event)
                    if key in container:
                        self.repeated(container, key, event)
                    continue
                if key is _MERGE and type(value) is not dict:
                    raise _merge_error(event)
            elif kind is DocumentEndEvent:
                return root[0], tuple(self.duplicates)
            if key is _LIST:
                container.append(value)
            elif key is _MERGE:
                self.merge(container, value, event)
                key = None
            else:
                container[key] = value
                key = None
        raise limit_error(f"the document has more than {MAX_NODES:,} values", "split it into several documents", event)

    # what is rare: tags, anchors, aliases, merge keys, keys that are not plain strings

    def key(self, event: Any) -> Any:
        """Return the map key that a scalar becomes, remembered where it is a plain string."""
        text, tag = event.value, event.tag
        if is_merge(tag, text, not event.style):
            return _MERGE
        try:
            if tag is not None and tag != "!":
                found = tagged_key(tag, text)
            else:
                found = text if event.style or tag == "!" else plain_key(text)
        except ScalarError as error:
            raise self.scalar_error(error, event) from None
        if found == text and not event.style and tag is None and len(_known_keys) < MAX_KNOWN_KEYS:
            _known_keys[text] = found
        if self.anchored and event.anchor is not None:
            self.anchors[event.anchor] = (
                text if event.style else self.word(event) if text in WORDS else plain_value(text)
            )
        return found

    def word(self, event: Any) -> Any:
        """Return what a plain scalar that is no string is; infinities and not-a-number are refused."""
        try:
            return plain_value(event.value)
        except ScalarError as error:
            raise self.scalar_error(error, event) from None

    def tagged(self, event: Any) -> Any:
        """Return what a scalar with a tag is; the tag `!` makes it a string."""
        if event.tag == "!":
            return event.value
        try:
            return tagged_value(event.tag, event.value)
        except ScalarError as error:
            raise self.scalar_error(error, event) from None

    def scalar_error(self, error: ScalarError, event: Any) -> TextError:
        """Return the error for a scalar that Kubernetes refuses."""
        mark = event.start_mark
        return TextError(str(error), "write a value that JSON has", mark.line, mark.column)

    def refused(self, event: Any, key: Any) -> TextError:
        """Return the error for a container that is too deep, or that stands where a key should."""
        if key is None:
            mark = event.start_mark
            return TextError("a map key is itself a map or list", "write the key as text", mark.line, mark.column)
        return limit_error(f"the document is nested more than {MAX_DEPTH} levels deep", "flatten it", event)

    def repeated(self, container: dict[Any, Any], key: Any, event: Any) -> None:
        """Note a key that was there already, unless a merge put it there."""
        merged = self.merged.get(id(container))
        if merged is not None and key in merged:
            merged.discard(key)
            return
        mark = event.start_mark
        self.duplicates.append(Duplicate((*self.path(), key), mark.line, mark.column))

    def path(self) -> Path:
        """Return the way from the root to the container that is being filled."""
        steps: list[str | int] = []
        for container, key in zip(self.containers[1:], self.keys[1:], strict=True):
            steps.append(len(container) - 1 if key is _LIST else "<<" if key is _MERGE else key)
        return tuple(steps)

    def open_anchor(self, anchor: str | None, value: Any) -> None:
        """Note an anchored container; until it is closed an alias to it would be a cycle."""
        self.open_anchors.append(anchor)
        if anchor is not None:
            self.anchors[anchor] = _OPEN

    def close_anchor(self, value: Any) -> None:
        """Make the container just finished known by its anchor."""
        anchor = self.open_anchors.pop()
        if anchor is not None:
            self.anchors[anchor] = value

    def alias(self, event: Any, count: int) -> Any:
        """Return a copy of what an alias stands for, so that no two places share one value."""
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise limit_error(f"the document has more than {MAX_ALIASES:,} aliases", "write the values out", event)
        value = self.anchors.get(event.anchor, _LIST)
        if value is _LIST:
            mark = event.start_mark
            raise TextError(
                f"there is no anchor &{event.anchor}", "define it before it is used", mark.line, mark.column
            )
        if value is _OPEN:
            raise limit_error(f"anchor &{event.anchor} contains itself", "write the value out", event)
        return self.copy(value, len(self.containers), count, event)

    def copy(self, value: Any, depth: int, count: int, event: Any) -> Any:
        """Copy maps and lists, within the limits on depth and number of values."""
        if type(value) is not dict and type(value) is not list:
            return value
        self.copied += len(value)
        if self.copied + count > MAX_NODES:
            raise limit_error(f"the document has more than {MAX_NODES:,} values after its aliases", "write less", event)
        if depth >= MAX_DEPTH:
            raise limit_error(f"the document is nested more than {MAX_DEPTH} levels deep", "flatten it", event)
        if type(value) is dict:
            return {key: self.copy(each, depth + 1, count, event) for key, each in value.items()}
        return [self.copy(each, depth + 1, count, event) for each in value]

    def alias_key(self, value: Any, event: Any) -> str:
        """Return the map key that an alias becomes."""
        if type(value) is str:
            return value
        try:
            return plain_key(str(value)) if isinstance(value, int | float) else plain_key("" if value is None else "{}")
        except ScalarError as error:
            raise self.scalar_error(error, event) from None

    def merge(self, container: dict[Any, Any], value: Any, event: Any) -> None:
        """Put the entries of `<<: …` into the map: of a list of maps the first one wins."""
        sources = value if type(value) is list else [value]
        if not all(type(source) is dict for source in sources):
            raise _merge_error(event)
        merged = self.merged.setdefault(id(container), set())
        for source in reversed(sources):
            merged.update(source.keys() - container.keys())
            container.update(source)


_OPEN: Any = object()  # in the place of an anchored value: it is not finished yet


def _merge_error(event: Any) -> TextError:
    mark = event.start_mark
    return TextError("a merge key wants a map or a list of maps", "write the entries out", mark.line, mark.column)
