"""Patch: edits to the bytes of one file, or changes of one object. What a patch was made for is checked before it is applied."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from msgspec import Struct

from transom.model.errors import TransomError
from transom.model.places import Path
from transom.model.refs import Ref


class Edit(Struct, frozen=True, order=True):
    """Bytes [start, end) of a file and what stands there instead; start == end inserts."""

    start: int
    end: int
    text: bytes


class FilePatch(Struct, frozen=True):
    """Edits to one file. digest: SHA-256, in hex, of the content that they were made for."""

    file: str
    digest: str
    edits: tuple[Edit, ...]

    def applied(self, content: bytes) -> bytes:
        """Return the content with all edits made; raises TransomError where it is not the content they were made for."""
        if digest(content) != self.digest:
            raise TransomError(
                f"cannot change {self.file}", "it has changed since it was read", "run the command again"
            )
        return edited(content, self.edits)


class Change(Struct, frozen=True):
    """One change of an object: what stands at a path afterwards. removed: nothing does, whatever value says."""

    path: Path
    value: Any = None
    removed: bool = False


class ObjectPatch(Struct, frozen=True):
    """Changes of one object, in their order."""

    ref: Ref
    changes: tuple[Change, ...]


Patch = FilePatch | ObjectPatch


def digest(content: bytes) -> str:
    """Return what a patch knows its file by."""
    return sha256(content).hexdigest()


def edited(content: bytes, edits: tuple[Edit, ...]) -> bytes:
    """Return bytes with edits made; raises ValueError for edits that overlap or lie outside."""
    parts: list[bytes] = []
    position = 0
    for edit in sorted(edits):
        if not position <= edit.start <= edit.end <= len(content):
            raise ValueError("edits overlap, or lie outside the text")
        parts += [content[position : edit.start], edit.text]
        position = edit.end
    return b"".join([*parts, content[position:]])
