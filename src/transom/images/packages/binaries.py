"""Well-known programs that no package tells of, known by their file's name and by what stands in it.

The table is data, `content/binaries/programs.yaml`. A file is searched only when its name is in the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path as File
from typing import Any

from msgspec import Struct

from transom.model.packages import Package, Place

TABLE = File(__file__).parents[2] / "content" / "binaries" / "programs.yaml"
MAX_VERSION_BYTES = 64


class Program(Struct, frozen=True, forbid_unknown_fields=True):
    """One program. files: a pattern of the whole file name; cpe: `vendor:product`, "" for none.

    versions: patterns (RE2) of its bytes, the first that is found decides; its group is the version, several groups are
    joined by dots. unless: a pattern by which it is something else; path: a pattern that the whole path must have.
    """

    name: str
    files: str
    versions: tuple[str, ...]
    cpe: str = ""
    unless: str = ""
    path: str = ""


class _Known(Struct):
    names: Any
    programs: tuple[Program, ...]
    patterns: dict[str, Any]


def classified(path: str, content: bytes) -> Iterator[Package]:
    """Yield the program that a file is; nothing where its name or its bytes are not known."""
    name = path.rpartition("/")[2].encode("utf-8", "surrogateescape")
    known = _known()
    if not known.names.fullmatch(name):
        return
    for program in known.programs:
        if known.patterns[program.files].fullmatch(name) and _lies(program, known, path):
            version = _version(program, known, content)
            if version:
                cpes = (f"cpe:2.3:a:{program.cpe}:{version}:*:*:*:*:*:*:*",) if program.cpe else ()
                yield Package("generic", program.name, version, places=(Place(path),), cpes=cpes, evidence="binary")
                return


def _lies(program: Program, known: _Known, path: str) -> bool:
    return not program.path or bool(known.patterns[program.path].search(path.encode("utf-8", "surrogateescape")))


def _version(program: Program, known: _Known, content: bytes) -> str:
    if program.unless and known.patterns[program.unless].search(content):
        return ""
    for pattern in program.versions:
        match = known.patterns[pattern].search(content)
        if match:
            version: bytes = b".".join(group for group in match.groups() if group)
            return version[:MAX_VERSION_BYTES].decode("latin-1")
    return ""


@lru_cache(maxsize=1)
def programs() -> tuple[Program, ...]:
    """Return the table; raises TransomError for a broken one."""
    import msgspec
    from yaml import YAMLError

    from transom.model.errors import TransomError

    try:
        return msgspec.yaml.decode(TABLE.read_bytes(), type=tuple[Program, ...])
    except (OSError, YAMLError, msgspec.MsgspecError) as error:
        raise TransomError("cannot read the table of programs", str(error), "install Transom again") from error


@lru_cache(maxsize=1)
def _known() -> _Known:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    found = programs()
    wanted = {
        each for program in found for each in (program.files, *program.versions, program.unless, program.path) if each
    }
    patterns = {each: re2.compile(each.encode("latin-1"), options) for each in wanted}
    names = "|".join(f"(?:{each.files})" for each in found)
    return _Known(re2.compile(names.encode(), options), found, patterns)
