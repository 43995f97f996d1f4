"""What attestations say, in few words: SLSA provenance 0.1, 0.2 and 1, bills of materials, vulnerability scans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transom.kube.reading import list_at, map_at, maps_at, text_at

SLSA_1 = "https://slsa.dev/provenance/v1"
SLSA_EARLIER = ("https://slsa.dev/provenance/v0.1", "https://slsa.dev/provenance/v0.2")
SPDX, CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
VULNERABILITIES = "https://cosign.sigstore.dev/attestation/vuln/v1"
PREDICATE_TYPES = {
    "custom": "https://cosign.sigstore.dev/attestation/v1",
    "slsaprovenance": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": SLSA_1,
    "spdx": SPDX,
    "spdxjson": SPDX,
    "cyclonedx": CYCLONEDX,
    "link": "https://in-toto.io/Link/v1",
    "vuln": VULNERABILITIES,
    "openvex": "https://openvex.dev/ns",
}
"""Short names of predicate types, as cosign has them."""

_VERSIONED = (SPDX, CYCLONEDX, "https://openvex.dev/ns")  # whose writers put a version behind it
MAX_MATERIALS = 1_000  # of one provenance, in what conditions see
MAX_FACT_CHARS = 300


def in_full(predicate_type: str) -> str:
    """Return a predicate type in full, whatever it was called."""
    return PREDICATE_TYPES.get(predicate_type, predicate_type)


def is_of_type(found: str, wanted: str) -> bool:
    """Tell whether a predicate type is the one that is wanted, or a version of it where writers add that."""
    return found == wanted or (wanted in _VERSIONED and found.startswith(f"{wanted}/"))


def provenance_of(predicate_type: str, predicate: Any) -> dict[str, Any]:
    """Return what a SLSA provenance says under one name each, whatever its version; "" for what it does not say.

    builder, buildType, source (a URI), ref, workflow (the path of its file), materials (URIs).
    """
    told = _first(predicate) if predicate_type == SLSA_1 else {}
    if predicate_type in SLSA_EARLIER:
        told = _earlier(predicate)
    return {"builder": "", "buildType": "", "source": "", "ref": "", "workflow": "", "materials": [], **told}


def _first(predicate: Any) -> dict[str, Any]:
    definition = map_at(predicate, "buildDefinition")
    outside = map_at(definition, "externalParameters")
    workflow = map_at(outside, "workflow")
    materials = [text_at(each, "uri") for _, each in maps_at(definition, "resolvedDependencies")[:MAX_MATERIALS]]
    source = text_at(workflow, "repository") or text_at(outside, "source", "uri") or text_at(outside, "source")
    return {
        "builder": text_at(predicate, "runDetails", "builder", "id"),
        "buildType": text_at(definition, "buildType"),
        "source": source or next(iter(materials), ""),
        "ref": text_at(workflow, "ref"),
        "workflow": text_at(workflow, "path"),
        "materials": materials,
    }


def _earlier(predicate: Any) -> dict[str, Any]:
    source = map_at(predicate, "invocation", "configSource") or {}
    uri, _, ref = text_at(source, "uri").partition("@")
    return {
        "builder": text_at(predicate, "builder", "id"),
        "buildType": text_at(predicate, "buildType"),
        "source": uri,
        "ref": ref,
        "workflow": text_at(source, "entryPoint"),
        "materials": [text_at(each, "uri") for _, each in maps_at(predicate, "materials")[:MAX_MATERIALS]],
    }


def facts_of(predicate_type: str, predicate: Any) -> Mapping[str, str]:
    """Return what a person wants to know of an attestation, by short names."""
    told = provenance_of(predicate_type, predicate)
    facts = {name: str(told[name])[:MAX_FACT_CHARS] for name in ("builder", "source", "ref", "workflow") if told[name]}
    if predicate_type.startswith(SPDX):
        facts["packages"] = str(len(list_at(predicate, "packages")))
    elif predicate_type.startswith(CYCLONEDX):
        facts["packages"] = str(len(list_at(predicate, "components")))
    elif predicate_type == VULNERABILITIES:
        scanner = map_at(predicate, "scanner")
        facts["scanner"] = " ".join(filter(None, (text_at(scanner, "uri"), text_at(scanner, "version"))))
        facts["scanned"] = text_at(predicate, "metadata", "scanFinishedOn")
    return {name: value for name, value in facts.items() if value}
