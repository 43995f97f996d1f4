"""Which functions a Go program holds: the names in its table of lines, as a set of hashes (Go's debug/gosym, internal/abi).

The table has every function that the linker kept, and every one that was inlined into another; it stays in programs without
symbols. Names are told as advisories write them, `net/http.Client.Do`: without type arguments and pointers. A set is enough,
since nobody asks but whether a name is in it, and takes four bytes a name instead of fifty.
"""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from zlib import crc32

from transom.images.packages.elf import read_elf

TABLE = re.compile(rb"[\xf0\xf1\xfa]\xff\xff\xff\x00\x00[\x01\x02\x04][\x04\x08]")
"""How the table begins since Go 1.16: magic, two zeros, the size of an instruction and of a pointer."""

BEFORE_TEXT_START = 0xFA  # Go 1.16's header has a word less
MAX_NAMES_BYTES = 128 * 1024 * 1024  # the largest programs have some 20 MB
MAX_TRIED = 64  # places that look like a table
MAX_FUNCTIONS = 1_000_000
KNOWN = ("runtime.main", "main.main")  # of every program; where they are not, names were made unreadable

_ARGUMENTS = re.compile(rb"\[[^\0]*\]")
_CLOSURE = re.compile(rb"\.(?:func|gowrap|deferwrap)?\d+(?:[.\-][^\0]*)?(?=\0)")
_OF_LINKER = re.compile(rb"\0(?:type:|go:|go\.|type\.\.)[^\0]*(?=\0)")
SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")


def functions_of(content: bytes) -> bytes:
    """Return the sorted hashes of a program's functions and their packages, b"" where it does not tell them."""
    names = _names(content)
    if names is None:
        return b""
    functions = array("I", sorted(_hashes(names))[:MAX_FUNCTIONS]).tobytes()
    return functions if all(has(functions, (name,)) for name in KNOWN) else b""


def has(functions: bytes, names: Iterable[str]) -> bool:
    """Tell whether one of the names is among a program's functions."""
    kept = memoryview(functions).cast("I")
    for name in names:
        wanted = crc32(name.encode())
        at = bisect_left(kept, wanted)
        if at < len(kept) and kept[at] == wanted:
            return True
    return False


def _hashes(names: bytes) -> set[int]:
    """Return the hashes of names as advisories write them, and of the packages that they are of.

    All names are rewritten at once: one by one would take three times as long.
    """
    plain = _ARGUMENTS.sub(b"", names).replace(b"(*", b"").replace(b")", b"")
    told = set(_CLOSURE.sub(b"", _OF_LINKER.sub(b"", plain)).split(b"\0"))
    told.discard(b"")
    packages = set()
    for name in told:
        dot = name.find(b".", name.rfind(b"/") + 1)
        packages.add(name[:dot] if dot > 0 else name)
    escaped = {name for name in told | packages if b"%2e" in name}  # dots in the last step of a path
    plain_names = (told | packages) - escaped
    return {crc32(name.replace(b"%2e", b".")) for name in escaped} | set(map(crc32, plain_names))


def _names(content: bytes) -> bytes | None:
    """Return the table of names, each ended by NUL; None where there is none that holds together."""
    for number, start in enumerate(_tables(content)):
        if number >= MAX_TRIED:
            return None
        names = _names_at(content, start)
        if names:
            return names
    return None


def _tables(content: bytes) -> Iterator[int]:
    """Yield where a table may begin: at its section, else at whatever looks like one, which takes three times as long."""
    try:
        sections = read_elf(content).sections
    except ValueError:
        sections = {}
    named = [sections[name].offset for name in SECTIONS if name in sections]
    yield from (at for at in named if TABLE.match(content, at))
    if not named:
        yield from (found.start() for found in TABLE.finditer(content))


def _names_at(content: bytes, start: int) -> bytes | None:
    wide = content[start + 7] == 8
    layout = struct.Struct("<8Q" if wide else "<8I")
    if start + 8 + layout.size > len(content):
        return None
    words = layout.unpack_from(content, start + 8)
    count, *_ = words
    at, end = words[2:4] if content[start] == BEFORE_TEXT_START else words[3:5]
    if not 0 < at < end <= len(content) - start or end - at > MAX_NAMES_BYTES or not 0 < count <= end - at:
        return None
    return content[start + at : start + end]
