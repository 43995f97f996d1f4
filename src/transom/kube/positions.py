"""Where the nodes of a document stand: computed from its text when asked for, by the same events that built its value."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from yaml import YAMLError
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

from transom.kube.scalars import ScalarError, is_merge, plain_key, tagged_key
from transom.model.limits import MAX_DEPTH, MAX_NODES
from transom.model.places import Locator, Path, path_text


class _Node(Struct):
    """One node: where its entry begins (the key of a map's entry) and where its value ends, and its children."""

    line: int
    column: int
    start: int
    end: int = 0
    children: dict[str, _Node] | list[_Node] | None = None
    merged: list[_Node] | None = None


class Positions:
    """The places of one document's nodes."""

    __slots__ = ("_file", "_line", "_offset", "_offsets", "_root")

    def __init__(self, file: str, text: bytes, offset: int, line: int) -> None:
        self._file = file
        self._offset = offset
        self._line = line
        self._offsets = None if text.isascii() else _byte_offsets(text)
        self._root = _read(text)

    def find(self, path: Path) -> Locator:
        """Return the place of the node at path, or of its deepest ancestor that exists.

        Of a map's entry, line and column are its key's, and the range holds key and value.
        """
        node = self._root
        for step in path:
            child = _child(node, step)
            if child is None:
                break
            node = child
        return Locator(
            file=self._file,
            line=self._line + node.line,
            column=node.column + 1,
            start=self._offset + self._byte(node.start),
            end=self._offset + self._byte(node.end),
            path=path_text(path),
        )

    def _byte(self, index: int) -> int:
        if self._offsets is None:
            return index
        return self._offsets[min(index, len(self._offsets) - 1)]


def _child(node: _Node, step: str | int) -> _Node | None:
    children = node.children
    if isinstance(step, int):
        return children[step] if isinstance(children, list) and 0 <= step < len(children) else None
    if not isinstance(children, dict):
        return None
    if step in children:
        return children[step]
    for merged in node.merged or ():
        parts = merged.children if isinstance(merged.children, list) else [merged]
        for part in parts:
            found = _child(part, step)
            if found is not None:
                return found
    return None


def _byte_offsets(text: bytes) -> list[int]:
    """Return where each character begins in bytes; libyaml counts characters."""
    offsets = [index for index, byte in enumerate(text) if byte & 0xC0 != 0x80]
    return [*offsets, len(text)]


def _read(text: bytes) -> _Node:
    root = _Node(0, 0, 0, len(text))
    try:
        parser = CParser(text)
    except YAMLError:
        return root
    try:
        return _Reader(parser).run() or root
    except (YAMLError, ScalarError):
        return root  # a text that does not parse is Skipped with the parser's own place, nobody asks for more
    finally:
        parser.dispose()


class _Reader:
    """The open nodes of a document, from the root to where the parser stands."""

    def __init__(self, parser: Any) -> None:
        self.get_event = parser.get_event
        self.open: list[_Node] = []
        self.keys: list[Any] = []  # for each open map: its pending key's event, None where a key is next
        self.anchors: dict[str, _Node] = {}
        self.open_anchors: list[str | None] = []
        self.root: _Node | None = None

    def run(self) -> _Node | None:
        for _ in range(MAX_NODES):
            event = self.get_event()
            kind = type(event)
            if kind is ScalarEvent:
                self.scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self.start(event, {} if kind is MappingStartEvent else [])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                self.finish(event)
            elif kind is AliasEvent:
                self.alias(event)
            elif kind is DocumentEndEvent or kind is StreamEndEvent:
                return self.root
        return self.root

    def scalar(self, event: Any) -> None:
        if self.open and isinstance(self.open[-1].children, dict) and self.keys[-1] is None:
            self.keys[-1] = event
            return
        node = self.placed(event)
        node.end = event.end_mark.index
        if event.anchor is not None:
            self.anchors[event.anchor] = node

    def start(self, event: Any, children: Any) -> None:
        node = self.placed(event)
        node.children = children
        self.open.append(node)
        self.keys.append(None)
        self.open_anchors.append(event.anchor)
        if len(self.open) > MAX_DEPTH + 1:
            raise ScalarError("nested too deeply")

    def finish(self, event: Any) -> None:
        node = self.open.pop()
        self.keys.pop()
        node.end = max(
            _end(node), node.start, event.end_mark.index if event.end_mark.index > event.start_mark.index else 0
        )
        anchor = self.open_anchors.pop()
        if anchor is not None:
            self.anchors[anchor] = node

    def alias(self, event: Any) -> None:
        if self.open and isinstance(self.open[-1].children, dict) and self.keys[-1] is None:
            self.keys[-1] = event
            return
        node = self.placed(event)
        node.end = event.end_mark.index
        target = self.anchors.get(event.anchor)
        if target is not None:
            node.children, node.merged = target.children, target.merged

    def placed(self, event: Any) -> _Node:
        """Return a new node at an event, put into the node that is open."""
        mark = event.start_mark
        if not self.open:
            self.root = _Node(mark.line, mark.column, mark.index)
            return self.root
        parent = self.open[-1]
        if isinstance(parent.children, list):
            node = _Node(mark.line, mark.column, mark.index)
            parent.children.append(node)
            return node
        key, self.keys[-1] = self.keys[-1], None
        start = key.start_mark
        node = _Node(start.line, start.column, start.index)
        name = _key_text(key)
        if name is None:
            parent.merged = [node, *(parent.merged or ())]
        elif isinstance(parent.children, dict):
            parent.children[name] = node
        return node


def _end(node: _Node) -> int:
    """Return where the last child of a block ends: the parser's own end mark stands at the next token."""
    children = node.children
    ends = [child.end for child in (children.values() if isinstance(children, dict) else children or ())]
    return max((*ends, *(merged.end for merged in node.merged or ())), default=0)


def _key_text(event: Any) -> str | None:
    """Return the key that an event is, None for the merge key."""
    if type(event) is AliasEvent:
        return f"*{event.anchor}"
    if is_merge(event.tag, event.value, not event.style):
        return None
    if event.style or event.tag == "!":
        return str(event.value)
    return plain_key(event.value) if event.tag is None else tagged_key(event.tag, event.value)
