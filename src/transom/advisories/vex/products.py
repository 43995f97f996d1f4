"""Which product a VEX statement means: an image by its digest or repository, a package by its URL, a part of either.

What a name leaves out (version, architecture, distribution) it leaves open; what it says must hold. A qualifier that nobody
here knows may narrow what is meant, so it matches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from transom.advisories.channels import DEBIAN, UBUNTU, channel_of_distro
from transom.advisories.purls import Purl, read_purl
from transom.model.images import ImageError, parse_image
from transom.model.packages import Bill, Package

IMAGES = frozenset(("oci", "docker"))
SAYING_NOTHING = frozenset(("type", "vcs_url", "checksum", "download_url", "file_name", "upstream", "epoch"))
"""Qualifiers that narrow nothing: where it comes from, or what is compared with the version."""

SOURCE = frozenset(("source", "src"))


class Product(Struct, frozen=True):
    """What a statement is about. name: a package URL, or whatever else its author calls it; digests: of the image.

    channel: a distribution's release whose package is meant, "" for any; parts: package URLs within the product, of which
    one must be the package, none for the product itself.
    """

    name: str = ""
    digests: tuple[str, ...] = ()
    channel: str = ""
    parts: tuple[str, ...] = ()

    def means(self, package: Package, bill: Bill, beside: Iterable[Package]) -> bool:
        """Tell whether a package of a bill is meant; beside: those that lie in the same file, like a program's modules."""
        if self.channel and self.channel != channel_of_distro(package.distro or bill.distro):
            return False
        if not self.parts:
            return names_package(self.name, package) or self._is(bill)
        if not any(names_package(part, package) for part in self.parts):
            return False
        return self._is(bill) or any(names_package(self.name, each) for each in beside)

    def _is(self, bill: Bill) -> bool:
        if any(digest in (bill.digest, bill.index_digest) for digest in self.digests):
            return True
        return bool(self.name) and (self.name == bill.name or names_image(self.name, bill))


def names_image(text: str, bill: Bill) -> bool:
    """Tell whether a package URL of an image names the one that a bill is of; a digest says it all."""
    purl = read_purl(text)
    if purl is None or purl.kind not in IMAGES:
        return False
    arch = purl.qualifiers.get("arch", "")
    if arch and bill.platform and arch != bill.platform.split("/")[1]:
        return False
    if ":" in purl.version:
        return purl.version in (bill.digest, bill.index_digest)
    try:
        image = parse_image(bill.name)
    except ImageError:
        return False
    tag = purl.version or purl.qualifiers.get("tag", "")
    return (not tag or tag == image.tag) and image.name in _repositories(purl)


def _repositories(purl: Purl) -> set[str]:
    """Return what the repository of an image's package URL may be, in full: some write it with the name, some without."""
    stated = purl.qualifiers.get("repository_url", "").removeprefix("https://").rstrip("/")
    whole = "/".join(filter(None, (purl.namespace, purl.name)))
    found = set()
    for text in (stated, f"{stated}/{whole}") if stated else (whole,):
        try:
            found.add(parse_image(text).name)
        except ImageError:
            continue
    return found


def names_package(text: str, package: Package) -> bool:
    """Tell whether a package URL names a package."""
    purl = read_purl(text)
    if purl is None or purl.kind != package.kind:
        return False
    source = purl.qualifiers.get("arch") in SOURCE
    name = package.source_name or package.name if source else package.name
    version = package.source_version or package.version if source else package.version
    if _plain(purl, purl.namespace, purl.name) != _plain(purl, package.namespace, name):
        return False
    return _same_version(purl, version) and all(
        _holds(key, value, package) for key, value in purl.qualifiers.items() if not (source and key == "arch")
    )


def _plain(purl: Purl, namespace: str, name: str) -> tuple[str, str]:
    """Return a name as it is compared: types differ in which case counts, and nobody has two packages that differ in it."""
    name = name.lower()
    return namespace.strip("/").lower(), name.replace("_", "-") if purl.kind == "pypi" else name


def _same_version(purl: Purl, version: str) -> bool:
    if not purl.version:
        return True
    stated = purl.version
    if purl.qualifiers.get("epoch") and ":" not in stated:
        stated = f"{purl.qualifiers['epoch']}:{stated}"
    if purl.kind == "golang":
        return stated.removeprefix("v") == version.removeprefix("v")
    return stated.removeprefix("0:") == version.removeprefix("0:")


def _holds(key: str, value: str, package: Package) -> bool:
    if key in SAYING_NOTHING:
        return True
    if key == "arch":
        return not package.arch or package.arch == value
    return key == "distro" and _release(value, package.namespace) == channel_of_distro(package.distro)


def _release(text: str, vendor: str) -> str:
    """Return the channel that a distribution's qualifier means: `debian-12`, or a code name."""
    codename = text.rpartition("/")[2].lower()
    release = {**DEBIAN, **UBUNTU}.get(codename)
    return channel_of_distro(f"{vendor.lower()}-{release}" if release else text)
