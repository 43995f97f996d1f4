"""SPDX as lines of tags with values (SPDX 2.3, chapter 6): read into the shape that its JSON has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PACKAGE_TAGS = {
    "SPDXID": "SPDXID",
    "PackageVersion": "versionInfo",
    "PackageLicenseDeclared": "licenseDeclared",
    "PackageLicenseConcluded": "licenseConcluded",
}
"""Tags of a package, and the field of JSON that each is."""


def document_of(text: str) -> dict[str, Any]:
    """Return a document of tags with values as its JSON would be decoded; raises ValueError where a text never ends."""
    document: dict[str, Any] = {"packages": [], "relationships": [], "hasExtractedLicensingInfos": []}
    annotations: list[dict[str, str]] = []
    here: dict[str, Any] = document
    for tag, value in _pairs(text):
        if tag == "SPDXVersion":
            document["spdxVersion"] = value
        elif tag == "DocumentName":
            document["name"] = value
        elif tag == "PackageName":
            here = {"name": value, "externalRefs": [], "annotations": []}
            document["packages"].append(here)
        elif tag in ("FileName", "SnippetSPDXID"):
            here = {}
        elif tag == "LicenseID":
            here = {"licenseId": value}
            document["hasExtractedLicensingInfos"].append(here)
        elif tag == "LicenseName":
            here["name"] = value
        elif tag == "ExtractedText":
            here["extractedText"] = value
        elif tag in PACKAGE_TAGS:
            here[PACKAGE_TAGS[tag]] = value
        elif tag == "ExternalRef" and len(parts := value.split(None, 2)) == 3:
            here.setdefault("externalRefs", []).append({"referenceType": parts[1], "referenceLocator": parts[2]})
        elif tag == "Relationship" and len(parts := value.split()) == 3:
            related = {"spdxElementId": parts[0], "relationshipType": parts[1], "relatedSpdxElement": parts[2]}
            document["relationships"].append(related)
        elif tag == "Annotator":
            annotations.append({"annotator": value})
        elif annotations and tag in ("SPDXREF", "AnnotationComment"):
            annotations[-1][tag] = value
    _annotate(document, annotations)
    return document


def _annotate(document: dict[str, Any], annotations: list[dict[str, str]]) -> None:
    packages = {package.get("SPDXID"): package for package in document["packages"]}
    for each in annotations:
        package = packages.get(each.get("SPDXREF"))
        if package is not None:
            comment = each.get("AnnotationComment", "")
            package["annotations"].append({"annotator": each["annotator"], "comment": comment})


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    lines = iter(text.splitlines())
    for line in lines:
        tag, colon, value = line.partition(":")
        if not colon or line.startswith("#"):
            continue
        value = value.strip()
        if value.startswith("<text>"):
            pieces = [value.removeprefix("<text>")]
            while "</text>" not in pieces[-1]:
                following = next(lines, None)
                if following is None:
                    raise ValueError(f"the text of {tag} has no end")
                pieces.append(following)
            value = "\n".join(pieces).partition("</text>")[0]
        yield tag.strip(), value
