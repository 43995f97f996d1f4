"""CycloneDX 1.6 VEX: the components that have vulnerabilities, and the analysis of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

import msgspec

from transom.model.vulnerabilities import Vulnerability
from transom.report.encode import indented
from transom.report.options import ReportOptions
from transom.report.summary import Report
from transom.report.vex.verdicts import Verdict, identity, timestamp, verdicts

STATES = {
    "not_affected": "not_affected",
    "fixed": "resolved",
    "affected": "exploitable",
    "under_investigation": "in_triage",
}
JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
"""The labels of VEX, and what CycloneDX calls them; its own are kept."""

OWN = frozenset(
    (
        *JUSTIFICATIONS.values(),
        *("requires_configuration", "requires_dependency", "protected_by_compiler"),
        *("protected_at_runtime", "protected_at_perimeter"),
    )
)
METHODS = {"CVSS:4": "CVSSv4", "CVSS:3.1": "CVSSv31", "CVSS:3.0": "CVSSv3"}


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the document; the image is its subject where all findings are of one."""
    said = list(verdicts(report))
    purls = list(dict.fromkeys(each.told.purl for each in said))
    vulnerabilities = [_vulnerability(each) for each in said]
    digits = identity(msgspec.json.encode(vulnerabilities))
    serial = f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
    named = {each.told.purl: each.told for each in said}
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": _metadata(report, said, options),
        "components": [_component(purl, named[purl]) for purl in purls],
        "vulnerabilities": vulnerabilities,
    }
    stream.write(indented(document, 0) + b"\n")


def _metadata(report: Report, said: Sequence[Verdict], options: ReportOptions) -> dict[str, Any]:
    tool = {"type": "application", "name": "transom", "version": report.version}
    made: dict[str, Any] = {"timestamp": timestamp(options.made_at), "tools": {"components": [tool]}}
    images = {each.image: each for each in said}
    if len(images) == 1:
        ((name, verdict),) = images.items()
        subject = {"type": "container", "bom-ref": "image", "name": name}
        if verdict.told.digest:
            subject |= {"version": verdict.told.digest, "purl": verdict.product}
        made["component"] = subject
    return made


def _component(purl: str, told: Vulnerability) -> dict[str, Any]:
    made = {"type": "library", "bom-ref": purl, "name": told.name, "purl": purl}
    return made | ({"version": told.version} if told.version else {})


def _vulnerability(verdict: Verdict) -> dict[str, Any]:
    told = verdict.told
    analysis: dict[str, Any] = {"state": STATES[verdict.status]}
    label = JUSTIFICATIONS.get(verdict.justification, verdict.justification)
    if verdict.status == "not_affected" and label in OWN:
        analysis["justification"] = label
    if verdict.words:
        analysis["detail"] = verdict.words
    made: dict[str, Any] = {"id": told.id}
    if told.aliases:
        made["references"] = [{"id": each, "source": {"name": each.partition("-")[0]}} for each in told.aliases]
    if told.rated_by and told.score:
        made["ratings"] = [_rating(told)]
    if told.summary:
        made["description"] = told.summary
    if told.fixed:
        made["recommendation"] = f"Upgrade {told.name} to {told.fixed}."
    properties = _properties(told)
    return made | {
        "analysis": analysis,
        "affects": [{"ref": told.purl}],
        **({"properties": properties} if properties else {}),
    }


def _rating(told: Vulnerability) -> dict[str, Any]:
    method = next((method for start, method in METHODS.items() if told.vector.startswith(start)), "other")
    rating: dict[str, Any] = {"source": {"name": told.rated_by}, "score": told.score, "method": method}
    return rating | ({"vector": told.vector} if told.vector else {})


def _properties(told: Vulnerability) -> list[dict[str, str]]:
    pairs = (
        ("transom:exploitedSince", told.exploited),
        ("transom:epss", "" if told.epss is None else f"{told.epss:.5f}"),
        ("transom:sources", ", ".join(told.sources)),
    )
    return [{"name": name, "value": value} for name, value in pairs if value]
