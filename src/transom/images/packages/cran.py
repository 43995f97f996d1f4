"""R: the DESCRIPTION of an installed package (Writing R Extensions, 1.1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from transom.images.packages.control import paragraphs
from transom.model.packages import Package, Place

WANTED = frozenset(("package", "version", "license"))


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of a DESCRIPTION file."""
    for fields in paragraphs(content, WANTED):
        if fields.get("package") and fields.get("version"):
            licence = fields.get("license", "")
            yield Package(
                "cran",
                fields["package"],
                fields["version"],
                licences=(licence,) if licence else (),
                places=(Place(path),),
                evidence="DESCRIPTION",
            )
        return
