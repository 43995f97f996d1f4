"""OpenVEX 0.0.2 to 0.2.0: the statements of a document (OpenVEX specification)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from transom.advisories.vex.products import Product
from transom.advisories.vex.statements import Said, Status

HASHES = ("sha-256", "sha256")


class Bug(Struct):
    """A vulnerability and its other names."""

    name: str = ""
    aliases: list[str] = []
    id: str = msgspec.field(name="@id", default="")


class Component(Struct):
    """A product or a part of one."""

    id: str = msgspec.field(name="@id", default="")
    identifiers: dict[str, str] = {}
    hashes: dict[str, str] = {}
    subcomponents: list[Component | str] = []

    @property
    def name(self) -> str:
        """Its package URL, else what its author calls it."""
        return self.identifiers.get("purl", "") or self.id


class Statement(Struct):
    """One statement. Before 0.2.0 vulnerability and products were texts, and all products shared their parts."""

    status: str
    vulnerability: Bug | str = ""
    products: list[Component | str] = []
    subcomponents: list[Component | str] = []
    justification: str = ""
    impact_statement: str = ""
    action_statement: str = ""
    timestamp: str = ""
    last_updated: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of the vulnerability."""
        if isinstance(self.vulnerability, str):
            return tuple(filter(None, (self.vulnerability,)))
        bug = self.vulnerability
        return tuple(filter(None, (bug.name or bug.id.rpartition("/")[2], *bug.aliases)))


class Document(Struct):
    """A document, as far as it is read."""

    statements: list[Statement]
    author: str = ""
    timestamp: str = ""


def read(content: bytes, where: str, digests: tuple[str, ...] = ()) -> Iterator[Said | str]:
    """Yield each statement, or why it is not used; raises msgspec.ValidationError. digests: of what it is attached to."""
    document = msgspec.json.decode(content, type=Document)
    for number, said in enumerate(document.statements, 1):
        products = tuple(_product(each, said.subcomponents) for each in said.products)
        if not products and digests:
            products = (Product(digests=digests, parts=tuple(map(_name, said.subcomponents))),)
        if said.status not in tuple(Status):
            yield f"statement {number}: the status {said.status[:40]!r} is not known"
        elif not said.names or not products:
            yield f"statement {number}: it names no {'product' if said.names else 'vulnerability'}"
        else:
            detail = said.impact_statement or said.action_statement
            time = said.last_updated or said.timestamp or document.timestamp
            status = Status(said.status)
            yield Said(status, said.names, products, said.justification, detail, time, document.author, where)


def _product(component: Component | str, shared: list[Component | str]) -> Product:
    if isinstance(component, str):
        return Product(component, parts=tuple(map(_name, shared)))
    digests = tuple(f"sha256:{component.hashes[key]}" for key in HASHES if key in component.hashes)
    parts = component.subcomponents or shared
    return Product(component.name, digests, parts=tuple(map(_name, parts)))


def _name(component: Component | str) -> str:
    return component if isinstance(component, str) else component.name
