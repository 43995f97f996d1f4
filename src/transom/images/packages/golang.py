"""Go: the modules that a program was built of (debug/buildinfo), go.mod and go.sum."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from transom.images.packages.elf import LOADED, WRITABLE, Elf
from transom.images.packages.texts import MAX_PACKAGES, text_lines
from transom.model.packages import Package, Place

MAGIC = b"\xff Go buildinf:"
ALIGNMENT = 16
HEADER_BYTES = 32
MAX_INFO_BYTES = 16 * 1024 * 1024  # the modules of the largest programs take 200 kB
MAX_SEARCH_BYTES = 1024 * 1024  # of the data of a program without section names, as Go's own reader searches
SENTINEL_BYTES = 16
INLINE, BIG_ENDIAN = 2, 1

_VERSION = re.compile(r"v?(\d+\.\d+\.\d+[\w.+-]*)$")
_WORDS = re.compile(r"[\s'\"]+")
_REQUIRE = re.compile(r"^(?:require\s+)?(\S+)\s+(v\S+)\s*(?://.*)?$")
_REPLACE = re.compile(r"^(?:replace\s+)?(\S+)(?:\s+(v\S+))?\s+=>\s+(\S+)(?:\s+(v\S+))?\s*(?://.*)?$")


class Built(Struct, frozen=True):
    """What a Go program says of its making. version: of the toolchain, `go1.22.1`; modules: its lines, "" for none."""

    version: str
    modules: str


def of_elf(path: str, elf: Elf) -> Iterator[Package]:
    """Yield the modules of a Go program, its own first; nothing for other programs."""
    where = elf.section(".go.buildinfo")
    if not where:
        writable = [each for each in elf.segments if each.kind == LOADED and each.flags & WRITABLE]
        where = elf.memory(writable[0].address, MAX_SEARCH_BYTES) if writable else b""
    at = _aligned(where)
    if at < 0:
        return
    header = where[at:]
    if header[15:16] and header[15] & INLINE:
        yield from modules(path, _inline(header))
    else:
        yield from modules(path, _pointed(header, elf))


def of_windows(path: str, content: bytes) -> Iterator[Package]:
    """Yield the modules of a Go program for Windows, which has no section for them."""
    at = content.find(MAGIC)
    if at >= 0 and content[at + 15 : at + 16] and content[at + 15] & INLINE:
        yield from modules(path, _inline(content[at : at + MAX_INFO_BYTES]))


def _aligned(content: bytes) -> int:
    at = content.find(MAGIC)
    while at >= 0 and at % ALIGNMENT:
        at = content.find(MAGIC, at + 1)
    return at


def _inline(header: bytes) -> Built:
    """Return what follows the header: two strings, each behind its length as a varint (since Go 1.18)."""
    version, at = _string(header, HEADER_BYTES)
    lines, _ = _string(header, at)
    return _built(version, lines)


def _string(content: bytes, at: int) -> tuple[bytes, int]:
    size = shift = 0
    while at < len(content) and shift < 35:
        byte = content[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return content[at : at + min(size, MAX_INFO_BYTES)], at + size
    return b"", at


def _pointed(header: bytes, elf: Elf) -> Built:
    """Return what the header points to: two headers of Go strings, pointer and length (before Go 1.18)."""
    order = "big" if header[15:16] and header[15] & BIG_ENDIAN else "little"
    size = header[14] if header[14:15] else 0
    if size not in (4, 8):
        raise ValueError("its Go build information has no pointers of 4 or 8 bytes")

    def number(content: bytes) -> int:
        return int.from_bytes(content[:size], "big" if order == "big" else "little")

    found = []
    for place in (16, 16 + size):
        string = elf.memory(number(header[place:]), 2 * size)
        length = number(string[size:])
        found.append(elf.memory(number(string), min(length, MAX_INFO_BYTES)) if string else b"")
    return _built(*found)


def _built(version: bytes, lines: bytes) -> Built:
    if len(lines) > 2 * SENTINEL_BYTES and lines[-SENTINEL_BYTES - 1 : -SENTINEL_BYTES] == b"\n":
        lines = lines[SENTINEL_BYTES:-SENTINEL_BYTES]
    else:
        lines = b""
    return Built(version.decode("utf-8", "replace"), lines.decode("utf-8", "replace"))


def modules(path: str, built: Built) -> Iterator[Package]:
    """Yield the packages that build information tells: the program's module, what it needs, the standard library."""
    found: list[tuple[str, str]] = []
    settings: dict[str, str] = {}
    main = False
    for line in built.modules.splitlines()[:MAX_PACKAGES]:
        word, *rest = line.split("\t")
        if word in ("mod", "dep") and len(rest) >= 2:
            main = main or word == "mod"
            found.append((rest[0], rest[1]))
        elif word == "=>" and len(rest) >= 2 and found:
            found[-1] = _replaced(found[-1], (rest[0], rest[1]))
        elif word == "build" and rest:
            key, _, value = rest[0].partition("=")
            settings[key] = value
    if main and found and found[0][1] in ("", "(devel)"):
        found[0] = (found[0][0], _version_of_main(settings))
    for number, (name, version) in enumerate(found):
        yield module(path, name, version, "go-main" if main and not number else "go-buildinfo")
    if built.version.startswith("go"):
        yield module(path, "stdlib", built.version.removeprefix("go").split(" ")[0], "go-buildinfo")


def _replaced(module: tuple[str, str], by: tuple[str, str]) -> tuple[str, str]:
    """Return a module for which another stands; a folder has no version, so the name of what it replaces says more."""
    return module if by[0].startswith((".", "/")) else by


def _version_of_main(settings: dict[str, str]) -> str:
    """Return the version of a program built from a checkout: what the linker was told, else the commit's."""
    for word in _WORDS.split(settings.get("-ldflags", "").replace("\\", "")):
        name, _, value = word.partition("=")
        linked = _VERSION.match(value)
        if linked and "version" in name.rpartition(".")[2].lower():
            return "v" + linked[1]
    digits = re.sub(r"\D", "", settings.get("vcs.time", ""))[:14]
    revision = settings.get("vcs.revision", "")
    return f"v0.0.0-{digits}-{revision[:12]}" if len(digits) == 14 and revision else ""


def module(path: str, name: str, version: str, evidence: str, line: int = 0) -> Package:
    """Return the package of a module; its path but for the last step is the purl's namespace."""
    namespace, _, last = name.rpartition("/")
    return Package("golang", last, version, namespace, places=(Place(path, line=line),), evidence=evidence)


def read_mod(path: str, content: bytes) -> Iterator[Package]:
    """Yield the modules that a go.mod requires, after its replacements (Go Modules Reference)."""
    required: dict[str, tuple[str, int]] = {}
    replaced: dict[tuple[str, str], tuple[str, str]] = {}
    block = ""
    for number, line in text_lines(content):
        line = line.strip()
        if line == ")":
            block = ""
            continue
        word = line.split(None, 1)[0] if line else ""
        if line.endswith("("):
            block = word
        elif (block or word) == "require" and (match := _REQUIRE.match(line)):
            required[match[1].strip('"')] = (match[2], number)
        elif (block or word) == "replace" and (change := _REPLACE.match(line)):
            replaced[change[1], change[2] or ""] = (change[3], change[4] or "")
    for name, (version, number) in required.items():
        by = replaced.get((name, version)) or replaced.get((name, "")) or (name, version)
        yield module(path, *_replaced((name, version), by), "go.mod", number)


def read_sum(path: str, content: bytes) -> Iterator[Package]:
    """Yield the modules of a go.sum whose content was downloaded; those of which only go.mod was, are not built in."""
    for number, line in text_lines(content):
        words = line.split()
        if len(words) == 3 and not words[1].endswith("/go.mod"):
            yield module(path, words[0], words[1], "go.sum", number)
