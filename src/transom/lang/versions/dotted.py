"""Versions that are numbers and nothing else: R packages (CRAN), Haskell packages (Hackage). The longer is the greater."""

from __future__ import annotations

import re

from transom.lang.versions.keys import bounded, number
from transom.lang.versions.semver import VersionError

END, NUMBER = b"\1", b"\2"
_VERSION = re.compile(r"[0-9]+(?:[.-][0-9]+)*\Z", re.ASCII)


def order_key(version: str) -> bytes:
    """Return the key of a version; raises VersionError."""
    text = bounded(version)
    if not _VERSION.match(text):
        raise VersionError(f"{version!r} is no version")
    return b"".join(NUMBER + number(digits) for digits in re.split(r"[.-]", text)) + END
