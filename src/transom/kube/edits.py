"""Edits to a document's text that make it say something else: only the lines that must change do.

Formatting, comments, anchors, quotes, indentation, line ends and flow style stay as they are. What cannot be edited in
place is refused with a reason. Whoever uses the edits reads the result again and compares: this module proves nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from transom.kube.documents import Document
from transom.kube.rendering import Style, same, style_of
from transom.kube.tree import Node, TreeError, tree
from transom.model.patches import Edit
from transom.model.places import Path

AFTER: Mapping[str, str] = {"imagePullPolicy": "image"}
"""Keys that people look for behind another one."""
LARGE = frozenset(("containers", "ephemeralContainers", "initContainers", "volumes"))
"""Lists that fill pages: what is new in their map is put before them, where it is seen."""
IDENTITIES = ("name", "containerPort", "mountPath", "ip", "key", "host", "topologyKey", "port")
_ABSENT: Any = object()


class EditError(Exception):
    """Why a text cannot be edited in place; path: the part of the document that it is about."""

    def __init__(self, reason: str, path: Path = ()) -> None:
        super().__init__(reason)
        self.path = path


class _Span(Struct):
    """Characters [start, end) and what stands there instead."""

    start: int
    end: int
    text: str


def edits_for(document: Document, wanted: Any) -> tuple[Edit, ...]:
    """Return the edits, in bytes of the document's file, after which the document has the wanted value.

    Raises EditError for what cannot be edited in place.
    """
    if document.offset < 0:
        raise EditError("the file is UTF-16, which is read but not written; save it as UTF-8")
    text = document.text.decode("utf-8", "surrogateescape")
    is_json = _is_json(text)
    try:
        root = tree(text, is_json)
    except TreeError as error:
        raise EditError(str(error)) from error
    editing = _Editing(text, root, style_of(text, root, is_json), document.value, wanted)
    return tuple(_in_bytes(text, editing.spans(), document.offset))


def _is_json(text: str) -> bool:
    """Tell whether a text is JSON, and not only YAML in braces."""
    if text.lstrip()[:1] != "{":
        return False
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _in_bytes(text: str, spans: Sequence[_Span], offset: int) -> Iterator[Edit]:
    """Yield spans as edits; those that begin at one place become one, in their order."""
    before = position = 0
    for span in _joined(spans):
        before += len(text[position : span.start].encode("utf-8", "surrogateescape"))
        length = len(text[span.start : span.end].encode("utf-8", "surrogateescape"))
        yield Edit(offset + before, offset + before + length, span.text.encode("utf-8", "surrogateescape"))
        before, position = before + length, span.end


def _joined(spans: Sequence[_Span]) -> list[_Span]:
    joined: list[_Span] = []
    for span in sorted(spans, key=lambda each: each.start):  # stable: what is deeper comes first
        if joined and joined[-1].start == span.start:
            last = joined[-1]
            last.text += span.text
            last.end = max(last.end, span.end)
        else:
            joined.append(_Span(span.start, span.end, span.text))
    for one, following in pairwise(joined):
        if one.end > following.start:
            raise EditError("two changes meet in one place of the text")
    return joined


class _Editing:
    """One document on its way to another value."""

    def __init__(self, text: str, root: Node, style: Style, old: Any, new: Any) -> None:
        self.text = text
        self.root = root
        self.style = style
        self.old = old
        self.new = new
        self.found: list[_Span] = []
        self.locked: dict[int, str] = {}  # by the node's id: anchors whose aliases say what they said before
        self.follow: set[int] = set()  # aliases that say what is wanted once their anchor does

    def spans(self) -> list[_Span]:
        self.look_at_anchors()
        self.update(self.root, self.old, self.new, ())
        return self.found

    def replace(self, start: int, end: int, text: str) -> None:
        self.found.append(_Span(start, end, text))

    # anchors and aliases

    def look_at_anchors(self) -> None:
        """Find out which anchors may be edited: those whose aliases want the same, or are written out anyway."""
        users: dict[int, list[tuple[Node, Path, bool]]] = {}
        anchors: dict[int, tuple[Node, Path]] = {}
        current: dict[str, Node] = {}
        for node, path, merge in _walk(self.root):
            if node.anchor:
                current[node.anchor] = node
                anchors[id(node)] = (node, path)
            elif node.alias and node.alias in current:
                users.setdefault(id(current[node.alias]), []).append((node, path, merge))
        for key, found in users.items():
            node, path = anchors[key]
            wanted = _at(self.new, path)
            if all(not merge and same(_at(self.new, place), wanted) for _, place, merge in found):
                self.follow.update(id(alias) for alias, _, _ in found)
                continue
            held = [each for each in found if each[2] or same(_at(self.new, each[1]), _at(self.old, each[1]))]
            if held:
                self.locked[key] = f"it stands in the anchor &{node.anchor}, which {_times(len(held))} elsewhere"

    # nodes

    def update(self, node: Node, old: Any, new: Any, path: Path) -> None:
        """Make a node say `new`."""
        if same(old, new) or id(node) in self.follow:
            return
        if id(node) in self.locked:
            raise EditError(self.locked[id(node)], path)
        if node.kind == "map" and isinstance(old, dict) and isinstance(new, dict):
            self.update_map(node, old, new, path)
        elif node.kind == "list" and isinstance(old, list) and isinstance(new, list):
            self.update_list(node, old, new, path)
        else:
            self.put(node, new, path)

    def put(self, node: Node, new: Any, path: Path) -> None:
        """Replace the whole of a node; an alias is replaced by what it stood for, as it is wanted."""
        if node.tag or not path:
            raise EditError(f"it carries the tag {node.tag}" if node.tag else "it would be another document", path)
        if node.anchor and (isinstance(new, dict | list) or node.kind != "scalar"):
            raise EditError(f"it carries the anchor &{node.anchor}", path)
        start = node.start + (len(f"&{node.anchor} ") if node.anchor else 0)
        if self.in_flow(path) or not isinstance(new, dict | list) or not new:
            self.put_inline(start, node, new, path)
        else:
            self.put_block(node, new, path)

    def put_inline(self, start: int, node: Node, new: Any, path: Path) -> None:
        shown = self.style.flow(new, node.style)
        if node.kind in ("map", "list") and not node.flow:  # `key:` and a block below it become `key: {}`
            start = self.after_mark(node.start)
            shown = f" {shown}"
        elif node.start == node.end:
            shown = f" {shown}"
        self.replace(start, node.end, shown)

    def put_block(self, node: Node, new: Any, path: Path) -> None:
        """Replace a node of a block map or list by a block on lines of its own."""
        column = self.column_around(path)
        is_item = isinstance(path[-1], int)
        end_of_line = self.content_end(node.end)
        if is_item or (node.start != node.end and self.text[node.end : end_of_line].strip()):
            self.put_inline(node.start, node, new, path)  # a comment behind it stays where it is
            return
        lines = self.style.block(new, column)
        start = end_of_line if node.start == node.end else self.after_mark(node.start)
        self.replace(start, max(start, node.end), "".join(f"{self.style.line_end}{line}" for line in lines))

    def after_mark(self, start: int) -> int:
        """Return the end of the colon or dash before a node."""
        end = start
        while end and self.text[end - 1].isspace():
            end -= 1
        if self.text[end - 1 : end] not in (":", "-"):
            raise EditError("a comment stands where the text would change")
        return end

    def in_flow(self, path: Path) -> bool:
        """Tell whether the node at a path stands in braces or brackets, or in JSON."""
        node = self.root
        for step in path:
            if node.flow:
                return True
            node = _child(node, step)
        return False

    def column_around(self, path: Path) -> int:
        """Return the column of the block map or list in which the node at a path stands."""
        node = self.root
        for step in path[:-1]:
            node = _child(node, step)
        return node.column

    # maps

    def update_map(self, node: Node, old: Mapping[str, Any], new: Mapping[str, Any], path: Path) -> None:
        counts = Counter(key.text for key in node.keys if not key.merge)
        removed, added = [], {}
        for key in [*old, *(key for key in new if key not in old)]:
            before, after = old.get(key, _ABSENT), new.get(key, _ABSENT)
            if before is not _ABSENT and after is not _ABSENT and same(before, after):
                continue
            index = node.at(key)
            if counts[key] > 1:
                raise EditError(f"the key {key} stands there twice", (*path, key))
            if index < 0 and (after is _ABSENT or (before is not _ABSENT and not node.merges)):
                raise EditError("it comes from a merge key, and cannot be taken out there", (*path, key))
            if after is _ABSENT:
                removed.append(index)
            elif index < 0:
                added[key] = after
            else:
                self.update(node.children[index], before, after, (*path, key))
        kept = [index for index in range(len(node.keys)) if index not in removed]
        if not kept:
            self.put_emptied(node, added, path)
        elif node.flow:
            self.remove_in_flow(node, [node.keys[index].start for index in range(len(node.keys))], removed)
            self.add_in_flow(node, kept, [self.style.flow_entry(key, each) for key, each in added.items()])
        else:
            self.remove_entries(node, removed, kept, path)
            for key, each in added.items():
                self.add_entry(node, kept, key, each)

    def put_emptied(self, node: Node, left: Any, path: Path) -> None:
        """Replace all that a map or list has."""
        if node.flow:
            self.replace(node.start, node.end, self.style.flow(left))
        elif node.anchor or not path:
            raise EditError("nothing would be left of it", path)
        else:
            self.put(node, left, path)

    def remove_entries(self, node: Node, removed: Sequence[int], kept: Sequence[int], path: Path) -> None:
        """Take entries out of a block map, each with its lines."""
        for index in removed:
            start, line = node.keys[index].start, self.line_start(node.keys[index].start)
            end = self.line_end(node.children[index].end)
            if not self.text[line:start].strip():
                self.replace(line, end, "")
                continue
            following = next((each for each in kept if each > index), None)
            if following is None or any(each in removed for each in range(index + 1, following)):
                raise EditError("it shares its line with what stays", (*path, node.keys[index].text))
            next_start = node.keys[following].start
            if self.text[end:next_start].strip():
                raise EditError("a comment stands behind it", (*path, node.keys[index].text))
            self.replace(start, next_start, "")  # the next key moves up behind the dash

    def add_entry(self, node: Node, kept: Sequence[int], key: str, value: Any) -> None:
        """Put a new entry into a block map: on lines of its own."""
        lines = self.style.entry(key, value, node.column)
        names = [each.text for each in node.keys]
        wanted = names.index(AFTER[key]) if AFTER.get(key) in names else None
        large = next((index for index in kept if names[index] in LARGE), None)
        if wanted in kept and wanted is not None:
            self.insert_lines(self.line_end(node.children[wanted].end), lines)
        elif large is None or key in LARGE or not self.begins_line(node.keys[large].start):
            self.insert_lines(self.line_end(node.children[kept[-1]].end), lines)
        elif kept.index(large):
            before = kept[kept.index(large) - 1]
            self.insert_lines(self.line_end(node.children[before].end), lines)
        else:
            self.insert_lines(self.above_comments(node.keys[large].start), lines)

    def insert_lines(self, position: int, lines: Sequence[str]) -> None:
        end = self.style.line_end
        if position and not self.text.endswith("\n", 0, position):  # the last line has no end, and gets none
            self.replace(position, position, "".join(f"{end}{line}" for line in lines))
        else:
            self.replace(position, position, "".join(f"{line}{end}" for line in lines))

    # lists

    def update_list(self, node: Node, old: Sequence[Any], new: Sequence[Any], path: Path) -> None:
        pairs = _aligned(old, new)
        removed = [index for index in range(len(old)) if index not in pairs]
        added = new[len(pairs) :]
        if len(node.children) != len(old) or not pairs:
            self.put_emptied(node, list(new), path)
            return
        for index, other in pairs.items():
            self.update(node.children[index], old[index], new[other], (*path, index))
        if node.flow:
            self.remove_in_flow(node, [each.start for each in node.children], removed)
            self.add_in_flow(node, list(pairs), [self.style.flow(each) for each in added])
            return
        for index in removed:
            self.remove_item(node, index, path)
        last = node.children[max(pairs)].end
        for each in added:
            self.insert_lines(self.line_end(last), self.style.item(each, node.column))

    def remove_item(self, node: Node, index: int, path: Path) -> None:
        """Take an item out of a block list, with its dash and its lines."""
        child = node.children[index]
        line = self.line_start(child.start)
        first = node.children[index - 1].end if index else 0
        while self.text[line + node.column : line + node.column + 1] != "-" or line + node.column > child.start:
            if line <= first or line == 0:
                raise EditError("its dash is not found", (*path, index))
            line = self.line_start(line - 1)
        if self.text[line : line + node.column].strip():
            raise EditError("it shares its line with what stays", (*path, index))
        self.replace(line, self.line_end(max(child.end, line + node.column + 1)), "")

    # braces and brackets

    def remove_in_flow(self, node: Node, starts: Sequence[int], removed: Sequence[int]) -> None:
        for index in removed:
            end = node.children[index].end
            if index + 1 < len(starts) and all(each in removed for each in range(index)):
                self.replace(starts[index], starts[index + 1], "")
            else:
                self.replace(node.children[index - 1].end, end, "")

    def add_in_flow(self, node: Node, kept: Sequence[int], shown: Sequence[str]) -> None:
        """Put new elements behind the last one that stays; on lines of their own where the others are."""
        if not shown:
            return
        last = node.children[kept[-1]]
        begin = node.keys[kept[-1]].start if node.kind == "map" else last.start
        indent = self.text[self.line_start(begin) : begin]
        on_lines = not indent.strip() and self.line_start(begin) > node.start
        between = f",{self.style.line_end}{indent}" if on_lines else f",{self.style.gap}"
        if on_lines:
            shown = [self.style.indented(each, indent) for each in shown]
        self.replace(last.end, last.end, "".join(between + each for each in shown))

    # lines

    def line_start(self, position: int) -> int:
        return self.text.rfind("\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """Return where the next line begins."""
        return self.text.find("\n", position) + 1 or len(self.text)

    def content_end(self, position: int) -> int:
        """Return where the line ends, its line break and the blanks before it aside."""
        end = self.line_end(position)
        return position + len(self.text[position:end].rstrip())

    def begins_line(self, position: int) -> bool:
        return not self.text[self.line_start(position) : position].strip()

    def above_comments(self, position: int) -> int:
        """Return the beginning of the line of a key, or of the comments above it that speak of it."""
        line = self.line_start(position)
        while line and self.text[self.line_start(line - 1) : line].lstrip().startswith("#"):
            line = self.line_start(line - 1)
        return line


def _walk(root: Node) -> Iterator[tuple[Node, Path, bool]]:
    """Yield each node of a tree as it is written, with its path, and whether it is what a merge key names."""
    open_nodes: list[tuple[Node, Path, bool]] = [(root, (), False)]
    while open_nodes:
        node, path, merge = open_nodes.pop()
        yield node, path, merge
        steps: list[tuple[Node, Path, bool]]
        if node.kind == "map":
            pairs = zip(node.keys, node.children, strict=True)
            steps = [(child, (*path, key.text), key.merge) for key, child in pairs]
        else:
            steps = [(child, (*path, index), merge) for index, child in enumerate(node.children)]
        open_nodes.extend(reversed(steps))


def _child(node: Node, step: str | int) -> Node:
    return node.children[step if isinstance(step, int) else node.at(step)]


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return value


def _times(count: int) -> str:
    return "is used once" if count == 1 else f"is used {count} times"


def _aligned(old: Sequence[Any], new: Sequence[Any]) -> dict[int, int]:
    """Return which element of the old list goes on as which of the new one: those are the first of the new list."""
    pairs: dict[int, int] = {}
    for index, element in enumerate(old):
        if len(pairs) < len(new) and _goes_on(element, new[len(pairs)], len(old) == len(new)):
            pairs[index] = len(pairs)
    return pairs


def _goes_on(before: Any, after: Any, same_length: bool) -> bool:
    if same(before, after):
        return True
    if not isinstance(before, dict) or not isinstance(after, dict):
        return same_length and type(before) is type(after) and isinstance(before, list)
    identity = [(before.get(key), after.get(key)) for key in IDENTITIES if key in before or key in after]
    if identity:
        return all(one == other for one, other in identity)
    alike = sum(key in after and same(each, after[key]) for key, each in before.items())
    return same_length or 2 * alike >= len(before)
