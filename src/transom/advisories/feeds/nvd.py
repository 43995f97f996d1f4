"""NVD's ratings (API 2.0), beside what vendors say: never its guesses of affected products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from transom.advisories.documents import BROKEN
from transom.advisories.ratings import rated_by_vector
from transom.model.advisories import Rated, Refused, Told

METRICS = ("cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2")  # the newest first
PRIMARY = "Primary"
NOBODY = "nobody"  # rated by whoever reported it, not by NVD


class Entry(Struct, rename="camel"):
    """One CVE, as far as it is read."""

    id: str
    last_modified: str = ""
    vuln_status: str = ""
    metrics: dict[str, list[dict[str, Any]]] = {}


class Item(Struct):
    """One item of a page."""

    cve: Entry


class Page(Struct):
    """One page of the API."""

    vulnerabilities: list[msgspec.Raw]


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield the ratings of each CVE that has some and was not rejected."""
    for raw in msgspec.json.decode(content, type=Page).vulnerabilities:
        try:
            entry = msgspec.json.decode(raw, type=Item).cve
        except BROKEN as error:
            yield Refused(name, f"an entry that is not as NVD writes: {error}", "nvd")
            continue
        ratings = tuple(_ratings(entry))
        if ratings and entry.vuln_status != "Rejected":
            yield Rated(entry.id, "nvd", ratings, entry.last_modified)


def _ratings(entry: Entry) -> Iterator[Any]:
    for metric in METRICS:
        for each in entry.metrics.get(metric, ())[:10]:
            told = each.get("cvssData")
            vector = told.get("vectorString") if isinstance(told, dict) else None
            source = "nvd" if each.get("type") == PRIMARY else str(each.get("source", NOBODY))[:80]
            rating = rated_by_vector(source, vector) if isinstance(vector, str) else None
            if rating:
                yield rating
