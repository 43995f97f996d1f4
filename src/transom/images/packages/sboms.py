"""Bills of materials that lie in images: what whoever built them says is there."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from transom.images.sbom.reading import parse_bill
from transom.model.errors import TransomError
from transom.model.packages import Package, Place


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a CycloneDX or SPDX document; those that it names without a version tell nothing."""
    try:
        bill = parse_bill(content, path)
    except TransomError as error:
        raise ValueError(error.why) from error
    for package in bill.packages:
        if package.name and package.version:
            yield replace(package, places=(Place(path),), evidence="sbom", owner="")
