"""Files to edit: where they are, what they held when they were read, and edits to them that are proven."""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import unified_diff
from typing import Any

from msgspec import Struct

from transom.inventory import Inventory
from transom.inventory.files import DocumentSource, fill_from_stream
from transom.kube.documents import Document, read_documents
from transom.kube.edits import EditError, edits_for
from transom.kube.files import Found, walk
from transom.kube.rendering import same
from transom.mending.differences import applied, touches
from transom.mending.steps import Proposal
from transom.model.findings import Skipped
from transom.model.language import mark
from transom.model.patches import Change, Edit, FilePatch, digest, edited
from transom.model.places import Path, path_text

UNPROVEN = mark("the edited text does not read as the object that was wanted")
CHANGED = mark("the file has changed since it was read")
STANDARD_INPUT = mark("it came by standard input, which has no file to write to")


class NotEditable(Exception):  # noqa: N818 - named for what is wrong
    """Why a file cannot be edited as proposed; of: the proposals at fault, and which of their rules."""

    def __init__(self, reason: str, of: Sequence[tuple[Proposal, Sequence[str]]]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.of = of


class FileEdit(Struct, frozen=True):
    """A file with its patch. path: to open it; root: the target that it was found in; before, after: its content."""

    path: str
    root: str
    patch: FilePatch
    before: bytes
    after: bytes

    @property
    def file(self) -> str:
        """The file as people see it."""
        return self.patch.file

    def fill(self, inventory: Inventory, target: str) -> None:
        """Add the objects of the edited file."""
        for _ in fill_from_stream(inventory, io.BytesIO(self.after), target, self.file):
            pass  # what was skipped before is skipped again: it is compared by whoever reads everything

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff."""
        before, after = (_lines(each) for each in (self.before, self.after))
        yield from _whole(unified_diff(before, after, f"a/{self.file}", f"b/{self.file}"))


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "surrogateescape").splitlines(keepends=True) if content else []


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of a diff; one without an end is followed by the words that say so, as diff has them."""
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


class Files:
    """Every file of the targets by the name that people see."""

    def __init__(self, targets: Sequence[str], exclude: Sequence[str]) -> None:
        self.found: dict[str, tuple[str, str]] = {}
        for target in targets:
            if target != "-" and os.path.lexists(target):
                for each in walk(target, exclude):
                    if isinstance(each, Found):
                        self.found.setdefault(each.shown, (each.path, target))

    def edit(self, file: str, proposals: Sequence[Proposal]) -> FileEdit:
        """Return the edit that says what is proposed; raises NotEditable.

        The edited text is read again: every document must hold what it is to hold, and those that no proposal is about
        their very bytes.
        """
        everything = [(each, [step.rule for step in each.steps]) for each in proposals]
        path, root = self.found.get(file, ("", ""))
        if not path:
            raise NotEditable(STANDARD_INPUT, everything)
        try:
            with open(path, "rb") as stream:
                content = stream.read()
        except OSError as error:
            raise NotEditable(f"cannot be read: {error.strerror or error}", everything) from error
        wanted: dict[int, Any] = {}
        edits: list[Edit] = []
        for document, of_document in _by_document(proposals):
            _check_unchanged(document, content, of_document)
            wanted[document.index] = _wanted(document, of_document)
            edits += _edits(document, wanted[document.index], of_document)
        patch = FilePatch(file, digest(content), tuple(sorted(edits)))
        after = edited(content, patch.edits)
        wrong = _unproven(file, content, after, wanted)
        if wrong:
            of = [each for each in everything if _document(each[0]).index in wrong] or everything
            raise NotEditable(UNPROVEN, of)
        return FileEdit(path, root, patch, content, after)


def whole_edit(document: Document, path: str, root: str, wanted: Any) -> FileEdit:
    """Return the proven edit after which a file of one document has the wanted value; raises EditError."""
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise EditError(f"cannot be read: {error.strerror or error}") from error
    if not _holds(document, content):
        raise EditError(CHANGED)
    patch = FilePatch(document.file, digest(content), tuple(sorted(edits_for(document, wanted))))
    after = edited(content, patch.edits)
    if _unproven(document.file, content, after, {document.index: wanted}):
        raise EditError(UNPROVEN)
    return FileEdit(path, root, patch, content, after)


def _document(proposal: Proposal) -> Document:
    source = proposal.entry.source
    assert isinstance(source, DocumentSource)
    return source.document


def _by_document(proposals: Iterable[Proposal]) -> Iterator[tuple[Document, list[Proposal]]]:
    """Yield each document with its proposals; a file that two targets hold is edited once."""
    found: dict[int, tuple[Document, dict[Path, Proposal]]] = {}
    for each in proposals:
        if each.steps:
            document = _document(each)
            _, items = found.setdefault(document.index, (document, {}))
            items.setdefault(each.entry.origin.item, each)
    for document, items in found.values():
        yield document, list(items.values())


def _check_unchanged(document: Document, content: bytes, proposals: Sequence[Proposal]) -> None:
    if not _holds(document, content):
        raise NotEditable(CHANGED, [(each, [step.rule for step in each.steps]) for each in proposals])


def _holds(document: Document, content: bytes) -> bool:
    """Tell whether a file has a document where it was read; UTF-16, of which bytes have no places, is refused later."""
    padding = len(document.text) - len(document.text.lstrip(b" "))
    start, end = document.offset + padding, document.offset + len(document.text)
    return document.offset < 0 or content[start:end] == document.text[padding:]


def _wanted(document: Document, proposals: Iterable[Proposal]) -> Any:
    changes = [
        Change((*each.entry.origin.item, *change.path), change.value, change.removed)
        for each in proposals
        for step in each.steps
        for change in step.changes
    ]
    return applied(document.value, changes)


def _edits(document: Document, wanted: Any, proposals: Sequence[Proposal]) -> tuple[Edit, ...]:
    try:
        return edits_for(document, wanted)
    except EditError as error:
        where = f"{path_text(error.path)}: " if error.path else ""
        of = [(each, rules) for each in proposals if (rules := list(_at_fault(each, error.path)))]
        everything = [(each, [step.rule for step in each.steps]) for each in proposals]
        raise NotEditable(f"{where}{error}", of or everything) from error


def _at_fault(proposal: Proposal, path: Path) -> Iterator[str]:
    """Yield the rules whose changes touch a path of the document."""
    item = proposal.entry.origin.item
    for step in proposal.steps:
        if any(touches(Change((*item, *change.path)), path) for change in step.changes):
            yield step.rule


def _unproven(file: str, before: bytes, after: bytes, wanted: dict[int, Any]) -> Collection[int]:
    """Return the documents that do not hold what they are to hold once the file is read again."""
    old, new = (list(read_documents(io.BytesIO(each), file)) for each in (before, after))
    if len(old) != len(new):
        return wanted.keys()
    wrong = set()
    for was, now in zip(old, new, strict=True):
        if isinstance(was, Skipped) or isinstance(now, Skipped):
            if type(was) is not type(now):
                return wanted.keys()
        elif was.index in wanted:
            if not same(now.value, wanted[was.index]) or len(now.duplicates) > len(was.duplicates):
                wrong.add(was.index)
        elif was.text != now.text:
            return wanted.keys()
    return wrong
