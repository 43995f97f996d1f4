"""Elements of an XML document one by one, so that hundreds of megabytes never stand in memory as a tree."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError, iterparse

MAX_DEPTH = 100  # OVAL nests about ten deep
PROLOGUE_BYTES = 10_000


def elements(content: bytes, names: Collection[str]) -> Iterator[Element]:
    """Yield every element of these local names, each gone once the next is asked for.

    Raises ValueError for what is broken, nested too deep, or declares a document type: feeds need no entities.
    """
    if b"<!DOCTYPE" in content[:PROLOGUE_BYTES] or b"<!ENTITY" in content[:PROLOGUE_BYTES]:
        raise ValueError("XML that declares a document type")
    path: list[Element] = []
    within = 0  # elements that were asked for, of which nothing may go yet
    try:
        for event, element in iterparse(BytesIO(content), ("start", "end")):  # noqa: S314 - as above
            if event == "start":
                path.append(element)
                within += local_name(element) in names
                if len(path) > MAX_DEPTH:
                    raise ValueError(f"XML nested deeper than {MAX_DEPTH}")
                continue
            path.pop()
            if local_name(element) in names:
                within -= 1
                yield element
            if not within:
                element.clear()
                if path:
                    path[-1].clear()
    except ParseError as error:
        raise ValueError(f"broken XML: {error}") from None


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]
