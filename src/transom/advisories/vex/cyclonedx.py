"""CycloneDX VEX 1.4 to 1.6: what a bill, or a document beside one, says of vulnerabilities in its components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from transom.advisories.vex.products import Product
from transom.advisories.vex.statements import Said, Status

STATES = {
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
    "exploitable": Status.AFFECTED,
    "in_triage": Status.UNDER_INVESTIGATION,
    "false_positive": Status.NOT_AFFECTED,
    "not_affected": Status.NOT_AFFECTED,
}
MAX_DEPTH = 20  # components within components


class Analysis(Struct):
    """What is said of it."""

    state: str = ""
    justification: str = ""
    detail: str = ""
    last_updated: str = msgspec.field(name="lastUpdated", default="")
    first_issued: str = msgspec.field(name="firstIssued", default="")


class Version(Struct):
    """A version of an affected component; status says whether it is."""

    version: str = ""
    status: str = "affected"


class Affected(Struct):
    """What it is about: a component of the document, or of a bill by its BOM-Link."""

    ref: str
    versions: list[Version] = []


class Reference(Struct):
    """Another name of it."""

    id: str = ""


class Vulnerability(Struct):
    """One vulnerability."""

    id: str = ""
    references: list[Reference] = []
    analysis: Analysis | None = None
    affects: list[Affected] = []
    updated: str = ""


class Component(Struct):
    """A component, with those within it."""

    ref: str = msgspec.field(name="bom-ref", default="")
    purl: str = ""
    version: str = ""
    components: list[Component] = []


class Party(Struct):
    """Who made or supplies it."""

    name: str = ""


class Meta(Struct):
    """What the document says of itself."""

    timestamp: str = ""
    component: Component | None = None
    supplier: Party | None = None
    manufacture: Party | None = None
    authors: list[Party] = []


class Document(Struct):
    """A document, as far as it is read."""

    vulnerabilities: list[Vulnerability] = []
    components: list[Component] = []
    metadata: Meta = msgspec.field(default_factory=Meta)


def read(content: bytes, where: str, digests: tuple[str, ...] = ()) -> Iterator[Said | str]:
    """Yield each statement, or why it is not used; raises msgspec.ValidationError. digests: of what it is attached to."""
    document = msgspec.json.decode(content, type=Document)
    meta = document.metadata
    root = meta.component
    purls = dict(_purls([*([root] if root else ()), *document.components]))
    author = next((each.name for each in (*meta.authors, meta.supplier, meta.manufacture) if each and each.name), "")
    for bug in document.vulnerabilities:
        analysis = bug.analysis
        if analysis is None or analysis.state not in STATES:
            continue  # a bill may list vulnerabilities of which nobody says more
        products = tuple(_products(bug, purls, root.ref if root else "", digests))
        if not bug.id or not products:
            yield f"{bug.id or 'a vulnerability'}: it is about nothing that has a package URL"
            continue
        names = (bug.id, *(each.id for each in bug.references if each.id))
        time = analysis.last_updated or analysis.first_issued or bug.updated or meta.timestamp
        yield Said(
            STATES[analysis.state], names, products, analysis.justification, analysis.detail, time, author, where
        )


def _purls(components: Iterable[Component], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the package URL of each component by its reference."""
    for each in components if depth < MAX_DEPTH else ():
        if each.ref and each.purl:
            yield each.ref, each.purl
        yield from _purls(each.components, depth + 1)


def _products(bug: Vulnerability, purls: dict[str, str], root: str, digests: tuple[str, ...]) -> Iterator[Product]:
    for each in bug.affects:
        ref = unquote(each.ref.partition("#")[2]) if each.ref.startswith("urn:cdx:") else each.ref
        purl = purls.get(ref) or (ref if ref.startswith("pkg:") else "")
        own = digests if ref == root else ()
        if not purl and not own:
            continue
        versions = [version.version for version in each.versions if version.version]
        if versions and "@" not in purl.partition("?")[0]:
            path, mark, qualifiers = purl.partition("?")
            yield from (Product(f"{path}@{version}{mark}{qualifiers}", own) for version in versions)
        else:
            yield Product(purl, own)
