"""Where the nodes of a document stand: read again from its text when asked for, which is cheaper than keeping all."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection
from typing import Any

from msgspec import Struct

from transom.kube.builder import known_keys
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
from transom.kube.scalars import ScalarError, is_merge, plain_key, tagged_key
from transom.model.limits import MAX_DEPTH, MAX_NODES
from transom.model.places import Locator, Path, path_text

_BLOCK_CHARS = 4096  # of text that is not ASCII, how many characters are counted anew to find one byte
_WINDOW_CHARS = 64  # more blanks than these seldom end a block scalar
JSON_TOKEN = re.compile(r'[ \t\r\n]*(?:([{}\[\],:])|("(?:[^"\\]|\\.)*")|([^ \t\r\n{}\[\],:"]+))', re.S)


class _Node(Struct, gc=False):
    """One node: [start, end) of its entry in characters, the key of a map's entry included, and its children."""

    start: int
    end: int
    children: dict[str, _Node] | list[_Node] | None = None


class Positions:
    """The places of one document's nodes."""

    __slots__ = ("_file", "_line", "_offset", "_root", "_text")

    def __init__(self, file: str, text: bytes, offset: int, line: int) -> None:
        self._file = file
        self._offset = offset
        self._line = line
        self._text = _Text(text)
        self._root = _read(text, self._text)

    def find(self, path: Path) -> Locator:
        """Return the place of the node at path, or of its deepest ancestor that exists.

        Of a map's entry, line and column are its key's, and the range holds key and value. An entry that comes from an
        alias stands where the alias does, what is below it stands where it was written.
        """
        node = self._root
        for step in path:
            children = node.children
            if isinstance(step, int):
                child = children[step] if isinstance(children, list) and 0 <= step < len(children) else None
            else:
                child = children.get(step) if isinstance(children, dict) else None
            if child is None:
                break
            node = child
        line, column = self._text.place(node.start)
        start, end = self._text.byte(node.start), self._text.byte(node.end)
        has_bytes = self._offset >= 0
        return Locator(
            file=self._file,
            line=self._line + line,
            column=column + 1,
            start=self._offset + start if has_bytes else 0,
            end=self._offset + end if has_bytes else 0,
            path=path_text(path),
        )

    def outermost_on(self, lines: Collection[int]) -> dict[int, list[Path]]:
        """Return the ways to the outermost nodes that begin on each of these lines of the file."""
        wanted = sorted(line - self._line for line in lines)
        found: dict[int, list[Path]] = {}
        open_nodes: list[tuple[Path, _Node, int]] = [((), self._root, -1)]
        while open_nodes:
            path, node, line_above = open_nodes.pop()
            line, last = self._text.place(node.start)[0], self._text.place(node.end)[0]
            nearest = bisect_left(wanted, line)
            if nearest == len(wanted) or wanted[nearest] > last:
                continue
            if wanted[nearest] == line != line_above:
                found.setdefault(self._line + line, []).append(path)
            steps = enumerate(node.children) if isinstance(node.children, list) else (node.children or {}).items()
            # what came in by an alias or a merge key stands elsewhere, and is found there
            own = [((*path, step), child, line) for step, child in steps if node.start <= child.start < node.end]
            open_nodes.extend(reversed(own))
        return found


class _Text:
    """A text of which lines, columns and bytes are asked; characters are counted as libyaml counts them."""

    def __init__(self, text: bytes) -> None:
        self.characters: bytes | str = text if text.isascii() else text.decode("utf-8", "replace")
        self.lines = [0]  # where each begins
        self.bytes_before = [0]  # before each block of characters, where characters are not bytes
        if isinstance(self.characters, bytes):
            self.lines += [match.end() for match in re.finditer(b"\n", self.characters)]
            return
        self.lines += [match.end() for match in re.finditer("\n", self.characters)]
        for start in range(0, len(self.characters), _BLOCK_CHARS):
            block = self.characters[start : start + _BLOCK_CHARS]
            self.bytes_before.append(self.bytes_before[-1] + len(block.encode()))

    def place(self, index: int) -> tuple[int, int]:
        """Return line and column, from 0, of a character."""
        line = bisect_right(self.lines, index) - 1
        return line, index - self.lines[line]

    def byte(self, index: int) -> int:
        """Return the offset in bytes of a character."""
        if isinstance(self.characters, bytes):
            return index
        block = min(index, len(self.characters)) // _BLOCK_CHARS
        return self.bytes_before[block] + len(self.characters[block * _BLOCK_CHARS : index].encode())

    def content_end(self, end: int) -> int:
        """Return where the text before end ends, but for the blanks and line breaks behind it."""
        while True:
            before = self.characters[max(end - _WINDOW_CHARS, 0) : end]
            blanks = len(before) - len(before.rstrip())
            end -= blanks
            if not blanks or blanks < len(before):
                return end


def _read(text: bytes, characters: _Text) -> _Node:
    """Return the tree of a document's nodes; a text that does not parse is one node, for nobody asks for more of it."""
    try:
        parser = CParser(text)
        try:
            root = _Reader(parser, characters).run()
        finally:
            parser.dispose()
    except (YAMLError, ScalarError):  # JSON knows escapes that YAML does not
        root = _read_json(text.decode("utf-8", "replace")) if text.lstrip()[:1] in (b"{", b"[") else None
    return root or _Node(0, len(text))


class _Reader:
    """The open nodes of a document, from the root to where the parser stands."""

    def __init__(self, parser: Any, text: _Text) -> None:
        self.get_event = parser.get_event
        self.text = text
        self.open: list[_Node] = [_Node(0, 0, [])]
        self.keys: list[Any] = [None]  # for each open map the key whose value is next, and where it begins
        self.anchors: dict[str, _Node] = {}
        self.texts: dict[str, str] = {}  # of anchored scalars, for aliases in the place of keys

    def run(self) -> _Node | None:
        """Consume the events of one document and return its root. One long loop: calls would cost half as much again."""
        get_event, keys, known = self.get_event, self.keys, known_keys
        parent = self.open[-1]
        for _ in range(MAX_NODES):
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                children = parent.children
                if type(children) is dict and keys[-1] is None:
                    special = event.style or event.tag or event.anchor
                    name = None if special else known.get(event.value)
                    keys[-1] = (name, event.start_mark.index) if type(name) is str else self.key(event)
                elif event.anchor is None and event.style not in ("|", ">"):
                    start, end = event.start_mark.index, event.end_mark.index
                    if type(children) is dict:
                        (name, start), keys[-1] = keys[-1], None
                        if name is not None:
                            children[name] = _Node(start, end)
                    else:
                        children.append(_Node(start, end))  # type: ignore[union-attr]
                    parent.end = end
                else:
                    self.leaf(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                parent = self.start(event, {} if kind is MappingStartEvent else [])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                parent = self.finish(event)
            elif kind is AliasEvent:
                if type(parent.children) is dict and keys[-1] is None:
                    keys[-1] = self.key(event)
                else:
                    self.leaf(event)
            elif kind is DocumentEndEvent or kind is StreamEndEvent:
                break
        roots = self.open[0].children
        return roots[0] if isinstance(roots, list) and roots else None

    def key(self, event: Any) -> tuple[str | None, int]:
        """Return the key of the next value, None for a merge key, and where it begins."""
        name: str | None = None
        if type(event) is AliasEvent:
            name = self.texts.get(str(event.anchor), "")
        elif not is_merge(event.tag, event.value, not event.style):
            name = key_text(event)
            if event.anchor is not None:
                self.texts[event.anchor] = name
        return name, event.start_mark.index

    def leaf(self, event: Any) -> None:
        """Place a scalar or an alias."""
        node = _Node(event.start_mark.index, event.end_mark.index)
        if type(event) is AliasEvent:
            target = self.anchors.get(str(event.anchor))
            node.children = target.children if target else None
        else:
            if event.style in ("|", ">"):
                node.end = self.text.content_end(node.end)
            if event.anchor is not None:
                self.anchors[event.anchor] = node
                self.texts[event.anchor] = event.value if event.style else key_text(event, or_else=event.value)
        self.place(node)

    def start(self, event: Any, children: dict[str, _Node] | list[_Node]) -> _Node:
        """Open a map or list and return it; its place is taken when it is finished."""
        if len(self.open) > MAX_DEPTH:
            raise ScalarError("nested too deeply")
        node = _Node(event.start_mark.index, event.start_mark.index, children)
        self.open.append(node)
        self.keys.append(None)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def finish(self, event: Any) -> _Node:
        """Close a map or list and return the one around it.

        A block ends with its last child, for the parser's mark is at the next token.
        """
        node = self.open.pop()
        self.keys.pop()
        if event.end_mark.index > event.start_mark.index:
            node.end = event.end_mark.index
        self.place(node)
        return self.open[-1]

    def place(self, node: _Node) -> None:
        """Put a finished node into the one that is open, under the key that waits there."""
        parent = self.open[-1]
        parent.end = node.end
        children = parent.children
        if isinstance(children, list):
            children.append(node)
        elif isinstance(children, dict):
            (name, start), self.keys[-1] = self.keys[-1], None
            if name is None:
                _merge(children, node)
            else:
                children[name] = _Node(start, node.end, node.children)


def _merge(children: dict[str, _Node], node: _Node) -> None:
    """Put in the entries of a merge key: later ones replace earlier ones, of a list the first one wins."""
    sources = [node] if isinstance(node.children, dict) else reversed(node.children or [])
    for source in sources:
        if isinstance(source.children, dict):
            children.update(source.children)


def key_text(event: Any, or_else: str | None = None) -> str:
    """Return the map key that a scalar is; or_else where it can be none."""
    if event.tag == "!" or (event.style and event.tag is None):
        return str(event.value)
    try:
        return plain_key(event.value) if event.tag is None else tagged_key(event.tag, event.value)
    except ScalarError:
        if or_else is None:
            raise
        return or_else


def _read_json(text: str) -> _Node | None:
    """Return the tree of a JSON text's nodes; the text is known to be JSON."""
    import json

    stack: list[_Node] = [_Node(0, 0, [])]
    key: tuple[str, int] | None = None
    for token in JSON_TOKEN.finditer(text):
        mark, string, _ = token.groups()
        start = token.end() - len(token.group().lstrip(" \t\r\n"))
        if mark in ("}", "]"):
            stack.pop().end = token.end()
            continue
        if mark in (",", ":"):
            continue
        parent = stack[-1].children
        if isinstance(parent, dict) and key is None:
            key = (json.loads(string or '""', strict=False), start)
            continue
        node = _Node(start, token.end())
        if isinstance(parent, dict) and key is not None:
            name, node.start = key
            parent[name], key = node, None
        elif isinstance(parent, list):
            parent.append(node)
        if mark:
            node.children = {} if mark == "{" else []
            stack.append(node)
    roots = stack[0].children
    return roots[0] if isinstance(roots, list) and roots else None
