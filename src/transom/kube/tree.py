"""A document's text as a tree of nodes that know how they are written: what edits to the text are made from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

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
from transom.kube.libyaml import YAMLError
from transom.kube.positions import JSON_TOKEN, key_text
from transom.kube.scalars import ScalarError, is_merge
from transom.model.limits import MAX_DEPTH, MAX_NODES

MERGE = "<<"
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+|#[^\n]*\n\s*)*")
NodeKind = Literal["map", "list", "scalar", "alias"]


class Node(Struct, eq=False):
    """One node as it is written: [start, end) in characters of the text, properties such as anchors included.

    flow: a map or list in braces or brackets; style: of a scalar, its quotes or its block indicator; column: of a block
    map its keys', of a block list its dashes'; alias: the anchor that an alias names; keys: for a map, each child's key.
    """

    kind: NodeKind
    start: int
    end: int
    flow: bool = False
    style: str = ""
    column: int = 0
    anchor: str = ""
    tag: str = ""
    alias: str = ""
    keys: list[Key] = []
    children: list[Node] = []

    def at(self, key: str) -> int:
        """Return the index of a map's own entry, the last of equal ones; -1 where it has none of its own."""
        return next((index for index in range(len(self.keys) - 1, -1, -1) if self.keys[index].text == key), -1)

    @property
    def merges(self) -> bool:
        """Whether the map takes entries from elsewhere, by a merge key."""
        return any(key.merge for key in self.keys)


class Key(Struct, frozen=True):
    """A map's key: its text, where it begins, and whether it is YAML's merge key."""

    text: str
    start: int
    merge: bool = False


class TreeError(ValueError):
    """A text of which no tree can be made; the message says why."""


def tree(text: str, is_json: bool) -> Node:
    """Return the root of a document's tree; raises TreeError."""
    if is_json:
        root = _json_tree(text)
    else:
        try:
            root = _Reader(text).run()
        except (YAMLError, ScalarError) as error:
            raise TreeError("it cannot be read as YAML again") from error
    if root is None:
        raise TreeError("it is empty")
    return root


def nodes(root: Node) -> Iterator[Node]:
    """Yield a node and everything below it, as it is written."""
    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        yield node
        open_nodes.extend(reversed(node.children))


class _Reader:
    """The open nodes of a document, from the root to where the parser stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parser: Any = CParser(text.encode("utf-8", "surrogateescape"))
        self.open: list[Node] = [Node("list", 0, 0, children=[])]
        self.waiting: list[Key | None] = [None]
        self.anchored: dict[str, str] = {}

    def run(self) -> Node | None:
        try:
            for _ in range(MAX_NODES):
                event = self.parser.get_event()
                kind = type(event)
                if kind is DocumentEndEvent or kind is StreamEndEvent:
                    break
                self.take(event, kind)
        finally:
            self.parser.dispose()
        return self.open[0].children[0] if self.open[0].children else None

    def take(self, event: Any, kind: type) -> None:
        if kind is MappingStartEvent or kind is SequenceStartEvent:
            self.start(event, "map" if kind is MappingStartEvent else "list")
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self.finish(event)
        elif kind in (ScalarEvent, AliasEvent):
            parent = self.open[-1]
            if parent.kind == "map" and self.waiting[-1] is None:
                self.waiting[-1] = self.key(event)
                if not parent.keys and not parent.flow:
                    parent.column = event.start_mark.column
            else:
                self.place(self.leaf(event))

    def key(self, event: Any) -> Key:
        start = event.start_mark.index
        if type(event) is AliasEvent:
            return Key(self.anchored.get(str(event.anchor), ""), start)
        if is_merge(event.tag, event.value, not event.style):
            return Key(MERGE, start, merge=True)
        text = key_text(event)
        if event.anchor is not None:
            self.anchored[event.anchor] = text
        return Key(text, start)

    def leaf(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if type(event) is AliasEvent:
            return Node("alias", start, end, alias=str(event.anchor))
        style = event.style or ""
        if style in ("|", ">"):
            end = self.end_of_block(start, end)
        return Node("scalar", start, end, style=style, anchor=event.anchor or "", tag=event.tag or "")

    def end_of_block(self, start: int, end: int) -> int:
        """Return where a block scalar ends: with its last line that counts."""
        header = self.text[start : self.text.find("\n", start)]
        if "+" not in header:
            return start + len(self.text[start:end].rstrip())
        return end - self.text.endswith("\n", start, end)

    def start(self, event: Any, kind: NodeKind) -> None:
        if len(self.open) > MAX_DEPTH:
            raise ScalarError("nested too deeply")
        start = event.start_mark
        node = Node(kind, start.index, start.index, bool(event.flow_style), anchor=event.anchor or "", keys=[])
        node.children, node.tag = [], event.tag or ""
        if kind == "list" and not node.flow:
            node.column = self.column_of_dash(start)
        self.open.append(node)
        self.waiting.append(None)

    def column_of_dash(self, start: Any) -> int:
        """Return the column of the first dash of a block list, behind anchor and tag."""
        found = _PROPERTIES.match(self.text, start.index)
        if found is None or found.end() == start.index:
            return int(start.column)
        return found.end() - self.text.rfind("\n", 0, found.end()) - 1

    def finish(self, event: Any) -> None:
        node = self.open.pop()
        self.waiting.pop()
        if node.flow:
            node.end = event.end_mark.index
        self.place(node)

    def place(self, node: Node) -> None:
        parent = self.open[-1]
        parent.end = max(parent.end, node.end)  # a block ends with its last child: the parser's mark is at what follows
        parent.children.append(node)
        key = self.waiting[-1]
        if parent.kind == "map" and key is not None:
            parent.keys.append(key)
            self.waiting[-1] = None
        if node.kind == "scalar" and node.anchor:
            self.anchored.setdefault(node.anchor, "")


def _json_tree(text: str) -> Node | None:
    """Return the tree of a JSON text, which is known to be JSON."""
    root = Node("list", 0, 0, children=[])
    stack = [root]
    key: Key | None = None
    for token in JSON_TOKEN.finditer(text):
        mark, string, _ = token.groups()
        start = token.end() - len(token.group().lstrip(" \t\r\n"))
        if mark in ("}", "]"):
            stack.pop().end = token.end()
        elif mark not in (",", ":"):
            parent = stack[-1]
            if parent.kind == "map" and key is None:
                key = Key(json.loads(string or '""', strict=False), start)
                continue
            node = Node("scalar", start, token.end(), style='"' if string else "")
            if mark:
                kind: NodeKind = "map" if mark == "{" else "list"
                node = Node(kind, start, token.end(), flow=True, keys=[], children=[])
                stack.append(node)
            if parent.kind == "map" and key is not None:
                parent.keys.append(key)
                key = None
            parent.children.append(node)
    return root.children[0] if root.children else None
