"""Ubuntu's chiselled images: the manifest that Chisel leaves in place of dpkg's database (Chisel Manifest, jsonwall 1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.images.packages.sums import EXECUTABLE, SHA256, Sums, is_loaded, is_verified
from transom.images.packages.texts import MAX_PACKAGES, MAX_TEXT_BYTES, text
from transom.model.packages import Package, Place


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages that slices were cut of; the manifest tells no source package, which is sought by name then."""
    for entry in _entries(content):
        name, version = text(entry.get("name")), text(entry.get("version"))
        if entry.get("kind") == "package" and name and version:
            yield Package(
                "deb",
                name,
                version,
                arch=text(entry.get("arch")),
                source_name=name,
                places=(Place(path),),
                evidence="chisel",
            )


def sums(content: bytes) -> Iterator[Sums]:
    """Yield what the manifest says of the programs that slices brought, by package."""
    found: dict[str, dict[str, bytes]] = {}
    for entry in _entries(content):
        path, slices = text(entry.get("path")).lstrip("/"), entry.get("slices")
        digest = text(entry.get("final_sha256")) or text(entry.get("sha256"))
        if entry.get("kind") == "path" and digest and isinstance(slices, list) and slices and _is_program(path, entry):
            package = text(slices[0]).partition("_")[0]
            found.setdefault(package, {})[path] = bytes.fromhex(digest)
    for package, files in found.items():
        yield Sums(package, SHA256, files)


def _is_program(path: str, entry: dict[str, Any]) -> bool:
    mode = text(entry.get("mode"))
    executable = mode.startswith("0") and mode.isdecimal() and int(mode, 8) & EXECUTABLE
    return is_verified(path) and bool(executable or is_loaded(path))


def _entries(content: bytes) -> Iterator[dict[str, Any]]:
    import msgspec
    import zstandard

    try:
        with zstandard.ZstdDecompressor().stream_reader(content) as stream:
            plain = stream.read(MAX_TEXT_BYTES + 1)
        if len(plain) > MAX_TEXT_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_TEXT_BYTES // 2**20} MiB")
        for line in plain.splitlines()[: 10 * MAX_PACKAGES]:
            yield msgspec.json.decode(line, type=dict[str, Any])
    except (zstandard.ZstdError, msgspec.MsgspecError) as error:
        raise ValueError(f"no manifest of Chisel: {error}") from error
