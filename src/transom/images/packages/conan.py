"""C and C++: conan.lock of both generations, and vcpkg's list of what it installed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.control import paragraphs
from transom.images.packages.texts import Lines, json_object, table, text
from transom.model.packages import Package, Place

_REFERENCE = re.compile(r"^([\w.+-]+)/([^@#\s]+)(?:@([^#]*))?")
VCPKG_FIELDS = frozenset(("package", "version", "architecture", "status"))


def read_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a conan.lock: `name/version@user/channel#revision`, in lists or in a graph's nodes."""
    document, lines = json_object(content), Lines(content)
    found: dict[str, bool] = {}
    for key, development in (("requires", False), ("build_requires", True), ("python_requires", True)):
        told = document.get(key)
        for each in told if isinstance(told, list) else ():
            found.setdefault(text(each), development)
    for node in table(table(document.get("graph_lock")).get("nodes")).values():
        found.setdefault(text(table(node).get("ref")), False)
    for reference, development in found.items():
        match = _REFERENCE.match(reference)
        if match:
            places = (Place(path, line=lines.of(reference)),)
            yield Package("conan", match[1], match[2], places=places, development=development, evidence="conan.lock")


def read_vcpkg(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of vcpkg's status file."""
    for fields in paragraphs(content, VCPKG_FIELDS):
        installed = fields.get("status", "").endswith(" installed")
        if installed and fields.get("package") and fields.get("version"):
            yield Package(
                "vcpkg",
                fields["package"],
                fields["version"],
                arch=fields.get("architecture", ""),
                places=(Place(path),),
                evidence="vcpkg",
            )
