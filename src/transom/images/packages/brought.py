"""Every file that OS packages brought, and its digest, as their lists tell: of dpkg, apk and RPM.

`sums` tells the same of programs only, which is what is held against them; this is for whoever asks of any file whether it is
still as its package has it.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Iterator

MAX_LIST_BYTES = 128 * 1024 * 1024  # of a database of RPM; those of public images have up to 80 MB
MD5_HEX = 32
_LISTS = re.compile(
    r"(?:^|/)(?:var/lib/dpkg/(?:info|status\.d)/[^/]+\.md5sums|lib/apk/db/installed|rpmdb\.sqlite|rpm/Packages(?:\.db)?)$"
)
_ENDS = (".md5sums", "/installed", "/rpmdb.sqlite", "/Packages", "/Packages.db")


def is_list(path: str) -> bool:
    """Tell whether a file is such a list."""
    return path.endswith(_ENDS) and _LISTS.search(path) is not None


def told(path: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a list and the digest of each, of whatever algorithm; what cannot be read is left out."""
    found = _of_md5sums(content) if path.endswith(".md5sums") else None
    if path.endswith("/installed"):
        found = _of_apk(content)
    for file, digest in found if found is not None else _of_rpm(path, content):
        yield file.decode("utf-8", "surrogateescape"), digest


def _of_md5sums(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield what each line says: the digest in hexadecimal, two spaces, the path (deb-md5sums(5))."""
    for line in content.split(b"\n"):
        digest = _of_hex(line[:MD5_HEX])
        if digest:
            yield line[MD5_HEX + 2 :].removeprefix(b"./"), digest


def _of_apk(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield what apk's database says: F a folder, R a file in it, Z `Q1` and its SHA-1, or `Q2` and its SHA-256."""
    folder = file = b""
    for line in content.split(b"\n"):
        field, value = line[:2], line[2:]
        if field == b"F:":
            folder = value
        elif field == b"R:":
            file = folder + b"/" + value if folder else value
        elif field == b"Z:":
            try:
                yield file, a2b_base64(value[2:])
            except Error:
                continue


def _of_rpm(path: str, content: bytes) -> Iterator[tuple[bytes, bytes]]:
    from transom.images.packages import berkeley, ndb
    from transom.images.packages.owned import listed
    from transom.images.packages.rpm import sqlite_blobs

    blobs = {"rpmdb.sqlite": sqlite_blobs, "Packages": berkeley.values, "Packages.db": ndb.blobs}
    try:
        for blob in blobs[path.rpartition("/")[2]](content):
            header = listed(blob)
            yield from zip(header.paths, map(_of_hex, header.digests), strict=False)
    except ValueError:
        return  # whoever reads its packages tells that it is broken


def _of_hex(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii", "replace"))
    except ValueError:
        return b""
