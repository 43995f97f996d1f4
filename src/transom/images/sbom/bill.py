"""A bill of materials, whoever wrote it: what it is of, and the packages in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from msgspec.structs import replace

from transom.images.history import without_arguments
from transom.images.inspection import Inspection
from transom.images.sbom.purl import SYSTEM, canonical, parse_purl
from transom.model.packages import Bill, Package, Place

MAX_BILL_BYTES = 256 * 1024 * 1024  # a bill of 100,000 packages has about 100 MB
MAX_PACKAGES = 1_000_000
MAX_PLACES = 10_000  # of one package
OURS = "transom:"
_PLACE = re.compile(r"(?:transom|syft):location:(\d{1,5}):(path|layer|layerID|line)\Z")
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_FIELDS = {
    "transom:evidence": "evidence",
    "transom:source:name": "source_name",
    "transom:source:version": "source_version",
    "transom:owner": "owner",
    "transom:name": "name",
    "transom:namespace": "namespace",
    "transom:arch": "arch",
    "transom:distro": "distro",
    "aquasecurity:trivy:SrcName": "source_name",
    "aquasecurity:trivy:SrcVersion": "source_version",
}
"""Properties by which a bill tells more of a package than its format has fields for, and what they are here."""


def bill_of(found: Inspection, name: str, workloads: Sequence[str] = ()) -> Bill:
    """Return the bill of what was inspected; the kernel's own paths are made text that every format can carry."""
    image = found.image
    created = image.config.get("created")
    return Bill(
        clean(name),
        tuple(_cleaned(package) for package in found.packages),
        image.digest,
        str(image.platform) if image.digest else "",
        clean(str(found.distro)),
        clean(created) if isinstance(created, str) else "",
        found.base,
        tuple((layer.diff_id, clean(without_arguments(layer.created_by))) for layer in image.layers if layer.diff_id),
        tuple(workloads),
        found.base_layers,
        image.index_digest,
        {clean(path): functions for path, functions in found.merged.functions.items()},
    )


def clean(text: str) -> str:
    """Return a text that UTF-8 can carry: bytes that are none are escaped."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _cleaned(package: Package) -> Package:
    places = tuple(Place(clean(place.path), place.layer, place.line) for place in package.places)
    return replace(
        package,
        name=clean(package.name),
        version=clean(package.version),
        namespace=clean(package.namespace),
        licences=tuple(map(clean, package.licences)),
        places=places,
    )


def told(package: Package, layers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what a format has no field for, as names and values; layers: the instruction that made each."""
    namespace, name = canonical(package.kind, package.namespace, package.name)
    if name != package.name:
        yield "transom:name", package.name
    if namespace != package.namespace:
        yield "transom:namespace", package.namespace
    if package.kind not in SYSTEM:
        yield from (
            (f"transom:{key}", value) for key, value in (("arch", package.arch), ("distro", package.distro)) if value
        )
    yield "transom:evidence", package.evidence
    yield "transom:source:name", package.source_name
    yield "transom:source:version", package.source_version
    yield "transom:owner", package.owner
    yield "transom:development", "true" if package.development else ""
    for number, place in enumerate(package.places):
        where = f"transom:location:{number}"
        yield f"{where}:path", place.path
        yield f"{where}:layer", place.layer
        yield f"{where}:line", str(place.line or "")
        yield f"{where}:instruction", layers.get(place.layer, "")


def package_of(address: str, name: str, version: str, namespace: str, more: Iterable[tuple[str, str]]) -> Package:
    """Return the package that a bill tells by its package URL, else by its name, with what else is told of it."""
    fields: dict[str, str] = {}
    places: dict[int, dict[str, str]] = {}
    development = False
    for key, value in more:
        match = _PLACE.match(key)
        if match and len(places) < MAX_PLACES:
            places.setdefault(int(match[1]), {})[match[2]] = value
        elif key in _FIELDS:
            fields[_FIELDS[key]] = value
        elif key == "transom:development":
            development = value == "true"
    try:
        package = parse_purl(address)
    except ValueError:
        package = Package("generic", name, version, namespace)
    found = tuple(_place(places[number]) for number in sorted(places))
    return replace(package, version=package.version or version, places=found, development=development, **fields)


def _place(told: dict[str, str]) -> Place:
    line = told.get("line", "")
    path = told.get("path", "").lstrip("/")
    return Place(path, told.get("layer") or told.get("layerID") or "", int(line) if line.isdecimal() else 0)


def sha1_of(found: Iterable[str]) -> str:
    """Return the first that is a SHA-1 in hexadecimal, in lower case; "" where none is."""
    return next((each.lower() for each in found if _SHA1.fullmatch(each)), "")


def identifier(content: bytes) -> str:
    """Return a UUID (version 8, RFC 9562) that follows from content, so that the same bill has the same."""
    made = bytearray(sha256(content).digest()[:16])
    made[6] = made[6] & 0x0F | 0x80
    made[8] = made[8] & 0x3F | 0x80
    text = made.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
