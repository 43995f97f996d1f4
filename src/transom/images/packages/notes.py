"""What a program says of itself: the package that it is of, and the bill that GraalVM builds in.

Package metadata for executables (`.note.package`, an ELF note of owner FDO, type 0xcafe1a7e) is how Fedora, Azure Linux and
systemd mark what they build, by the source package's name; it stays where a package database is gone.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from transom.images.packages.elf import Elf
from transom.images.packages.evidence import NOTE
from transom.images.packages.texts import json_object, text
from transom.model.packages import Package, Place

SECTION = ".note.package"
OWNER, KIND = b"FDO\0", 0xCAFE1A7E
KINDS = {"deb": "deb", "rpm": "rpm", "apk": "apk", "alpm": "alpm", "pacman": "alpm"}
MAX_BILL_BYTES = 64 * 1024 * 1024  # unpacked
MAX_SYMBOLS = 1_000_000


def of_elf(path: str, elf: Elf) -> Iterator[Package]:
    """Yield the package that a program says it is of, and what a native image was built of."""
    told = _note(elf)
    if told:
        fields = json_object(told.rstrip(b"\0"))
        kind = KINDS.get(text(fields.get("type")), "")
        name, version = text(fields.get("name")), text(fields.get("version"))
        if kind and name and version:
            namespace = text(fields.get("os")).lower()
            places = (Place(path),)
            arch = text(fields.get("architecture"))
            yield Package(kind, name, version, namespace, arch, name, version, places=places, evidence=NOTE)
    packed = _bill(elf)
    if packed:
        yield from _of_bill(path, packed)


def _note(elf: Elf) -> bytes:
    """Return the description of the note, b"" where there is none or it is another's."""
    section = elf.section(SECTION)
    if len(section) < 16:
        return b""
    owner_bytes, size, kind = struct.unpack_from(f"{elf.order}III", section)
    is_ours = section[12 : 12 + owner_bytes] == OWNER and kind == KIND
    return section[16 : 16 + size] if is_ours else b""


def _bill(elf: Elf) -> bytes:
    """Return the packed bill that the symbols `sbom` and `sbom_length` of a native image lead to."""
    found = {name: address for name, address in _symbols(elf) if name in (b"sbom", b"sbom_length")}
    if len(found) < 2:
        return b""
    size = int.from_bytes(elf.memory(found[b"sbom_length"], 8), "little" if elf.order == "<" else "big")
    return elf.memory(found[b"sbom"], min(size, MAX_BILL_BYTES))


def _symbols(elf: Elf) -> Iterator[tuple[bytes, int]]:
    """Yield name and address of each dynamic symbol, of a program of 64 bits that has the two at all."""
    names, table = elf.section(".dynstr"), elf.section(".dynsym")
    if elf.word_bytes != 8 or b"\0sbom_length\0" not in names:
        return
    for at in range(0, min(len(table), 24 * MAX_SYMBOLS) - 23, 24):
        name_at, _, _, _, address, _ = struct.unpack_from(f"{elf.order}IBBHQQ", table, at)
        yield names[name_at : names.find(b"\0", name_at)], address


def _of_bill(path: str, packed: bytes) -> Iterator[Package]:
    from transom.images.packages.sboms import read

    unpacker = zlib.decompressobj(31)  # gzip
    try:
        plain = unpacker.decompress(packed, MAX_BILL_BYTES)
    except zlib.error as error:
        raise ValueError(f"the bill in it is broken: {error}") from error
    yield from read(path, plain)
