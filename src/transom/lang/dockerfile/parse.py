"""The lines of a Dockerfile as instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

MAX_DOCKERFILE_BYTES = 1024 * 1024  # written by hand; the largest public ones have some 50,000
MAX_INSTRUCTIONS = 10_000  # a build with more layers than 127 fails anyhow
KNOWN = frozenset(
    (
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    )
)
WITH_HEREDOCS = frozenset(("ADD", "COPY", "RUN"))
_DIRECTIVE = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9]*)[ \t]*=[ \t]*(.+?)[ \t]*\Z")
_HEREDOC = re.compile(r"""(?<![<\w])\d*<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_.-]*)\2(?![<\w])""")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?(?:[ \t]+|\Z)")


class DockerfileError(ValueError):
    """What makes a file no Dockerfile; line: where, from 1."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.line = line


class Instruction(Struct, frozen=True):
    """One instruction. name: in capitals, of what ONBUILD keeps for later where onbuild is set.

    arguments: what follows name and flags, continuations joined; words: of the JSON form, None in the shell form;
    heredocs: their texts. line and end_line count from 1; start and end are byte offsets.
    """

    name: str
    arguments: str
    line: int
    end_line: int
    start: int
    end: int
    flags: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] | None = None
    heredocs: tuple[str, ...] = ()
    onbuild: bool = False


class Dockerfile(Struct, frozen=True):
    """A file; comments: text and line of each comment that has a line of its own; escape: what continues a line."""

    instructions: tuple[Instruction, ...]
    comments: tuple[tuple[str, int], ...] = ()
    escape: str = "\\"


class _Lines:
    """The lines of a file, read once from the first to the last."""

    def __init__(self, text: bytes) -> None:
        self.raw = text.splitlines(keepends=True)
        self.number = 0
        self.offset = 0
        self.comments: list[tuple[str, int]] = []

    def __bool__(self) -> bool:
        return self.number < len(self.raw)

    def next(self) -> str:
        line = self.raw[self.number]
        self.number += 1
        self.offset += len(line)
        return line.decode("utf-8", "replace").rstrip("\r\n")


def parse(text: bytes) -> Dockerfile:
    """Return the instructions of a file; raises DockerfileError for what BuildKit would not build at all."""
    if len(text) > MAX_DOCKERFILE_BYTES:
        raise DockerfileError("it is larger than 1 MiB, no Dockerfile is")
    text = text.removeprefix(b"\xef\xbb\xbf")
    lines = _Lines(text)
    escape = _escape(text)
    instructions = tuple(_instructions(lines, escape))
    if not any(each.name == "FROM" and not each.onbuild for each in instructions):
        raise DockerfileError("it has no FROM", 1)
    return Dockerfile(instructions, tuple(lines.comments), escape)


def _escape(text: bytes) -> str:
    """Return the escape character that the directives at the top choose."""
    for line in text.decode("utf-8", "replace").splitlines():
        directive = _DIRECTIVE.match(line.strip())
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] in ("\\", "`"):
            return directive[2]
    return "\\"


def _instructions(lines: _Lines, escape: str) -> Iterator[Instruction]:
    continued = re.compile(rf"(?:^|[^{re.escape(escape)}])({re.escape(escape)}[ \t]*)\Z")
    count = 0
    while lines:
        start, first = lines.offset, lines.number + 1
        logical = _logical(lines, continued)
        if logical is None:
            continue
        count += 1
        if count > MAX_INSTRUCTIONS:
            raise DockerfileError(f"it has more than {MAX_INSTRUCTIONS} instructions", first)
        yield _instruction(logical, first, start, lines)


def _logical(lines: _Lines, continued: re.Pattern[str]) -> str | None:
    """Return one line with those that continue it; None for a line that is empty or a comment."""
    parts: list[str] = []
    while lines:
        line = lines.next()
        stripped = line.lstrip(" \t")
        if stripped.startswith("#"):
            lines.comments.append((stripped.lstrip("#").strip(), lines.number))
        if not stripped or stripped.startswith("#"):
            if parts:
                continue  # comments and empty lines do not end what is continued
            return None
        ends = continued.search(line)
        parts.append(line[: ends.start(1)] if ends else line)
        if not ends:
            break
    return "".join(parts)


def _instruction(logical: str, line: int, start: int, lines: _Lines) -> Instruction:
    name, arguments = _named(logical, line)
    onbuild = name == "ONBUILD"
    if onbuild:
        name, arguments = _named(arguments, line)
    heredocs = tuple(_heredocs(arguments, lines)) if name in WITH_HEREDOCS else ()
    flags, arguments = _flags(arguments)
    return Instruction(
        name=name,
        arguments=arguments,
        line=line,
        end_line=lines.number,
        start=start,
        end=lines.offset,
        flags=flags,
        words=json_words(arguments),
        heredocs=heredocs,
        onbuild=onbuild,
    )


def _named(text: str, line: int) -> tuple[str, str]:
    name, arguments = (*text.split(maxsplit=1), "", "")[:2]
    if name.upper() not in KNOWN:
        shown = "".join(each if each.isprintable() else "?" for each in name[:40])
        raise DockerfileError(f"there is no instruction {shown}", line)
    return name.upper(), arguments.strip()


def _heredocs(arguments: str, lines: _Lines) -> Iterator[str]:
    for found in list(_HEREDOC.finditer(arguments)):
        body: list[str] = []
        while lines:
            line = lines.next()
            if (line.lstrip("\t") if found[1] else line) == found[3]:
                break
            body.append(line)
        yield "\n".join(body)


def _flags(arguments: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags: list[tuple[str, str]] = []
    position = 0
    while (found := _FLAG.match(arguments, position)) is not None:
        flags.append((found[1], found[2] or ""))
        position = found.end()
    return tuple(flags), arguments[position:]


def json_words(arguments: str) -> tuple[str, ...] | None:
    """Return the words of the JSON form, None for anything else."""
    if not arguments.startswith("["):
        return None
    try:
        return tuple(msgspec.json.decode(arguments, type=list[str]))
    except (msgspec.DecodeError, RecursionError):
        return None
