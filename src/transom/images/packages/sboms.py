"""Bills of materials that lie in images: what whoever built them says is there."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from transom.images.packages.texts import json_object, tables, text
from transom.images.sbom.purl import parse_purl
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


def read_syft(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a bill in Syft's own format, by their package URLs."""
    for artifact in tables(json_object(content).get("artifacts")):
        try:
            package = parse_purl(text(artifact.get("purl")))
        except ValueError:
            continue  # what it could not name either
        if package.version:
            yield replace(package, places=(Place(path),), evidence="sbom")
