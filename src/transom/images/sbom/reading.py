"""A bill of materials that somebody wrote: which format it is, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from transom.images.sbom import cyclonedx, spdx
from transom.images.sbom.bill import MAX_BILL_BYTES
from transom.model.errors import TransomError
from transom.model.packages import Bill

NEXT_STEP = "give CycloneDX (1.2 to 1.6, JSON or XML) or SPDX (2.2 or 2.3, JSON or tags)"


def read_bill(path: str) -> Bill:
    """Return the bill in a file; raises TransomError."""
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_BILL_BYTES + 1)
    except OSError as error:
        raise TransomError(f"cannot read {path}", error.strerror or str(error), "check the path") from error
    if len(content) > MAX_BILL_BYTES:
        raise TransomError(f"cannot read {path}", f"it is larger than {MAX_BILL_BYTES // 2**20} MiB", "split it")
    return parse_bill(content, path)


def parse_bill(content: bytes, where: str) -> Bill:
    """Return the bill that bytes are, in whichever format; raises TransomError. where: what messages call it."""
    try:
        document = _document(content)
    except (ValueError, RecursionError) as error:
        raise TransomError(f"cannot read {where}", f"it is no bill of materials: {error}", NEXT_STEP) from error
    if "spdxVersion" in document:
        return spdx.read(document, where)
    if document.get("bomFormat") == "CycloneDX" or "specVersion" in document:
        return cyclonedx.read(document, where)
    raise TransomError(f"cannot read {where}", "it is no bill of materials", NEXT_STEP)


def _document(content: bytes) -> dict[str, Any]:
    """Return a document as its JSON is decoded; raises ValueError."""
    plain = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if plain.startswith(b"<"):
        from transom.images.sbom.xml import document_of

        return document_of(plain)
    if plain.startswith(b"{"):
        found: dict[str, Any] = msgspec.json.decode(plain, type=dict[str, Any])
        return found
    from transom.images.sbom.tags import document_of as document_of_tags

    document = document_of_tags(plain.decode("utf-8", "replace"))
    return document if "spdxVersion" in document else {}
