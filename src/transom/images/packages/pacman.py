"""Arch Linux, Gentoo and FreeBSD: what pacman, portage and pkg say is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages import sqlite
from transom.images.packages.texts import MAX_PACKAGES, text_lines
from transom.model.packages import Package, Place

_EBUILD = re.compile(r"(?:^|/)var/db/pkg/(?P<category>[^/]+)/(?P<name>[^/]+?)-(?P<version>\d[^/]*)/CONTENTS$")


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of a `desc` file: `%FIELD%` lines, each with its values below."""
    fields: dict[str, list[str]] = {}
    last = ""
    for _, line in text_lines(content):
        if line.startswith("%") and line.endswith("%"):
            last = line.strip("%")
        elif line and last:
            fields.setdefault(last, []).append(line)
    name, version = fields.get("NAME", [""])[0], fields.get("VERSION", [""])[0]
    if name and version:
        yield Package(
            "alpm",
            name,
            version,
            arch=fields.get("ARCH", [""])[0],
            source_name=fields.get("BASE", [name])[0],
            source_version=version,
            licences=tuple(fields.get("LICENSE", ())),
            places=(Place(path),),
            evidence="pacman",
        )


def read_portage(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package that a CONTENTS file is of; its folder says which."""
    match = _EBUILD.search(path)
    if match:
        yield Package(
            "ebuild", match["name"], match["version"], match["category"], places=(Place(path),), evidence="portage"
        )


def read_freebsd(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of local.sqlite, the database of FreeBSD's pkg."""
    for name, version, origin, arch in sqlite.rows(
        content, "SELECT name, version, origin, arch FROM packages", MAX_PACKAGES
    ):
        if isinstance(name, str) and isinstance(version, str):
            source = origin.rpartition("/")[2] if isinstance(origin, str) else ""
            told = arch if isinstance(arch, str) else ""
            yield Package(
                "freebsd", name, version, arch=told, source_name=source, places=(Place(path),), evidence="pkg"
            )
