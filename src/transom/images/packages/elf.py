"""ELF files: where their sections and segments lie. Only headers are read (ELF-64 object file format, gABI chapter 4)."""

from __future__ import annotations

import struct

from msgspec import Struct

MAGIC = b"\x7fELF"
MAX_HEADERS = 4096  # of either kind; programs have some 40, kernels some 100
WRITABLE = 2
LOADED = 1


class Section(Struct, frozen=True):
    """A piece of the file that has a name."""

    name: str
    address: int
    offset: int
    size_bytes: int


class Segment(Struct, frozen=True):
    """A piece of the file that is put into memory."""

    kind: int
    flags: int
    address: int
    offset: int
    size_bytes: int


class Elf(Struct, frozen=True):
    """An ELF file's headers. order: `<` or `>`; word_bytes: 4 or 8, of an address."""

    content: bytes
    order: str
    word_bytes: int
    sections: dict[str, Section]
    segments: tuple[Segment, ...]

    def section(self, name: str) -> bytes:
        """Return what a section holds, b"" where there is none."""
        found = self.sections.get(name)
        return self.content[found.offset : found.offset + found.size_bytes] if found else b""

    def memory(self, address: int, size_bytes: int) -> bytes:
        """Return what lies at an address once the program is loaded, b"" where the file has nothing for it."""
        for each in self.segments:
            if each.kind == LOADED and each.address <= address < each.address + each.size_bytes:
                start = each.offset + address - each.address
                return self.content[start : start + min(size_bytes, each.address + each.size_bytes - address)]
        return b""


def read_elf(content: bytes) -> Elf:
    """Return the headers of an ELF file; raises ValueError for what is none."""
    if len(content) < 52 or not content.startswith(MAGIC) or content[4] not in (1, 2) or content[5] not in (1, 2):
        raise ValueError("no ELF file")
    wide, order = content[4] == 2, "<" if content[5] == 1 else ">"
    layout = struct.Struct(order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"))
    try:
        _, _, _, _, at, names_at, _, _, size, count, names_size, names_count, names_index = layout.unpack_from(
            content, 16
        )
        segments = _segments(content, order, wide, at, size, count)
        sections = _sections(content, order, wide, names_at, names_size, names_count, names_index)
    except (struct.error, OverflowError) as error:
        raise ValueError("its headers break off") from error
    return Elf(content, order, 8 if wide else 4, sections, segments)


def _segments(content: bytes, order: str, wide: bool, at: int, size: int, count: int) -> tuple[Segment, ...]:
    layout = struct.Struct(order + ("IIQQQQ" if wide else "IIIIIII"))
    found = []
    for index in range(min(count, MAX_HEADERS)):
        fields = layout.unpack_from(content, at + index * size)
        if wide:
            kind, flags, offset, address, _, size_bytes = fields
        else:
            kind, offset, address, _, size_bytes, _, flags = fields
        found.append(Segment(kind, flags, address, offset, size_bytes))
    return tuple(found)


def _sections(
    content: bytes, order: str, wide: bool, at: int, size: int, count: int, names_index: int
) -> dict[str, Section]:
    layout = struct.Struct(order + ("IIQQQQ" if wide else "IIIIII"))
    if not at or not count:
        return {}
    headers = [layout.unpack_from(content, at + index * size) for index in range(min(count, MAX_HEADERS))]
    if names_index >= len(headers):
        return {}
    names = content[headers[names_index][4] : headers[names_index][4] + headers[names_index][5]]
    found: dict[str, Section] = {}
    for name_at, kind, _, address, offset, size_bytes in headers:
        name = names[name_at : max(names.find(b"\0", name_at), name_at)].decode("latin-1")
        if kind != 8:  # NOBITS has nothing in the file
            found.setdefault(name, Section(name, address, offset, size_bytes))
    return found
