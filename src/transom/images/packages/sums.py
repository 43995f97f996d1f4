"""What OS packages say their files hold: dpkg's md5sums and apk's checksums; those of RPM in `rpm_sums`.

Only what may be run, loaded or started is told (`is_verified`): settings are meant to be changed, documents are left out of
many images, and hashing all of a system would cost more than reading its packages.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Iterator

from msgspec import Struct

MD5, SHA1, SHA256 = "md5", "sha1", "sha256"
ALGORITHMS = frozenset((MD5, SHA1, SHA256))
EXECUTABLE = 0o111
_BYTES = {16: MD5, 20: SHA1, 32: SHA256}

_MD5SUMS = re.compile(rb"^([0-9a-f]{32})  (?:\./)?([^\n]+)$", re.MULTILINE)
_LIST = re.compile(r"(?:^|/)var/lib/dpkg/(?:info|status\.d)/([^/:]+)(?::[^/]+)?\.md5sums$")
_PLACE = re.compile(r"(?:usr/(?!local/|share/(?:doc|man|info|locale)/|src/)|s?bin/|lib(?:x?32|64|exec)?/)")
_LOADED = re.compile(r"\.(?:so(?:\.[\d.]+)?|jar|ko)$")


class Sums(Struct, frozen=True, omit_defaults=True):
    """What one package says of its files. files: the digest that each must have, by path.

    awaited: the same of files that the layer of the list does not bring.
    """

    package: str
    algorithm: str
    files: dict[str, bytes] = {}
    awaited: dict[str, bytes] = {}


def is_verified(path: str) -> bool:
    """Tell whether a file lies where packages bring programs and libraries: never below /usr/local, /opt or /home."""
    return _PLACE.match(path) is not None


def is_loaded(path: str) -> bool:
    """Tell whether a file is code that needs no right to be executed: a library, a kernel's module, an archive of Java."""
    return _LOADED.search(path) is not None


def package_of(path: str) -> str:
    """Return the package whose list of sums lies at a path, "" for another file."""
    match = _LIST.search(path)
    return match[1] if match else ""


def of_md5sums(package: str, content: bytes) -> Sums:
    """Return what a package's list says, as md5sum writes it (deb-md5sums(5))."""
    found = ((_text(path), bytes.fromhex(told.decode())) for told, path in _MD5SUMS.findall(content))
    return Sums(package, MD5, {path: digest for path, digest in found if is_verified(path)})


def of_apk(content: bytes) -> Iterator[Sums]:
    """Yield what apk's `installed` says: F a folder, R a file in it, a its rights, Z `Q1` and its SHA-1, or `Q2` and its SHA-256."""
    name, folder, file, mode = "", "", "", 0
    files: dict[str, dict[str, bytes]] = {}
    for line in content.decode("utf-8", "surrogateescape").split("\n"):
        field, value = line[:2], line[2:]
        if field == "P:":
            yield from each_of(name, files)
            name, folder, file, files = value, "", "", {}
        elif field == "F:":
            folder = value
        elif field == "R:":
            file, mode = f"{folder}/{value}", 0o755  # what says nothing of its rights may be anything
        elif field == "a:":
            mode = int(value.rpartition(":")[2], 8) if re.fullmatch(r"\d+:\d+:[0-7]+", value) else mode
        elif field == "Z:" and file and is_verified(file) and (mode & EXECUTABLE or is_loaded(file)):
            put(files, file, _unpacked(value[2:]))
    yield from each_of(name, files)


def _unpacked(digest: str) -> bytes:
    try:
        return a2b_base64(digest, strict_mode=True)
    except Error:
        return b""


def put(files: dict[str, dict[str, bytes]], path: str, digest: bytes, algorithm: str = "") -> None:
    """Add a digest to those of its algorithm, which its length tells; algorithm: what it must be, "" for any."""
    by = _BYTES.get(len(digest), "")
    if by and algorithm in ("", by):
        files.setdefault(by, {})[path] = digest


def each_of(package: str, files: dict[str, dict[str, bytes]]) -> Iterator[Sums]:
    """Yield what a package says, once for each algorithm."""
    for algorithm, told in files.items():
        yield Sums(package, algorithm, told)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
