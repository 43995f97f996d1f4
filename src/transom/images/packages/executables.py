"""Programs and libraries: what they were built of, and what they are, where no package tells."""

from __future__ import annotations

from collections.abc import Iterator

from transom.images.packages import binaries, golang, notes, rust
from transom.images.packages.elf import MAGIC, read_elf
from transom.model.packages import Package


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the Go modules, the Rust crates, what it says of itself, and the well-known program of an ELF or PE file."""
    if content.startswith(MAGIC):
        elf = read_elf(content)
        yield from golang.of_elf(path, elf)
        yield from rust.of_elf(path, elf)
        yield from notes.of_elf(path, elf)
        yield from binaries.classified(path, content)
    elif content.startswith(b"MZ"):
        from transom.images.packages import dotnet

        yield from golang.of_windows(path, content)
        yield from dotnet.of_windows(path, content)
