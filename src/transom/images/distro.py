"""Which distribution an image is of: by os-release or, where that is gone, by what its packages and files still say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct

from transom.model.packages import Package

MAX_LINES = 200  # of an os-release; real ones have about fifteen
_DEBIAN = re.compile(r"deb(\d+)u\d")
_UBUNTU = re.compile(r"ubuntu")
_ALPINE = re.compile(r"/alpine/v(\d+\.\d+)/")
_RHEL = re.compile(r"\.(?:el|fc|amzn)(\d+)")
CODENAMES = {"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"}


class Distro(Struct, frozen=True):
    """A distribution. id, version: as os-release writes them (debian, 12); told: whether the image says so itself."""

    id: str = ""
    version: str = ""
    name: str = ""
    told: bool = False

    def __str__(self) -> str:
        return f"{self.id}-{self.version}" if self.version else self.id


def distro_of(texts: Mapping[str, bytes], packages: Iterable[Package]) -> Distro:
    """Return the distribution that an image says it is, else the one that its traces speak of; an empty one for none."""
    fields = os_release(texts)
    if fields:
        version = fields.get("VERSION_ID", "")
        name = fields.get("PRETTY_NAME") or fields.get("NAME") or f"{fields['ID']} {version}".rstrip()
        return Distro(fields["ID"].lower(), version, name, True)
    return _inferred(texts, packages)


def os_release(texts: Mapping[str, bytes]) -> dict[str, str]:
    """Return the fields of os-release; empty where it is not there, or does not say whose it is."""
    for path in ("etc/os-release", "usr/lib/os-release"):
        fields = _fields(texts.get(path, b""))
        if fields.get("ID"):
            return fields
    return {}


def _fields(content: bytes) -> dict[str, str]:
    fields = {}
    for line in content.decode("utf-8", "replace").splitlines()[:MAX_LINES]:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            fields[name] = value.strip("\"'")
    return fields


def _inferred(texts: Mapping[str, bytes], packages: Iterable[Package]) -> Distro:
    repositories = texts.get("etc/apk/repositories", b"").decode("utf-8", "replace")
    alpine = texts.get("etc/alpine-release", b"").decode("utf-8", "replace").strip()
    found = _ALPINE.search(repositories)
    if alpine or found:
        return Distro("alpine", alpine or (found[1] if found else ""))
    debian = texts.get("etc/debian_version", b"").decode("utf-8", "replace").strip()
    sources = texts.get("etc/apt/sources.list", b"").decode("utf-8", "replace")
    codename = next((number for name, number in CODENAMES.items() if name in sources), "")
    if codename or debian[:1].isdigit():
        return Distro("debian", codename or debian.partition(".")[0])
    return _by_versions(packages)


def _by_versions(packages: Iterable[Package]) -> Distro:
    kinds: set[str] = set()
    for package in packages:
        kinds.add(package.kind)
        if package.kind == "deb" and (match := _DEBIAN.search(package.version)):
            return Distro("debian", match[1])
        if package.kind == "deb" and _UBUNTU.search(package.version):
            return Distro("ubuntu")
        if package.kind == "rpm" and (match := _RHEL.search(package.version)):
            return Distro("rhel" if ".el" in package.version else "fedora", match[1])
    return Distro({"apk": "alpine", "deb": "debian"}.get(next(iter(kinds & {"apk", "deb"}), ""), ""))
