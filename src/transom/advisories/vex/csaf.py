"""CSAF 2.0 VEX: what a vendor says of its products, and of components as parts of them (OASIS CSAF 2.0, profile 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from transom.advisories.feeds.csaf import Meta, Tree, channel_of_cpe, products_of
from transom.advisories.feeds.csaf import Product as Named
from transom.advisories.vex.products import Product
from transom.advisories.vex.statements import Said, Status

STATES = {
    "known_not_affected": Status.NOT_AFFECTED,
    "fixed": Status.FIXED,
    "first_fixed": Status.FIXED,
    "known_affected": Status.AFFECTED,
    "under_investigation": Status.UNDER_INVESTIGATION,
}


class Flag(Struct):
    """Why products are not affected."""

    label: str
    product_ids: list[str] = []


class Threat(Struct):
    """What it comes to for products."""

    category: str = ""
    details: str = ""
    product_ids: list[str] = []


class Vulnerability(Struct):
    """One bug, and the state of each product."""

    cve: str = ""
    ids: list[dict[str, Any]] = []
    product_status: dict[str, list[str]] = {}
    flags: list[Flag] = []
    threats: list[Threat] = []
    remediations: list[Threat] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Its names."""
        others = (str(each.get("text", "")) for each in self.ids)
        return tuple(filter(None, (self.cve, *others)))


class Document(Struct):
    """A document, as far as it is read."""

    document: Meta
    product_tree: Tree = msgspec.field(default_factory=Tree)
    vulnerabilities: list[Vulnerability] = []


def read(content: bytes, where: str, digests: tuple[str, ...] = ()) -> Iterator[Said | str]:
    """Yield each statement, or why it is not used; raises msgspec.ValidationError and ValueError."""
    told = msgspec.json.decode(content, type=Document)
    products = _products(told.product_tree)
    author, time = told.document.publisher.name, told.document.tracking.current_release_date
    for bug in told.vulnerabilities:
        for word, ids in bug.product_status.items():
            status = STATES.get(word)
            known = [each for each in ids if each in products]
            if status is None:
                continue
            if not bug.names or not known:
                yield f"{bug.cve or 'a vulnerability'}: {word} names no product by a package URL"
                continue
            for each in known:
                why, detail = _reasons(bug, each)
                yield Said(status, bug.names, (products[each],), why, detail, time, author, where)


def _reasons(bug: Vulnerability, product: str) -> tuple[str, str]:
    """Return the label and the words that say why, of what is told of a product."""
    label = next((flag.label for flag in bug.flags if product in flag.product_ids), "")
    told = (*bug.threats, *bug.remediations)
    detail = next((each.details for each in told if product in each.product_ids and each.details), "")
    return label, detail


def _products(tree: Tree) -> dict[str, Product]:
    """Return what each product id means; parts of a product whose kind nobody knows mean nothing."""
    named = {each.product_id: each for each in (*products_of(tree.branches), *tree.full_product_names)}
    purls = {name: purl for name, each in named.items() if (purl := _purl(each))}
    found = {name: Product(purl) for name, purl in purls.items()}
    for each in tree.relationships:
        part, whole = purls.get(each.product_reference), named.get(each.relates_to_product_reference)
        if not part or whole is None:
            continue
        name = each.full_product_name.product_id
        channel = channel_of_cpe(str(whole.product_identification_helper.get("cpe", "")))
        if channel:
            found[name] = Product(part, channel=channel)
        elif _purl(whole):
            found[name] = Product(_purl(whole), parts=(part,))
    return found


def _purl(product: Named) -> str:
    found = product.product_identification_helper.get("purl", "")
    return found if isinstance(found, str) else ""
