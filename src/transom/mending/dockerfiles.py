"""Dockerfiles to edit: a changed object becomes edits of the file's own text, proven by reading it again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from transom.inventory import Entry, Inventory, Origin
from transom.inventory.dockerfiles import DockerfileSource, add_dockerfile
from transom.lang.dockerfile import Dockerfile, DockerfileError, Instruction, parse, shape
from transom.lang.dockerfile.joined import joined
from transom.lang.dockerfile.reshape import instructions_of
from transom.mending.files import CHANGED, UNPROVEN, FileEdit, NotEditable
from transom.mending.steps import Proposal
from transom.model.language import mark
from transom.model.patches import Edit, FilePatch, digest, edited

NO_UTF8 = mark("it is not written in UTF-8, so no place in it is sure")
_PIECES = re.compile(r"\s+|[^\s]+")


class DockerfileEdit(FileEdit, frozen=True):
    """A Dockerfile with its patch."""

    def fill(self, inventory: Inventory, target: str) -> None:
        """Add the object of the edited file."""
        add_dockerfile(inventory, self.after, Origin(target, self.file))


def edit_dockerfile(entry: Entry, proposal: Proposal, path: str, root: str) -> DockerfileEdit:
    """Return the edit that says what is proposed; raises NotEditable, with what is proposed, where that is not proven."""
    of = [(proposal, [step.rule for step in proposal.steps])]
    source = entry.source
    assert isinstance(source, DockerfileSource)
    try:
        content = Path(path).read_bytes()
        if parse(content) != source.parsed:
            raise NotEditable(CHANGED, of)
        edits = tuple(sorted(_edits(content, source.parsed, proposal.value)))
        after = edited(content, edits)
        proven = _told(parse(after).instructions) == _told(instructions_of(proposal.value))
    except OSError as error:
        raise NotEditable(f"cannot be read: {error.strerror or error}", of) from error
    except UnicodeDecodeError as error:
        raise NotEditable(NO_UTF8, of) from error
    except DockerfileError as error:
        raise NotEditable(UNPROVEN, of) from error
    if not proven:
        raise NotEditable(UNPROVEN, of)
    return DockerfileEdit(path, root, FilePatch(entry.origin.file, digest(content), edits), content, after)


def _told(instructions: Any) -> list[tuple[Any, ...]]:
    """Return what instructions say, however their words are parted."""
    return [
        (each.name, each.onbuild, each.flags, " ".join(each.arguments.split()), each.heredocs) for each in instructions
    ]


def _edits(content: bytes, parsed: Dockerfile, wanted: Mapping[str, Any]) -> Iterator[Edit]:
    old, new = parsed.instructions, tuple(instructions_of(wanted))
    before, after = (_names(each) for each in (shape(parsed, ""), wanted))
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            for was, now in zip(old[i1:i2], new[j1:j2], strict=True):
                if (was.name, was.arguments) != (now.name, now.arguments):
                    yield from _of_instruction(content, parsed.escape, was, now)
            continue
        yield from (Edit(each.start, each.end, b"") for each in old[i1:i2])
        if j1 < j2:
            at = old[i1].start if i1 < len(old) else len(content)
            yield Edit(at, at, _lines(new[j1:j2], content if at == len(content) else b"\n"))


def _names(value: Mapping[str, Any]) -> list[str]:
    """Return what instructions are known by, which a fix leaves as it is."""
    groups = [value["arguments"], *(stage["instructions"] for stage in value["stages"])]
    return [str(each["name"]) for group in groups for each in group]


def _lines(instructions: Sequence[Instruction], before: bytes) -> bytes:
    """Return instructions as lines of their own, behind what stands before them."""
    text = "".join(f"{each.name} {each.arguments}\n" for each in instructions)
    return ("" if before.endswith(b"\n") else "\n").encode() + text.encode()


def _of_instruction(content: bytes, escape: str, was: Instruction, now: Instruction) -> Iterator[Edit]:
    line = joined(content, was.start, was.end, escape)
    if was.name != now.name:
        begin = line.text.upper().index(was.name)
        lower = line.text[begin : begin + len(was.name)].islower()
        name = now.name.lower() if lower else now.name
        yield Edit(line.offsets[begin], line.offsets[begin + len(was.name)], name.encode())
    begin = len(line.text.rstrip()) - len(was.arguments)
    several = b"\n" in content[was.start : line.offsets[-1]]
    old, new = _PIECES.findall(was.arguments), _PIECES.findall(now.arguments)
    ends = [begin]
    for piece in old:
        ends.append(ends[-1] + len(piece))
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        text = "".join(new[j1:j2])
        if i1 == len(old) and several and text.startswith(" && "):
            text = f" {escape}\n{_indent(content, line.offsets[-1])}&& {text[4:]}"
        yield Edit(line.offsets[ends[i1]], line.offsets[ends[i2]], text.encode())


def _indent(content: bytes, end: int) -> str:
    """Return the white space before the last line of an instruction, which ends there."""
    last = content[content.rfind(b"\n", 0, end) + 1 : end].decode("utf-8", "replace")
    return last[: len(last) - len(last.lstrip(" \t"))]
