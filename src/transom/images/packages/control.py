"""Files of paragraphs of `Field: value`, as Debian, opkg and Python metadata have them (RFC 822, deb822(5))."""

from __future__ import annotations

from collections.abc import Iterator

MAX_FIELD_CHARS = 1024 * 1024


def paragraphs(content: bytes, wanted: frozenset[str]) -> Iterator[dict[str, str]]:
    """Yield the wanted fields of each paragraph; names are in lower case, further lines are joined by a line's end."""
    fields: dict[str, str] = {}
    last = ""
    for line in content.decode("utf-8", "replace").split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields, last = {}, ""
        elif line[0] in " \t":
            if last and len(fields[last]) < MAX_FIELD_CHARS:
                fields[last] += "\n" + line.strip()
        else:
            name, colon, value = line.partition(":")
            last = name.strip().lower() if colon else ""
            if last in wanted:
                fields[last] = value.strip()
            else:
                last = ""
    if fields:
        yield fields
