"""PHP: what Composer installed, and what it locked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.images.packages.texts import Lines, json_object, tables, text
from transom.model.packages import Package, Place


def read_installed(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of vendor/composer/installed.json, a list before Composer 2 and an object since."""
    document = json_object(content) if content.lstrip()[:1] != b"[" else json_object(b'{"packages":' + content + b"}")
    names = document.get("dev-package-names")
    development = frozenset(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else ()
    for entry in tables(document.get("packages")):
        yield from _package(path, entry, "installed.json", text(entry.get("name")) in development)


def read_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a composer.lock."""
    document, lines = json_object(content), Lines(content)
    for section, development in (("packages", False), ("packages-dev", True)):
        for entry in tables(document.get(section)):
            line = lines.of(f'"name": "{text(entry.get("name"))}"')
            yield from _package(path, entry, "composer.lock", development, line)


def _package(path: str, entry: dict[str, Any], evidence: str, development: bool, line: int = 0) -> Iterator[Package]:
    vendor, slash, name = text(entry.get("name")).partition("/")
    version = text(entry.get("version"))
    if not vendor or not version:
        return
    told = entry.get("license")
    yield Package(
        "composer",
        name if slash else vendor,
        version,
        vendor if slash else "",
        licences=tuple(filter(None, map(text, told))) if isinstance(told, list) else tuple(filter(None, (text(told),))),
        places=(Place(path, line=line),),
        development=development,
        evidence=evidence,
    )
