"""CycloneDX as XML: read into the shape that its JSON has."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

MAX_DEPTH = 200  # components within components
LISTS = frozenset(("components", "licenses", "properties", "occurrences"))
"""Elements that are lists in JSON."""


def document_of(content: bytes) -> dict[str, Any]:
    """Return a document of XML as its JSON would be decoded; raises ValueError."""
    if b"<!" in content.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise ValueError("it declares types or entities, which no bill of materials needs")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - as above
    except ElementTree.ParseError as error:
        raise ValueError(f"it is no XML: {error}") from error
    space, _, name = root.tag.rpartition("}")
    if name != "bom" or "cyclonedx.org/schema/bom/" not in space:
        raise ValueError("it is no CycloneDX")
    made = _made(root, 0)
    return (made if isinstance(made, dict) else {}) | {"specVersion": space.rpartition("/")[2]}


def _made(element: ElementTree.Element, depth: int) -> Any:
    """Return an element as JSON has it: a text, a list, or a map of what stands within."""
    if depth > MAX_DEPTH:
        raise ValueError("it is nested deeper than can be read")
    name = element.tag.rpartition("}")[2]
    if name == "property":
        return {"name": element.get("name", ""), "value": (element.text or "").strip()}
    if name in LISTS:
        return [_item(child, depth) for child in element]
    if not len(element) and not element.attrib:
        return (element.text or "").strip()
    made = {child.tag.rpartition("}")[2]: _made(child, depth + 1) for child in element}
    return dict(element.attrib) | made


def _item(element: ElementTree.Element, depth: int) -> Any:
    made = _made(element, depth + 1)
    name = element.tag.rpartition("}")[2]
    return {name: made} if name in ("license", "expression") else made
