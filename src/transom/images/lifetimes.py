"""Until when a distribution is kept: by its own os-release, else by the dates of the index of vulnerabilities."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from transom.images.distro import Distro, os_release
from transom.model.errors import TransomError
from transom.model.findings import Skipped
from transom.model.refs import Ref

RULE = "image-release-ended"


def end_of(distro: Distro, texts: Mapping[str, bytes], index: str) -> str | None:
    """Return the day on which support ends, as `2028-06-30`; None where the index does not tell it.

    index: a file. "" is returned where there is nobody to ask: no index, or no system.
    """
    told = os_release(texts).get("SUPPORT_END", "")
    if told[:4].isdigit() or not index or not distro.id:
        return told[:10]
    from transom.advisories import Index
    from transom.advisories.channels import channel_of_distro

    name, _, release = channel_of_distro(str(distro)).partition("-")
    try:
        with Index(index) as opened:
            found = opened.lifetime(name, release)
    except TransomError:
        return ""  # whoever looks packages up in it tells why
    return found.ends if found else None


def ended(day: str | None, today: date) -> str:
    """Return the day where it is past, else ""."""
    return day if day and day < today.isoformat() else ""


def untold(ref: Ref, distro: Distro) -> Skipped:
    """Return that nobody knows how long a system is kept."""
    reason = f"nothing tells until when {distro} is kept"
    return Skipped(ref, reason, "build the index with end-of-life dates: transom db build FEED", RULE)
