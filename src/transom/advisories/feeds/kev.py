"""KEV: the catalogue of vulnerabilities that are known to be exploited (CISA)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from transom.advisories.documents import BROKEN
from transom.model.advisories import Exploited, Refused, Told


class Entry(Struct, rename="camel"):
    """One entry of the catalogue."""

    cve_id: str = msgspec.field(name="cveID")
    date_added: str = ""
    due_date: str = ""
    known_ransomware_campaign_use: str = ""


class Catalogue(Struct):
    """The catalogue; its entries are read one by one."""

    vulnerabilities: list[msgspec.Raw]


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield every entry."""
    for raw in msgspec.json.decode(content, type=Catalogue).vulnerabilities:
        try:
            entry = msgspec.json.decode(raw, type=Entry)
        except BROKEN as error:
            yield Refused(name, f"an entry that is not as KEV is written: {error}", "kev")
            continue
        ransomware = entry.known_ransomware_campaign_use == "Known"
        yield Exploited(entry.cve_id, entry.date_added, entry.due_date, ransomware)
