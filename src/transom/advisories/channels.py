"""Whose package it is: one channel for each vendor's release (`debian-12`) and each language (`pypi`)."""

from __future__ import annotations

import re
from collections.abc import Callable

from transom.model.packages import Package

LANGUAGES = {
    "PyPI": ("pypi", "pypi"),
    "npm": ("npm", "npm"),
    "Go": ("golang", "go"),
    "crates.io": ("cargo", "cargo"),
    "Maven": ("maven", "maven"),
    "RubyGems": ("gem", "gem"),
    "Packagist": ("composer", "composer"),
    "NuGet": ("nuget", "nuget"),
    "Pub": ("pub", "pub"),
    "Hex": ("hex", "semver"),
    "CRAN": ("cran", "cran"),
    "Hackage": ("hackage", "hackage"),
    "SwiftURL": ("swift", "semver"),
    "Julia": ("julia", "semver"),
    "Bitnami": ("bitnami", "semver"),
}
"""Ecosystems as OSV names them: the channel, which is the purl's type, and the order of their versions."""

DISTRIBUTIONS = {
    "Debian": "debian",
    "Ubuntu": "ubuntu",
    "Alpine": "alpine",
    "Wolfi": "wolfi",
    "Chainguard": "chainguard",
    "MinimOS": "minimos",
    "Echo": "echo",
    "AlmaLinux": "almalinux",
    "Rocky Linux": "rocky",
    "Red Hat": "rhel",
    "openSUSE": "opensuse",
    "SUSE": "sles",
    "Photon OS": "photon",
    "Mageia": "mageia",
    "Azure Linux": "azurelinux",
    "openEuler": "openeuler",
}
"""Distributions as OSV names them, and as their os-release does."""

SCHEMES = {
    "dpkg": ("debian", "ubuntu", "echo", "raspbian"),
    "apk": ("alpine", "wolfi", "chainguard", "minimos", "secureos"),
    "rpm": (
        *("rhel", "almalinux", "rocky", "ol", "amzn", "fedora", "sles", "opensuse", "photon", "mageia", "azurelinux"),
        "openeuler",
    ),
}
"""How the versions of a distribution's packages are ordered."""

DEBIAN = {
    "wheezy": "7",
    "jessie": "8",
    "stretch": "9",
    "buster": "10",
    "bullseye": "11",
    "bookworm": "12",
    "trixie": "13",
    "forky": "14",
    "sid": "unstable",
}
UBUNTU = {
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "questing": "25.10",
    "resolute": "26.04",
}
"""Releases by their code names."""

ROLLING = frozenset(("wolfi", "chainguard", "minimos", "secureos", "echo"))  # releases that never end have one channel
MAJOR_ONLY = frozenset(("debian", "rhel", "almalinux", "rocky", "ol", "fedora", "azurelinux"))
REBUILDS = {"centos": "rhel", "redhat": "rhel", "oracle": "ol", "sled": "sles", "amazon": "amzn", "suse": "sles"}
"""Other names of a distribution, and rebuilds that publish no advisories: those of their source hold."""

FEEDS = {
    **{name: name for name in ("debian", "ubuntu", "alpine", "wolfi", "chainguard", "minimos")},
    **{name: name for name in ("almalinux", "rocky", "photon", "bitnami")},
    "rhel": "redhat",
    "sles": "suse",
    "opensuse": "suse",
    "ol": "oracle",
    "amzn": "amazon",
}
"""What `transom db build` calls the feed of a distribution; those of others must be brought as files."""

_LANGUAGE_SCHEMES = dict(LANGUAGES.values())
_OS_SCHEMES = {name: scheme for scheme, names in SCHEMES.items() for name in names}
_SEPARATORS = re.compile(r"[-_.]+")


def scheme_of(channel: str) -> str:
    """Return how a channel's versions are ordered, "" where that is not known."""
    return _LANGUAGE_SCHEMES.get(channel) or _OS_SCHEMES.get(channel.partition("-")[0], "")


def feed_of(channel: str) -> str:
    """Return what `transom db build` calls a feed that speaks of a channel: `debian`, `osv:npm`; FEED where it has none."""
    name = FEEDS.get(channel.partition("-")[0])
    if name:
        return name
    for ecosystem, (language, _) in LANGUAGES.items():
        if channel == language:
            return f"osv:{ecosystem}"
    return "FEED"


def channel_of_ecosystem(ecosystem: str) -> str:
    """Return the channel of an OSV ecosystem (`Debian:12`, `Ubuntu:Pro:16.04:LTS`, `PyPI`), "" for one not known."""
    name, _, rest = ecosystem.partition(":")
    if name in LANGUAGES:
        return LANGUAGES[name][0]
    if name not in DISTRIBUTIONS:
        return ""
    parts = [part for part in rest.split(":") if part not in ("LTS", "")]
    distro = DISTRIBUTIONS[name]
    if distro == "ubuntu":
        pro = "+pro" if any(part.startswith(("Pro", "FIPS", "Realtime")) for part in parts) else ""
        return f"ubuntu-{parts[-1]}{pro}" if parts else ""
    if distro == "alpine":
        return f"alpine-{rest.removeprefix('v')}" if rest else ""
    return channel_of_distro(f"{distro}-{parts[-1]}" if parts else distro)


def channel_of_distro(distro: str) -> str:
    """Return the channel of a distribution as os-release and purls write it: `alpine-3.18.4` is `alpine-3.18`."""
    name, _, version = distro.lower().partition("-")
    if name == "opensuse" and version.startswith("leap-"):
        version = version.removeprefix("leap-")
    name = REBUILDS.get(name, name)
    if name in ROLLING or not version:
        return name
    if name == "debian":
        version = DEBIAN.get(version, version)
    if name in MAJOR_ONLY:
        version = version.partition(".")[0]
    if name == "alpine" and version[:1].isdigit():
        version = ".".join(version.split(".")[:2])
    return f"{name}-{version}"


def name_in(channel: str, name: str) -> str:
    """Return a package's name in the one spelling that its channel compares."""
    if channel == "pypi":
        return _SEPARATORS.sub("-", name).lower()
    return name.lower() if channel in ("nuget", "composer", "hex", "pub") else name


def name_of(package: Package) -> str:
    """Return what advisories call a language's package: `org.apache:commons`, `@scope/name`, `github.com/a/b`."""
    joint = ":" if package.kind == "maven" else "/"
    whole = f"{package.namespace}{joint}{package.name}" if package.namespace else package.name
    return name_in(package.kind, whole)


LANGUAGE_CHANNELS = frozenset(_LANGUAGE_SCHEMES)
OrderKey = Callable[[str], bytes]
