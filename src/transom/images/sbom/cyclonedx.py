"""CycloneDX: version 1.6 as JSON out; 1.2 to 1.6 in, as JSON and XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from transom import __version__
from transom.images.sbom.bill import MAX_PACKAGES, identifier, package_of, sha1_of, told
from transom.images.sbom.cpe import cpes
from transom.images.sbom.licences import canonical, is_listed
from transom.images.sbom.purl import purl
from transom.kube.reading import map_at, maps_at, text_at
from transom.model.errors import TransomError
from transom.model.packages import Bill, Package

VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6")
ROOT = "transom:root"
PACKAGES = frozenset(("library", "application", "framework", "firmware", "platform", "device-driver"))
_IMAGE = {
    "transom:image:platform": "platform",
    "transom:image:base": "base",
    "transom:image:created": "created",
    "transom:image:index": "index_digest",
}
MAX_DIGITS = 6  # of a count of layers
_BASE_LAYERS = "transom:image:baseLayers"


def write(bill: Bill, made_at: str) -> bytes:
    """Return a bill as CycloneDX 1.6 JSON, the same bytes for the same bill. made_at: ISO 8601, "" for none."""
    layers = dict(bill.layers)
    components = list(_components(bill, layers))
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "transom", "version": __version__}]},
            "component": _root(bill),
        },
        "components": components,
        "dependencies": [{"ref": ROOT, "dependsOn": sorted(each["bom-ref"] for each in components)}],
    }
    document["serialNumber"] = f"urn:uuid:{identifier(msgspec.json.encode(document))}"
    if made_at:
        document["metadata"]["timestamp"] = made_at
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _root(bill: Bill) -> dict[str, Any]:
    root: dict[str, Any] = {"bom-ref": ROOT, "type": "container" if bill.digest else "application", "name": bill.name}
    if bill.digest:
        root["version"] = bill.digest
    properties = [(key, getattr(bill, field)) for key, field in _IMAGE.items()]
    properties.append((_BASE_LAYERS, str(bill.base_layers or "")))
    for number, (diff_id, instruction) in enumerate(bill.layers):
        properties += [
            (f"transom:layer:{number}:diffID", diff_id),
            (f"transom:layer:{number}:instruction", instruction),
        ]
    return root | _properties(properties)


def _properties(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found = [{"name": name, "value": value} for name, value in pairs if value]
    return {"properties": found} if found else {}


def _components(bill: Bill, layers: dict[str, str]) -> Iterator[dict[str, Any]]:
    if bill.distro:
        name, _, version = bill.distro.partition("-")
        system = {"bom-ref": "transom:system", "type": "operating-system", "name": name}
        yield system | ({"version": version} if version else {})
    seen: dict[str, int] = {}
    for package in bill.packages:
        address = purl(package)
        count = seen[address] = seen.get(address, 0) + 1
        yield _component(package, address, address if count == 1 else f"{address}#{count}", layers)


def _component(package: Package, address: str, reference: str, layers: dict[str, str]) -> dict[str, Any]:
    component: dict[str, Any] = {"bom-ref": reference, "type": "library", "name": package.name}
    if package.namespace:
        component["group"] = package.namespace
    if package.version:
        component["version"] = package.version
    if package.development:
        component["scope"] = "excluded"
    if package.sha1:
        component["hashes"] = [{"alg": "SHA-1", "content": package.sha1}]
    licences = _licences(package)
    if licences:
        component["licenses"] = licences
    component |= {"cpe": cpes(package)[0], "purl": address}
    if package.places:
        component["evidence"] = {"occurrences": [{"location": place.path} for place in package.places]}
    pairs = list(told(package, layers))
    if package.cpes:
        pairs += [(f"transom:cpe:{number}", each) for number, each in enumerate(package.cpes)]
    return component | _properties(pairs)


def _licences(package: Package) -> list[dict[str, Any]]:
    """Return licences by their SPDX names where they have one; an expression may only stand alone."""
    found = [canonical(each) or each for each in package.licences]
    if len(found) == 1 and not is_listed(found[0]) and canonical(found[0]):
        return [{"expression": found[0]}]
    return [{"license": {"id" if is_listed(each) else "name": each}} for each in found]


def read(document: dict[str, Any], where: str) -> Bill:
    """Return the bill of a decoded document; raises TransomError for what is none."""
    version = text_at(document, "specVersion")
    if version not in VERSIONS:
        why = f"it is of version {version[:20]!r}" if version else "it tells no specVersion"
        raise TransomError(f"cannot read {where}", why, f"write it as one of {', '.join(VERSIONS)}")
    bill = _bill(map_at(document, "metadata", "component"), where)
    packages, distro = [], ""
    for component in _all(document, where):
        kind = text_at(component, "type")
        if kind == "operating-system":
            distro = "-".join(filter(None, (text_at(component, "name"), text_at(component, "version"))))
        elif kind in PACKAGES or text_at(component, "purl"):
            packages.append(_package(component))
    return replace(bill, packages=tuple(packages), distro=distro)


def _bill(root: dict[str, Any], where: str) -> Bill:
    pairs = dict(_pairs(root))
    layers: list[tuple[str, str]] = []
    while f"transom:layer:{len(layers)}:diffID" in pairs:
        number = len(layers)
        layers.append((pairs[f"transom:layer:{number}:diffID"], pairs.get(f"transom:layer:{number}:instruction", "")))
    version = text_at(root, "version")
    digest = version if version.startswith("sha256:") else ""
    fields: dict[str, Any] = {field: pairs[key] for key, field in _IMAGE.items() if key in pairs}
    count = pairs.get(_BASE_LAYERS, "")
    fields["base_layers"] = int(count) if count.isdecimal() and len(count) < MAX_DIGITS else 0
    return Bill(text_at(root, "name") or where, (), digest, layers=tuple(layers), **fields)


def _all(document: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """Yield the components, and those within them, in the order in which they stand."""
    waiting = [document]
    count = 0
    while waiting:
        here = waiting.pop()
        if here is not document:
            yield here
        within = [component for _, component in maps_at(here, "components")]
        count += len(within)
        if count > MAX_PACKAGES:
            raise TransomError(f"cannot read {where}", f"it has more than {MAX_PACKAGES:,} components", "split it")
        waiting += within[::-1]


def _package(component: dict[str, Any]) -> Package:
    pairs = list(_pairs(component))
    name, version, group = (text_at(component, key) for key in ("name", "version", "group"))
    package = package_of(text_at(component, "purl"), name, version, group, pairs)
    if not package.places:
        occurrences = maps_at(component, "evidence", "occurrences")
        found = [(f"transom:location:{number}:path", text_at(each, "location")) for number, each in occurrences]
        package = replace(package, places=package_of("", "", "", "", found).places)
    hashes = [text_at(each, "content") for _, each in maps_at(component, "hashes") if text_at(each, "alg") == "SHA-1"]
    return replace(
        package,
        licences=tuple(_named(component)),
        cpes=tuple(value for key, value in pairs if key.startswith("transom:cpe:")) or _foreign_cpe(component, package),
        development=package.development or text_at(component, "scope") == "excluded",
        sha1=sha1_of(hashes),
    )


def _foreign_cpe(component: dict[str, Any], package: Package) -> tuple[str, ...]:
    """Return the CPE that a component tells, unless it is what would be said of it anyway."""
    found = text_at(component, "cpe")
    return (found,) if found and found != cpes(package)[0] else ()


def _named(component: dict[str, Any]) -> Iterator[str]:
    for _, each in maps_at(component, "licenses"):
        found = text_at(each, "expression") or text_at(each, "license", "id") or text_at(each, "license", "name")
        if found:
            yield canonical(found) or found


def _pairs(component: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for _, each in maps_at(component, "properties"):
        yield text_at(each, "name"), text_at(each, "value")
