"""Alpine packages: the database of apk, paragraphs of one-letter fields."""

from __future__ import annotations

from collections.abc import Iterator

from transom.model.packages import Package, Place


def read(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of apk's `installed` file."""
    for paragraph in content.decode("utf-8", "replace").split("\n\n"):
        fields = {
            line[0]: line[2:].strip() for line in paragraph.split("\n") if line[1:2] == ":" and line[0] in "PVAoL"
        }
        if fields.get("P") and fields.get("V"):
            yield Package(
                "apk",
                fields["P"],
                fields["V"],
                arch=fields.get("A", ""),
                source_name=fields.get("o") or fields["P"],
                source_version=fields["V"],
                licences=(fields["L"],) if fields.get("L") else (),
                places=(Place(path),),
                evidence="apk",
            )
