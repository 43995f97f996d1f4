"""One pass over a layer: every header looked at once, few files read, nothing written."""

from __future__ import annotations

import re
from typing import BinaryIO

from transom.images.layers.record import LayerRecord, Special, Unread
from transom.images.layers.streams import Hashing, unpacked
from transom.images.layers.tar import Entry, TarError, TarReader
from transom.images.packages import Selection, Selector, reader
from transom.registry.blobs import Layer

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
SETUID_SETGID = 0o6000
EXECUTABLE = 0o111
CAPABILITY = "security.capability"
MAX_TEXT_BYTES = 64 * 1024  # an os-release has some hundred bytes
MAX_LIST_BYTES = 16 * 1024 * 1024  # the files of one package, one a line
TEXTS = frozenset(
    (
        "etc/os-release",
        "usr/lib/os-release",
        "etc/passwd",
        "etc/group",
        "etc/debian_version",
        "etc/alpine-release",
        "etc/redhat-release",
        "etc/apt/sources.list",
        "etc/apk/repositories",
    )
)
"""Small files that say what the system is."""

_OWNED_LIST = re.compile(r"(?:^|/)var/lib/dpkg/info/[^/]+\.list$")
_OWNABLE = re.compile(
    rb"(?:-info/METADATA|-info/PKG-INFO|\.egg-info|/package\.json|/release|/DESCRIPTION|/installed\.json"
    rb"|\.(?:egg|jar|war|gemspec|rockspec|dll|exe|ko|deps\.json)|/vmlinuz-[^/]+|/lib[^/]+\.so[.\d]*"
    rb"|/s?bin/[^/]+|/lib(?:exec)?/(?:[^/]+/)*[^/.]+)$"
)
"""Files by which other ecosystems tell of packages that an OS package may own."""


def read_layer(layer: Layer, stream: BinaryIO, selection: Selection) -> LayerRecord:
    """Return the record of a layer; what could not be read is in it, with its reason, and never raises.

    The stored bytes are held to the layer's digest, the unpacked ones to its diff-ID.
    """
    record = LayerRecord(layer.diff_id)
    stored = Hashing(stream)
    try:
        plain = Hashing(unpacked(stored))
        tar = TarReader(plain)
        for entry in tar:
            record.entries += 1
            record.size_bytes += entry.size_bytes
            _note(record, entry, tar, selection)
        plain.drain()
        stored.drain()
        record.unread += _lies(layer, stored, plain)
    except (TarError, OSError, EOFError, ValueError, _unpacking_errors()) as error:
        record.unread.append(Unread("", f"the layer breaks off after {record.entries:,} entries: {error}"))
    record.complete = not any(not each.path for each in record.unread)
    return record


def _unpacking_errors() -> type[Exception]:
    import zstandard

    return zstandard.ZstdError


def _lies(layer: Layer, stored: Hashing, plain: Hashing) -> list[Unread]:
    found = []
    if layer.descriptor.size and stored.digest != layer.descriptor.digest:
        found.append(Unread("", f"its digest is {stored.digest}, not {layer.descriptor.digest}"))
    if plain.digest != layer.diff_id:
        found.append(Unread("", f"its diff-ID is {plain.digest}, not {layer.diff_id}"))
    return found


def _note(record: LayerRecord, entry: Entry, tar: TarReader, selection: Selection) -> None:
    path, kind = entry.path, entry.kind
    folder, _, name = path.rpartition("/")
    if name.startswith(WHITEOUT):
        if name == OPAQUE:
            record.opaque.append(folder)
        else:
            taken = name.removeprefix(WHITEOUT)
            record.whiteouts.append(f"{folder}/{taken}" if folder else taken)
        return
    if kind == "file":
        _note_file(record, entry, tar, selection)
    elif kind == "symlink":
        record.links[path] = entry.link
    elif kind == "hardlink" and (selection.of(path, bool(entry.mode & EXECUTABLE)) or path in TEXTS):
        record.hardlinks[path] = entry.link
    if entry.mode & SETUID_SETGID and kind in ("file", "hardlink"):
        record.specials.append(Special(path, entry.mode, entry.uid, entry.gid))
    elif entry.xattrs and CAPABILITY in entry.xattrs:
        capabilities = entry.xattrs[CAPABILITY].hex()
        record.specials.append(Special(path, entry.mode, entry.uid, entry.gid, capabilities))


def _note_file(record: LayerRecord, entry: Entry, tar: TarReader, selection: Selection) -> None:
    path = entry.path
    selector = selection.of(path, bool(entry.mode & EXECUTABLE))
    if selector is not None:
        record.packages[path] = []
        _note_packages(record, entry, tar, selector)
    elif path in TEXTS:
        record.texts[path] = tar.content(MAX_TEXT_BYTES)
    elif path.endswith(".list") and _OWNED_LIST.search(path) and entry.size_bytes <= MAX_LIST_BYTES:
        lines = [line for line in tar.content().split(b"\n") if _OWNABLE.search(line)]
        if lines:
            record.owned[path] = [line.decode("utf-8", "surrogateescape").lstrip("/") for line in lines]


def _note_packages(record: LayerRecord, entry: Entry, tar: TarReader, selector: Selector) -> None:
    """Note what a selected file tells, as far as it can be read."""
    path = entry.path
    head = tar.content(4) if selector.magics else b""
    if selector.magics and not head.startswith(selector.magics):
        return
    if entry.size_bytes > selector.limit_bytes:
        record.unread.append(Unread(path, f"it is larger than {selector.limit_bytes // 2**20} MiB"))
        return
    try:
        for package in reader(selector.reader)(path, head + tar.content()):
            record.packages[path].append(package)
    except (ValueError, RecursionError) as error:
        record.unread.append(Unread(path, f"it cannot be read: {error}"))
