"""Rust: what cargo-auditable leaves in a program, and Cargo.lock."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from transom.images.packages.elf import Elf
from transom.images.packages.texts import Lines, json_object, tables, text, toml_table
from transom.model.packages import Package, Place

SECTION = ".dep-v0"
MAX_INFO_BYTES = 8 * 1024 * 1024  # the limit of cargo-auditable's own reader


def of_elf(path: str, elf: Elf) -> Iterator[Package]:
    """Yield the crates that a program was built of; raises ValueError for a list that is broken."""
    packed = elf.section(SECTION)
    if not packed:
        return
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(packed, MAX_INFO_BYTES)
    except zlib.error as error:
        raise ValueError(f"its list of crates is broken: {error}") from error
    if unpacker.unconsumed_tail:
        raise ValueError(f"its list of crates is larger than {MAX_INFO_BYTES // 2**20} MiB")
    for crate in tables(json_object(plain).get("packages")):
        name, version = text(crate.get("name")), text(crate.get("version"))
        if name and version:
            development = text(crate.get("kind")) == "build"
            yield Package(
                "cargo", name, version, places=(Place(path),), development=development, evidence="cargo-auditable"
            )


def read_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the crates of a Cargo.lock."""
    lines = Lines(content)
    for crate in tables(toml_table(content).get("package")):
        name, version = text(crate.get("name")), text(crate.get("version"))
        line = lines.of(f'name = "{name}"')
        if name and version:
            yield Package("cargo", name, version, places=(Place(path, line=line),), evidence="Cargo.lock")
