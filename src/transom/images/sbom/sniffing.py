"""Whether a file is a bill of materials: told by the words that only such a document begins with, wherever they stand."""

from __future__ import annotations

import re
from pathlib import Path

from transom.images.sbom.bill import MAX_BILL_BYTES

_MARK = re.compile(rb'(?<!\\)"(?:bomFormat|spdxVersion)"\s*:|<(?:\w+:)?bom\s[^>]*cyclonedx|^SPDXVersion:', re.MULTILINE)
"""Fields that each JSON bill has, the root of an XML one, the first line of tags; never as a text within a text."""


def is_bill(path: str) -> bool:
    """Tell whether a file is a bill of materials; False for what cannot be read, which whoever reads it will tell."""
    try:
        with Path(path).open("rb") as stream:
            return bool(_MARK.search(stream.read(MAX_BILL_BYTES)))
    except OSError:
        return False
