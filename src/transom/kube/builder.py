"""Builds the value of one YAML document from libyaml's events, without recursion and within limits."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from transom.kube.events import (
    AliasEvent,
    CParser,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from transom.kube.libyaml import MarkedYAMLError
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
FREE_COPIES = 1_000  # values that aliases may always add up to; below that Kubernetes does not count either
MAX_COPY_RATIO = 99  # values that aliases may add for each one written: Kubernetes' limit for documents of usual size
MAX_COPIES = 400_000  # values that aliases may add at all: about Kubernetes' limit for large documents

_LIST: Any = object()  # in the place of a key: the container is a list
_MERGE: Any = object()  # in the place of a key: `<<`

known_keys: dict[str, Any] = {"<<": _MERGE}


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
    except MarkedYAMLError as error:
        if error.problem != "exceeded maximum nesting depth":  # libyaml's own limit, met before ours as it looks ahead
            raise
        raise _too_deep(getattr(error.problem_mark, "line", 0), getattr(error.problem_mark, "column", 0)) from None
    finally:
        parser.dispose()


def _too_deep(line: int, column: int) -> TextError:
    return TextError(
        f"the document is nested more than {MAX_DEPTH} levels deep", "flatten it", line, column, syntax=False
    )


def _rest(parser: Any) -> tuple[int, int] | None:
    """Find what follows the document: Kubernetes reads the first document between two markers and no other."""
    from transom.kube.libyaml import YAMLError

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
        self.merged: dict[
            int, tuple[Any, set[str]]
        ] = {}  # by the map's id; the map with it, so that no other gets the id
        self.duplicates: list[Duplicate] = []
        self.aliases = 0
        self.copied = 0

    def run(self) -> tuple[Any, tuple[Duplicate, ...]]:  # noqa: C901
        """Consume the events of one document. One long loop: a call for each event would cost a third more."""
        get_event, tags, anchored = self.get_event, self.tags, self.anchored
        containers, keys, known = self.containers, self.keys, known_keys
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
                    if event.style or (tags and event.tag) or (anchored and event.anchor):
                        key = self.key(event)
                    else:
                        key = known.get(value) or self.key(event)
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
                if anchored and event.anchor is not None:
                    self.anchors[event.anchor] = value
                container = value
                key = None if kind is MappingStartEvent else _LIST
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value = container
                container = containers.pop()
                key = keys.pop()
                if key is not _LIST:
                    if key is _MERGE:
                        self.merge(container, value, event)
                    key = None
                continue
            elif kind is AliasEvent:
                value = self.alias(event, container, key, count)
                if key is None:
                    key = value
                    continue
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
        if found == text and not event.style and tag is None and len(known_keys) < MAX_KNOWN_KEYS:
            known_keys[text] = found
        if self.anchored and event.anchor is not None:
            self.anchors[event.anchor] = self.anchored_key(event)
        return found

    def anchored_key(self, event: Any) -> Any:
        """Return what a map key is where an alias repeats it as a value."""
        if event.tag is not None:
            return self.tagged(event)
        return event.value if event.style else self.word(event)

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
        return _too_deep(event.start_mark.line, event.start_mark.column)

    def repeated(self, container: dict[Any, Any], key: Any, event: Any) -> None:
        """Note a key that was there already, unless a merge put it there."""
        _, merged = self.merged.get(id(container), (None, None))
        if merged and key in merged:
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

    def alias(self, event: Any, container: Any, key: Any, count: int) -> Any:
        """Return what an alias stands for: a key where one is due, else a copy, so that no two places share a value."""
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise limit_error(f"the document has more than {MAX_ALIASES:,} aliases", "write the values out", event)
        if event.anchor not in self.anchors:
            mark = event.start_mark
            raise TextError(
                f"there is no anchor &{event.anchor}", "define it before it is used", mark.line, mark.column
            )
        value = self.anchors[event.anchor]
        if key is None:
            return self.alias_key(value, container, event)
        if key is _MERGE and type(value) is not dict:
            raise _merge_error(event)
        if type(value) not in _CONTAINERS:
            return value
        if value is container or any(value is each for each in self.containers):
            raise limit_error(f"anchor &{event.anchor} contains itself", "write the value out", event)
        allowed = min(max(MAX_COPY_RATIO * count, FREE_COPIES), MAX_COPIES)
        return self.copy(value, len(self.containers), allowed, event)

    def copy(self, value: Any, depth: int, allowed: int, event: Any) -> Any:
        """Copy a map or list, within the limits on depth and on what aliases may add to a document."""
        self.copied += 1 + (2 * len(value) if type(value) is dict else len(value))
        if self.copied > allowed:
            reason = "its aliases multiply the document beyond what Kubernetes takes"
            raise limit_error(reason, "write the values out", event)
        if depth >= MAX_DEPTH:
            raise _too_deep(event.start_mark.line, event.start_mark.column)
        if type(value) is dict:
            return {
                key: self.copy(each, depth + 1, allowed, event) if type(each) in _CONTAINERS else each
                for key, each in value.items()
            }
        return [self.copy(each, depth + 1, allowed, event) if type(each) in _CONTAINERS else each for each in value]

    def alias_key(self, value: Any, container: dict[Any, Any], event: Any) -> str:
        """Return the map key that an alias becomes."""
        if type(value) in _CONTAINERS:
            raise self.refused(event, None)
        try:
            key = value if type(value) is str else plain_key("" if value is None else repr(value))
        except ScalarError as error:
            raise self.scalar_error(error, event) from None
        if key in container:
            self.repeated(container, key, event)
        return key

    def merge(self, container: dict[Any, Any], value: Any, event: Any) -> None:
        """Put the entries of `<<: …` into the map: of a list of maps the first one wins."""
        sources = value if type(value) is list else [value]
        if not all(type(source) is dict for source in sources):
            raise _merge_error(event)
        _, merged = self.merged.setdefault(id(container), (container, set()))
        for source in reversed(sources):
            merged.update(source.keys() - container.keys())
            container.update(source)


_CONTAINERS = frozenset((dict, list))


def _merge_error(event: Any) -> TextError:
    mark = event.start_mark
    return TextError("a merge key wants a map or a list of maps", "write the entries out", mark.line, mark.column)
