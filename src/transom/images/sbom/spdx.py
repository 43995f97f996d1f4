"""SPDX: version 2.3 as JSON out; 2.2 and 2.3 in, as JSON and as tags with values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from transom import __version__
from transom.images.sbom.bill import MAX_PACKAGES, identifier, package_of, sha1_of, told
from transom.images.sbom.cpe import cpes
from transom.images.sbom.licences import canonical, expression
from transom.images.sbom.purl import purl
from transom.kube.reading import map_at, maps_at, text_at, texts_at
from transom.model.errors import TransomError
from transom.model.packages import Bill, Package

VERSIONS = ("SPDX-2.2", "SPDX-2.3")
DOCUMENT, ROOT = "SPDXRef-DOCUMENT", "SPDXRef-Root"
NONE = "NOASSERTION"
TOOL = f"Tool: transom-{__version__}"
EPOCH = "1970-01-01T00:00:00Z"  # where nothing tells a time: the format asks for one
_NO_ID = re.compile(r"[^A-Za-z0-9.-]+")


def write(bill: Bill, made_at: str) -> bytes:
    """Return a bill as SPDX 2.3 JSON, the same bytes for the same bill. made_at: ISO 8601, "" for the epoch."""
    made_at = made_at or EPOCH
    layers = dict(bill.layers)
    packages = [_package(package, layers, made_at) for package in bill.packages]
    _number(packages)
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name,
        "creationInfo": {"created": made_at, "creators": [TOOL]},
        "packages": [_root(bill, made_at), *packages],
        "relationships": [
            _related(DOCUMENT, "DESCRIBES", ROOT),
            *(_related(ROOT, "CONTAINS", each["SPDXID"]) for each in packages),
        ],
    }
    extracted = _extracted(bill)
    if extracted:
        document["hasExtractedLicensingInfos"] = extracted
    unique = identifier(msgspec.json.encode([bill, __version__]))
    document["documentNamespace"] = f"https://transom.dev/spdx/{quote(bill.name, safe='')}-{unique}"
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _related(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _root(bill: Bill, made_at: str) -> dict[str, Any]:
    more = {"platform": bill.platform, "distro": bill.distro, "created": bill.created, "base": bill.base}
    more |= {"index": bill.index_digest}
    root = _plain(ROOT, bill.name, bill.digest)
    root["primaryPackagePurpose"] = "CONTAINER" if bill.digest else "APPLICATION"
    if bill.digest.startswith("sha256:"):
        root["checksums"] = [{"algorithm": "SHA256", "checksumValue": bill.digest.removeprefix("sha256:")}]
    fields: dict[str, Any] = {key: value for key, value in more.items() if value}
    if bill.base_layers:
        fields["baseLayers"] = bill.base_layers
    if bill.layers:
        fields["layers"] = [list(each) for each in bill.layers]
    return root | _annotated(fields, made_at)


def _plain(identity: str, name: str, version: str) -> dict[str, Any]:
    package = {"SPDXID": identity, "name": name, "downloadLocation": NONE, "filesAnalyzed": False}
    package |= {"licenseConcluded": NONE, "licenseDeclared": NONE, "copyrightText": NONE}
    return package | ({"versionInfo": version} if version else {})


def _annotated(fields: dict[str, Any], made_at: str) -> dict[str, Any]:
    """Return what the format has no field for, as an annotation of ours."""
    if not fields:
        return {}
    comment = msgspec.json.encode(fields).decode()
    return {
        "annotations": [
            {"annotationDate": made_at, "annotationType": "OTHER", "annotator": TOOL, "comment": comment},
        ]
    }


def _package(package: Package, layers: dict[str, str], made_at: str) -> dict[str, Any]:
    address = purl(package)
    made = _plain(_identity(package.kind, package.name, address), package.name, package.version)
    made["licenseDeclared"] = _declared(package) or NONE
    made["externalRefs"] = [_reference("PACKAGE-MANAGER", "purl", address)]
    made["externalRefs"] += [_reference("SECURITY", "cpe23Type", each) for each in cpes(package)]
    if package.sha1:
        made["checksums"] = [{"algorithm": "SHA1", "checksumValue": package.sha1}]
    if package.places:
        made["sourceInfo"] = f"told by {package.places[0].path}"
    fields: dict[str, Any] = {key: value for key, value in told(package, layers) if value}
    if package.cpes:
        fields["cpes"] = list(package.cpes)
    if package.licences:
        fields["licences"] = list(package.licences)
    return made | _annotated(fields, made_at)


def _reference(category: str, kind: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}


def _identity(kind: str, name: str, address: str) -> str:
    return f"SPDXRef-{kind}-{_NO_ID.sub('-', name)[:80]}-{sha256(address.encode()).hexdigest()[:12]}"


def _number(packages: list[dict[str, Any]]) -> None:
    """Make identifiers unique."""
    seen: dict[str, int] = {}
    for package in packages:
        identity = package["SPDXID"]
        count = seen[identity] = seen.get(identity, 0) + 1
        if count > 1:
            package["SPDXID"] = f"{identity}-{count}"


def _declared(package: Package) -> str:
    """Return the licences as an expression; what the list does not know is named by a reference to its text."""
    if not package.licences:
        return ""
    return expression(canonical(each) or _own(each) for each in package.licences)


def _own(licence: str) -> str:
    return f"LicenseRef-{_NO_ID.sub('-', licence)[:60].strip('-') or 'text'}-{sha256(licence.encode()).hexdigest()[:8]}"


def _extracted(bill: Bill) -> list[dict[str, str]]:
    unknown = {each for package in bill.packages for each in package.licences if not canonical(each)}
    found = {_own(each): each for each in unknown}
    found |= {
        own: own
        for package in bill.packages
        for each in package.licences
        for own in re.findall(r"LicenseRef-[A-Za-z0-9.-]+", canonical(each))
    }
    return [{"licenseId": key, "extractedText": found[key], "name": found[key]} for key in sorted(found)]


def read(document: dict[str, Any], where: str) -> Bill:
    """Return the bill of a decoded document; raises TransomError for what is none."""
    version = text_at(document, "spdxVersion")
    if version not in VERSIONS:
        raise TransomError(f"cannot read {where}", f"it is of version {version[:20]!r}", f"write it as {VERSIONS[-1]}")
    packages = [package for _, package in maps_at(document, "packages")]
    if len(packages) > MAX_PACKAGES:
        raise TransomError(f"cannot read {where}", f"it has more than {MAX_PACKAGES:,} packages", "split it")
    texts = {
        text_at(each, "licenseId"): text_at(each, "name") or text_at(each, "extractedText")
        for _, each in maps_at(document, "hasExtractedLicensingInfos")
    }
    root = _described(document, packages)
    found = tuple(_read_package(package, texts) for package in packages if package is not root)
    return replace(_bill(root or {}, text_at(document, "name") or where), packages=found)


def _described(document: dict[str, Any], packages: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the package that the document is of: the only one that it describes, where there are others."""
    described = {each for each in document.get("documentDescribes") or () if isinstance(each, str)}
    for _, each in maps_at(document, "relationships"):
        if text_at(each, "relationshipType") == "DESCRIBES" and text_at(each, "spdxElementId") == DOCUMENT:
            described.add(text_at(each, "relatedSpdxElement"))
    found = [package for package in packages if text_at(package, "SPDXID") in described]
    return found[0] if len(found) == 1 and (len(packages) > 1 or not _address(found[0])) else None


def _bill(root: dict[str, Any], name: str) -> Bill:
    fields = _annotation(root)
    version = text_at(root, "versionInfo")
    base_layers = fields.get("baseLayers")
    layers = [each for each in fields.get("layers") or () if isinstance(each, list) and len(each) == 2]
    return Bill(
        text_at(root, "name") or name,
        (),
        version if version.startswith("sha256:") else "",
        text_at(fields, "platform"),
        text_at(fields, "distro"),
        text_at(fields, "created"),
        text_at(fields, "base"),
        tuple((str(diff_id), str(instruction)) for diff_id, instruction in layers),
        base_layers=base_layers if isinstance(base_layers, int) else 0,
        index_digest=text_at(fields, "index"),
    )


def _annotation(package: dict[str, Any]) -> dict[str, Any]:
    """Return what an annotation of ours tells; those of others are text for people."""
    for _, each in maps_at(package, "annotations"):
        if text_at(each, "annotator").startswith("Tool: transom-"):
            try:
                return map_at(msgspec.json.decode(text_at(each, "comment")))
            except (msgspec.DecodeError, RecursionError):
                continue
    return {}


def _address(package: dict[str, Any]) -> str:
    return next(iter(_references(package, "purl")), "")


def _references(package: dict[str, Any], kind: str) -> Iterator[str]:
    for _, each in maps_at(package, "externalRefs"):
        if text_at(each, "referenceType").rpartition("/")[2] == kind:
            yield text_at(each, "referenceLocator")


def _read_package(package: dict[str, Any], texts: dict[str, str]) -> Package:
    fields = _annotation(package)
    name, version = text_at(package, "name"), text_at(package, "versionInfo")
    made = package_of(_address(package), name, version, "", texts_at(fields).items())
    licences = fields.get("licences") or list(_read_licences(package, texts))
    named = fields.get("cpes") or [each for each in _references(package, "cpe23Type") if each not in cpes(made)]
    checksums = [text_at(each, "checksumValue") for _, each in maps_at(package, "checksums") if _is_sha1(each)]
    return replace(made, licences=_words(licences), cpes=_words(named), sha1=sha1_of(checksums))


def _is_sha1(checksum: dict[str, Any]) -> bool:
    return text_at(checksum, "algorithm") == "SHA1"


def _read_licences(package: dict[str, Any], texts: dict[str, str]) -> Iterator[str]:
    for field in ("licenseDeclared", "licenseConcluded"):
        found = text_at(package, field)
        if found not in ("", NONE, "NONE"):
            yield texts.get(found) or found
            return


def _words(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
