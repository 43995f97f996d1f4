"""The smallest set of upgrades that clears what can be cleared: one for each package, to the greatest fix of all its bugs.

A binary package is upgraded with its source package, so these are counted, not the binaries. Modules of a program cannot be
exchanged in it: they are upgraded where it is built, so each program is told apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from transom.advisories.channels import channel_of_distro, scheme_of
from transom.advisories.intervals import key_of
from transom.advisories.purls import read_purl
from transom.lang.versions.semver import VersionError
from transom.model.findings import Finding
from transom.model.vulnerabilities import Upgrade, Vulnerability

SYSTEM = frozenset(("deb", "apk", "rpm", "alpm"))
Target = tuple[str, str, str, str, str]
"""image, kind, name, place, base: what is upgraded by itself."""


def upgrades(findings: Iterable[Finding]) -> tuple[Upgrade, ...]:
    """Return what to upgrade, the most worth first: of each image by the worst bug, then by how many an upgrade clears."""
    mended: dict[Target, list[tuple[Finding, Vulnerability]]] = defaultdict(list)
    for finding in findings:
        told = finding.vulnerability
        if told is not None and told.fixed:
            mended[_target(finding, told)].append((finding, told))
    found = [_upgrade(target, about) for target, about in mended.items()]
    return tuple(sorted(found, key=lambda each: (each.image, -each.worst, -len(each.clears), each.name, each.place)))


def _target(finding: Finding, told: Vulnerability) -> Target:
    kind = told.purl[4:].partition("/")[0]
    if kind in SYSTEM:
        return (finding.ref.name, kind, told.upgrade, "", told.base)
    return (finding.ref.name, kind, told.name, finding.place.file, told.base)


def _upgrade(target: Target, about: Sequence[tuple[Finding, Vulnerability]]) -> Upgrade:
    image, kind, name, place, base = target
    ranked = sorted(about, key=lambda pair: (-pair[0].severity, pair[1].id))
    told = about[0][1]
    return Upgrade(
        image,
        name,
        tuple(sorted({each.version for _, each in about})),
        _greatest({each.fixed for _, each in about}, kind, told.purl),
        place,
        tuple(dict.fromkeys(each.id for _, each in ranked)),
        int(ranked[0][0].severity),
        base,
    )


def _greatest(versions: set[str], kind: str, text: str) -> str:
    """Return the greatest version by the order of its ecosystem; versions without an order are all named."""
    purl = read_purl(text)
    channel = channel_of_distro(purl.qualifiers.get("distro", "")) if purl and kind in SYSTEM else kind
    scheme = scheme_of(channel)
    try:
        return max(versions, key=lambda version: key_of(scheme, version))
    except (VersionError, KeyError, ValueError):
        return ", ".join(sorted(versions))
