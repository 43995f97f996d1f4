"""End-of-life dates of products and their releases, as endoflife.date's API gives them (/api/v1/products/full)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from transom.model.advisories import Lifetime, Told

DISTRIBUTIONS = {
    "alpine-linux": "alpine",
    "amazon-linux": "amzn",
    "azure-linux": "azurelinux",
    "oracle-linux": "ol",
    "rocky-linux": "rocky",
    "photon-os": "photon",
}
"""Distributions that are called otherwise there than in their os-release."""


class Release(Struct, rename="camel"):
    """One release. eol_from: when it ends; eoes_from: when paid support does."""

    name: str
    eol_from: str | None = None
    eoes_from: str | None = None


class Product(Struct):
    """A product: a distribution, a language, a program."""

    name: str
    releases: list[Release] = []


class Answer(Struct):
    """What the API answers."""

    result: list[Product]


def read(_: str, content: bytes) -> Iterator[Told]:
    """Yield the end of each release that has one."""
    for product in msgspec.json.decode(content, type=Answer).result:
        name = DISTRIBUTIONS.get(product.name, product.name)
        for release in product.releases:
            if release.eol_from:
                yield Lifetime(name, release.name, release.eol_from, release.eoes_from or "")
