"""CSAF 2.0, profile VEX (OASIS CSAF 2.0, section 4.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import msgspec

from transom.report.encode import indented
from transom.report.options import ReportOptions
from transom.report.records import clean
from transom.report.summary import Report
from transom.report.vex.verdicts import JUSTIFICATIONS, Verdict, identity, timestamp, verdicts

STATUSES = {
    "not_affected": "known_not_affected",
    "fixed": "fixed",
    "affected": "known_affected",
    "under_investigation": "under_investigation",
}


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the document: images and packages as products, packages as parts of images, a section for each bug."""
    said = list(verdicts(report))
    by_bug: dict[str, list[Verdict]] = defaultdict(list)
    for each in said:
        by_bug[each.told.id].append(each)
    products = _Products(said)
    bugs = [_bug(name, about, products) for name, about in by_bug.items()]
    made_at = timestamp(options.made_at)
    document = {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "title": f"Vulnerabilities of {clean(', '.join(report.targets))}",
            "publisher": {"category": "user", "name": "Transom", "namespace": "https://transom.dev"},
            "tracking": {
                "id": f"transom-{identity(msgspec.json.encode(bugs))[:16]}",
                "status": "interim",
                "version": "1",
                "initial_release_date": made_at,
                "current_release_date": made_at,
                "revision_history": [{"number": "1", "date": made_at, "summary": "As scanned."}],
                "generator": {"engine": {"name": "transom", "version": report.version}},
            },
        },
        "product_tree": products.tree(),
        "vulnerabilities": bugs,
    }
    stream.write(indented(document, 0) + b"\n")


class _Products:
    """Every product of a document, by its id: packages, images, and packages as parts of images."""

    def __init__(self, said: Sequence[Verdict]) -> None:
        self._packages = {
            each.told.purl: f"P{n}" for n, each in enumerate({each.told.purl: each for each in said}.values())
        }
        images = {each.product: each for each in said if each.product}
        self._images = {purl: (f"I{n}", each.image) for n, (purl, each) in enumerate(images.items())}
        self._parts = dict.fromkeys((each.told.purl, each.product) for each in said if each.product)

    def id_of(self, verdict: Verdict) -> str:
        """Return the id of the package that a verdict is about: as a part of its image where that is known."""
        package = self._packages[verdict.told.purl]
        return f"{self._images[verdict.product][0]}:{package}" if verdict.product else package

    def tree(self) -> dict[str, Any]:
        """Return the tree of products."""
        named = [_product(each, purl, purl) for purl, each in self._packages.items()]
        named += [_product(each, name, purl) for purl, (each, name) in self._images.items()]
        related = [self._relationship(package, image) for package, image in self._parts]
        return {"full_product_names": named} | ({"relationships": related} if related else {})

    def _relationship(self, package: str, image: str) -> dict[str, Any]:
        part, (whole, name) = self._packages[package], self._images[image]
        return {
            "category": "default_component_of",
            "product_reference": part,
            "relates_to_product_reference": whole,
            "full_product_name": {"product_id": f"{whole}:{part}", "name": f"{package} of {name}"},
        }


def _product(identifier: str, name: str, purl: str) -> dict[str, Any]:
    return {"product_id": identifier, "name": name, "product_identification_helper": {"purl": purl}}


def _bug(name: str, about: Sequence[Verdict], products: _Products) -> dict[str, Any]:
    first = about[0].told
    aliases = [each for each in first.aliases if each != name]
    made: dict[str, Any] = {"cve": name} if name.startswith("CVE-") else {}
    ids = ([] if made else [name]) + aliases
    if ids:
        made["ids"] = [{"system_name": each.partition("-")[0] or "id", "text": each} for each in ids]
    if first.summary:
        made["notes"] = [{"category": "description", "text": first.summary}]
    made["product_status"] = _grouped((STATUSES[each.status], products.id_of(each)) for each in about)
    innocent = [each for each in about if each.status == "not_affected"]
    flags = _grouped(
        (each.justification, products.id_of(each)) for each in innocent if each.justification in JUSTIFICATIONS
    )
    threats = _grouped((each.words, products.id_of(each)) for each in innocent if each.words)
    remedies = [_remedy(each, products.id_of(each)) for each in about if each.status == "affected"]
    if flags:
        made["flags"] = [{"label": label, "product_ids": ids} for label, ids in flags.items()]
    if threats:
        made["threats"] = [
            {"category": "impact", "details": words, "product_ids": ids} for words, ids in threats.items()
        ]
    if remedies:
        made["remediations"] = remedies
    return made


def _remedy(verdict: Verdict, product: str) -> dict[str, Any]:
    fixed = verdict.told.fixed
    words = verdict.words or "Accepted as it is."
    category = "vendor_fix" if fixed else "none_available"
    more = f" {fixed} has the fix." if fixed else ""
    return {"category": category, "details": f"{words}{more}", "product_ids": [product]}


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the ids of products by what is said of them, each once."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, product in pairs:
        if product not in found[key]:
            found[key].append(product)
    return dict(found)
