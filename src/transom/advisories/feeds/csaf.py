"""CSAF 2.0: advisories and VEX documents of Red Hat and SUSE (OASIS CSAF 2.0, security advisory and VEX profiles)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from transom.advisories.purls import read_purl
from transom.advisories.ratings import rated_by_vector, severity_named
from transom.advisories.summaries import summary_of
from transom.model.advisories import Advisory, Interval, Rating, Refused, State, Statement, Told

MAX_BRANCH_DEPTH = 20  # Red Hat nests four deep
SOURCES = frozenset(("src", "nosrc"))
UNSHIPPED = ("-debuginfo", "-debugsource", "-debuginfo-common")
ADVISORY = "csaf_security_advisory"

STATES = {
    "fixed": State.FIXED,
    "first_fixed": State.FIXED,
    "recommended": State.FIXED,
    "known_affected": State.AFFECTED,
    "known_not_affected": State.NOT_AFFECTED,
    "under_investigation": State.UNDER_INVESTIGATION,
}
REMEDIES = {"no_fix_planned": State.WONT_FIX, "none_available": State.NOT_FIXED}
OUT_OF_SUPPORT = "out of support"  # how Red Hat says in words that nobody looks any more

CHANNELS = (
    (re.compile(r"redhat:enterprise_linux:(\d+)"), "rhel-{}"),
    (re.compile(r"redhat:rhel_(eus|aus|e4s|tus|els|eus_long_life):(\d+(?:\.\d+)?)"), "rhel-{1}+{0}"),
    (re.compile(r"suse:(?:suse_)?sle[sd]?(?:[-_][a-z0-9_-]+)?:(\d+):sp(\d+)"), "sles-{0}.{1}"),
    (re.compile(r"suse:(?:suse_)?sle[sd]?(?:[-_][a-z0-9_-]+)?:\d+:(\d+\.\d+)"), "sles-{0}"),
    (re.compile(r"suse:(?:suse_)?sle[sd]?(?:[-_][a-z0-9_-]+)?:(\d+(?:\.\d+)?)(?!:sp|[.\d])"), "sles-{0}"),
    (re.compile(r"opensuse:leap:(\d+\.\d+)"), "opensuse-{0}"),
    (re.compile(r"opensuse:tumbleweed"), "opensuse-tumbleweed"),
)
"""Products by their CPE; what is no distribution (OpenShift, Satellite) is no channel."""

_NEVRA = re.compile(
    r"(?P<name>.+)-(?P<version>[^-]+-[^-]+?)(?:\.(?P<arch>x86_64|aarch64|s390x|ppc64le|i[3-6]86|noarch|src))?"
)
_STREAM = re.compile(r"[\w.+-]+:[\w.+-]+")
_NAME_ONLY = re.compile(r"[A-Za-z0-9][\w.+-]*")


class Product(Struct):
    """One product or component, with what tells which it is."""

    product_id: str
    name: str = ""
    product_identification_helper: dict[str, Any] = {}


class Branch(Struct):
    """A branch of the tree of products."""

    branches: list[Branch] = []
    product: Product | None = None


class Relationship(Struct):
    """A component as a part of a product."""

    product_reference: str
    relates_to_product_reference: str
    full_product_name: Product


class Tree(Struct):
    """The products that a document speaks of."""

    branches: list[Branch] = []
    relationships: list[Relationship] = []
    full_product_names: list[Product] = []


class Threat(Struct):
    """An impact, in the vendor's word."""

    category: str = ""
    details: str = ""


class Remediation(Struct):
    """What can be done about it, for which products."""

    category: str = ""
    details: str = ""
    product_ids: list[str] = []


class Score(Struct):
    """CVSS."""

    cvss_v3: dict[str, Any] = {}
    cvss_v4: dict[str, Any] = {}


class Vulnerability(Struct):
    """One bug, and the state of each product."""

    cve: str = ""
    title: str = ""
    product_status: dict[str, list[str]] = {}
    threats: list[Threat] = []
    remediations: list[Remediation] = []
    scores: list[Score] = []


class Tracking(Struct):
    """The document's id and times."""

    id: str
    current_release_date: str = ""
    initial_release_date: str = ""


class Publisher(Struct, frozen=True):
    """Who publishes."""

    name: str = ""


class Meta(Struct):
    """What the document says of itself."""

    tracking: Tracking
    publisher: Publisher = Publisher()
    category: str = ""


class Csaf(Struct):
    """A document, as far as it is read."""

    document: Meta
    product_tree: Tree = msgspec.field(default_factory=Tree)
    vulnerabilities: list[Vulnerability] = []


class Component(Struct, frozen=True):
    """A component of a distribution: the source or binary package that a product id names."""

    channel: str
    name: str
    version: str = ""
    arch: str = ""
    module: str = ""


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each bug of the document."""
    told = msgspec.json.decode(content, type=Csaf)
    feed = "suse" if "suse" in told.document.publisher.name.lower() else "redhat"
    components = _components(told.product_tree)
    tracking = told.document.tracking
    for bug in told.vulnerabilities:
        statements = tuple(dict.fromkeys(_statements(bug, components)))
        if not bug.cve or not statements:
            reason = "speaks of no package of a distribution" if bug.cve else "names no CVE"
            yield Refused(f"{tracking.id} {bug.cve}".strip(), reason, feed)
            continue
        covers = (bug.cve,) if tracking.id != bug.cve else ()
        yield Advisory(
            tracking.id,
            feed,
            statements,
            (),
            covers,
            summary_of(bug.title),
            tuple(_ratings(bug, feed)),
            tracking.initial_release_date[:10],
            tracking.current_release_date,
            record="" if tracking.id.lower() in name.lower().replace("_", ":") else name,
        )


def _components(tree: Tree) -> dict[str, Component]:
    """Return the component that each product id of a status stands for."""
    products = {product.product_id: product for product in products_of(tree.branches)}
    found = {}
    for each in tree.relationships:
        product = products.get(each.relates_to_product_reference)
        channel = channel_of_cpe(str(product.product_identification_helper.get("cpe", ""))) if product else ""
        if channel:
            part = products.get(each.product_reference) or Product(each.product_reference, each.product_reference)
            component = _component(channel, part)
            if component:
                found[each.full_product_name.product_id] = component
    return found


def products_of(branches: Iterable[Branch], depth: int = 0) -> Iterator[Product]:
    """Yield the products of a tree; raises ValueError where it is too deep."""
    if depth > MAX_BRANCH_DEPTH:
        raise ValueError(f"products nested deeper than {MAX_BRANCH_DEPTH}")
    for branch in branches:
        if branch.product:
            yield branch.product
        yield from products_of(branch.branches, depth + 1)


def channel_of_cpe(cpe: str) -> str:
    """Return the channel of a distribution's CPE, "" for every other product."""
    for pattern, channel in CHANNELS:
        found = pattern.search(cpe)
        if found:
            return channel.format(*found.groups())
    return ""


def _component(channel: str, part: Product) -> Component | None:
    purl = read_purl(str(part.product_identification_helper.get("purl", "")))
    if purl is not None and purl.kind == "rpm":
        epoch = purl.qualifiers.get("epoch", "0")
        version = f"{epoch}:{purl.version}" if purl.version and epoch != "0" else purl.version
        module = ":".join(purl.qualifiers.get("rpmmod", "").split(":")[:2])
        return Component(channel, purl.name, version, purl.qualifiers.get("arch", ""), module)
    if purl is not None:
        return None
    found = _NEVRA.fullmatch(part.name)
    if found:
        return Component(channel, found["name"], found["version"], found["arch"] or "")
    module, _, name = part.name.rpartition("/")  # of an unfixed module, `nodejs:16/nodejs`
    if not _NAME_ONLY.fullmatch(name) or (module and not _STREAM.fullmatch(module)):
        return None
    return Component(channel, name, module=module)


def _statements(bug: Vulnerability, components: dict[str, Component]) -> Iterator[Statement]:
    remedies = {product: _remedy(each) for each in bug.remediations for product in each.product_ids}
    for status, products in bug.product_status.items():
        state = STATES.get(status)
        named = [(product, components[product]) for product in products if product in components]
        if state is State.FIXED:
            yield from _fixes([component for _, component in named])
        elif state is not None:
            for product, component in named:
                if state is State.NOT_AFFECTED and component.version:
                    continue  # a build that is not affected says nothing of those before it
                said = (state is State.AFFECTED and remedies.get(product)) or state
                yield Statement(component.channel, component.name, said, module=component.module)


def _remedy(remediation: Remediation) -> State | None:
    if OUT_OF_SUPPORT in remediation.details.lower():
        return State.END_OF_LIFE
    return REMEDIES.get(remediation.category)


def _fixes(components: list[Component]) -> Iterator[Statement]:
    """Yield the fixed source packages, and the binary ones that number their versions by themselves.

    Where a document names no sources, all binary packages.
    """
    sources = {
        (each.channel, each.module, each.version) for each in components if each.arch in SOURCES and each.version
    }
    for each in components:
        own = (each.channel, each.module, each.version) not in sources
        if each.version and (each.arch in SOURCES or own) and not each.name.endswith(UNSHIPPED):
            yield Statement(each.channel, each.name, intervals=(Interval(fixed=each.version),), module=each.module)


def _ratings(bug: Vulnerability, feed: str) -> Iterator[Rating]:
    for threat in bug.threats:
        severity = severity_named(threat.details) if threat.category == "impact" else None
        if severity is not None:
            yield Rating(feed, severity)
            break
    for score in bug.scores[:1]:
        vector = score.cvss_v3.get("vectorString") or score.cvss_v4.get("vectorString")
        rating = rated_by_vector(feed, vector) if isinstance(vector, str) else None
        if rating:
            yield rating
