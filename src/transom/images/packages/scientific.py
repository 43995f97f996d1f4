"""Julia, OCaml and Prolog: Manifest.toml, opam's switches, packs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import Lines, table, tables, text, toml_table
from transom.model.packages import Package, Place

MAX_PACK_BYTES = 256 * 1024
_SWITCH = re.compile(r"\.opam-switch/packages/(?P<name>[^/.]+)\.(?P<version>[^/]+)/opam$")
_OPAM_LICENCE = re.compile(rb'^license:\s*"([^"]+)"', re.MULTILINE)
_PACK = re.compile(rb"^(name|version)\(\s*'?([^'\s)]+)'?\s*\)\.", re.MULTILINE)


def read_julia(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a Manifest.toml; in format 2 they stand below `deps`, those of Julia itself have no version."""
    document, lines = toml_table(content), Lines(content)
    for name, entries in (table(document.get("deps")) or document).items():
        line = lines.of(f"{name}]]")
        for entry in tables(entries):
            version = text(entry.get("version"))
            if version:
                yield Package("julia", name, version, places=(Place(path, line=line),), evidence="Manifest.toml")


def read_opam(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of an opam file that a switch keeps for what is installed; its folder says which."""
    match = _SWITCH.search(path)
    if match:
        licences = tuple(each.decode("utf-8", "replace") for each in _OPAM_LICENCE.findall(content))
        yield Package(
            "opam", match["name"], match["version"], licences=licences, places=(Place(path),), evidence="opam"
        )


def read_pack(path: str, content: bytes) -> Iterator[Package]:
    """Yield the pack of a pack.pl of SWI-Prolog."""
    fields = {match[1]: match[2].decode("utf-8", "replace") for match in _PACK.finditer(content[:MAX_PACK_BYTES])}
    if b"name" in fields and b"version" in fields:
        yield Package("swiplpack", fields[b"name"], fields[b"version"], places=(Place(path),), evidence="pack.pl")
