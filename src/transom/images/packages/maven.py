"""Maven's project files, as far as one of them alone tells (POM reference, 4.0.0)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from msgspec import Struct

from transom.images.packages.texts import MAX_PACKAGES, xml_root

MAX_EXPANSIONS = 10  # properties that name properties
_PROPERTY = re.compile(r"\$\{([^}]+)\}")
_NAMESPACE = re.compile(r"^\{[^}]*\}")


class Coordinates(Struct, frozen=True):
    """What Maven calls a package by."""

    group: str
    artifact: str
    version: str


def coordinates(content: bytes) -> Iterator[Coordinates]:
    """Yield the project's own coordinates, unless they depend on what stands elsewhere."""
    root = xml_root(content)
    known = _properties(root)
    found = Coordinates(known["project.groupId"], known["project.artifactId"], known["project.version"])
    if found.artifact and found.version and "${" not in found.version:
        yield found


def licences(content: bytes) -> tuple[str, ...]:
    """Return the names of the project's licences."""
    names = (_text(_child(each, "name")) for each in _children(_child(xml_root(content), "licenses")))
    return tuple(filter(None, names))


def dependencies(content: bytes) -> Iterator[tuple[Coordinates, bool]]:
    """Yield each dependency whose version the file tells, and whether only tests and builds need it."""
    root = xml_root(content)
    known = _properties(root)
    managed = {}
    for each in _children(_child(_child(root, "dependencyManagement"), "dependencies")):
        found = _coordinates(each, known)
        managed[found.group, found.artifact] = found.version
    for each in _children(_child(root, "dependencies")):
        found = _coordinates(each, known)
        version = found.version or managed.get((found.group, found.artifact), "")
        if found.artifact and version and "${" not in version and version[0] not in "[(":
            scope = _text(_child(each, "scope"))
            yield Coordinates(found.group, found.artifact, version), scope in ("test", "provided")


def _coordinates(element: Element, known: dict[str, str]) -> Coordinates:
    return Coordinates(*(_filled(_text(_child(element, key)), known) for key in ("groupId", "artifactId", "version")))


def _properties(root: Element) -> dict[str, str]:
    parent = _child(root, "parent")
    known = {_tag(each): _text(each) for each in _children(_child(root, "properties"))}
    for key in ("groupId", "artifactId", "version"):
        own = _text(_child(root, key))
        known[f"project.{key}"] = own or ("" if key == "artifactId" else _text(_child(parent, key)))
        known[f"project.parent.{key}"] = _text(_child(parent, key))
    for key in ("groupId", "version"):
        known[f"project.{key}"] = _filled(known[f"project.{key}"], known)
        known[key] = known.get(key) or known[f"project.{key}"]
    return known


def _filled(value: str, known: dict[str, str]) -> str:
    for _ in range(MAX_EXPANSIONS):
        if "${" not in value or len(value) > 1000:
            break
        value = _PROPERTY.sub(lambda match: known.get(match[1], match[0]), value)
    return value


def _tag(element: Element) -> str:
    return _NAMESPACE.sub("", element.tag) if isinstance(element.tag, str) else ""


def _children(element: Element | None) -> list[Element]:
    return list(element)[:MAX_PACKAGES] if element is not None else []


def _child(element: Element | None, name: str) -> Element | None:
    return next((each for each in _children(element) if _tag(each) == name), None)


def _text(element: Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""
