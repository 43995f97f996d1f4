"""Licences of Debian packages, as their copyright files tell them (DEP-5), in SPDX's names where these are known."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_LICENCES = 100  # of one package; the kernel's headers have about thirty
MAX_NAME_CHARS = 200
_STATED = re.compile(rb"^License:[ \t]*(\S[^\n]*)", re.MULTILINE)
_COMMON = re.compile(rb"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])")
_WORD = re.compile(r"\s+(and|or|with)\s+|,\s*(?:(and|or)\s+)?", re.IGNORECASE)
_GNU = re.compile(r"(A?GPL|LGPL|GFDL)(-NIV)?-?v?(\d)(?:\.(\d))?(?:\.\d)?(\+)?\Z", re.IGNORECASE)
NAMES = {
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-2": "Artistic-2.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-4-clause": "BSD-4-Clause",
    "expat": "MIT",
    "mit/x11": "MIT",
    "mpl-1.1": "MPL-1.1",
    "mpl-2": "MPL-2.0",
    "psf-2": "PSF-2.0",
    "unicode": "Unicode-DFS-2016",
    "zlib/libpng": "Zlib",
}
"""Names of Debian's that SPDX has others for."""


def licences(content: bytes) -> list[str]:
    """Return the licences that a copyright file tells, each once, in the order of their names."""
    stated = _STATED.findall(content) if b"Format:" in content[:2000] else _COMMON.findall(content)
    found = {_named(each.decode("utf-8", "replace").strip()[:MAX_NAME_CHARS]) for each in stated[: 100 * MAX_LICENCES]}
    return sorted(found)[:MAX_LICENCES]


def _named(text: str) -> str:
    """Return a licence as SPDX writes it: `GPL-2+ or Artistic` is `GPL-2.0-or-later OR Artistic-1.0-Perl`."""
    return "".join(_parts(text))


def _parts(text: str) -> Iterator[str]:
    start = 0
    for match in _WORD.finditer(text):
        yield _name(text[start : match.start()])
        yield f" {(match[1] or match[2] or 'and').upper()} "
        start = match.end()
    yield _name(text[start:])


def _name(text: str) -> str:
    match = _GNU.match(text)
    if match:
        family, free, major, minor, later = match.groups()
        middle = "-no-invariants" if free else ""
        return f"{family.upper()}-{major}.{minor or 0}{middle}-{'or-later' if later else 'only'}"
    return NAMES.get(text.lower(), text)
