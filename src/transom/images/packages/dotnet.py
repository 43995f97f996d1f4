""".NET: what an application was published with, lock files, and what assemblies say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages import pe
from transom.images.packages.texts import Lines, json_object, table, text, xml_root
from transom.model.packages import Package, Place

BUILT_ALONG = ("package", "runtimepack")
_COMMIT = re.compile(r"[+ @].*$")


def _made(path: str, name: str, version: str, evidence: str, line: int = 0, development: bool = False) -> Package:
    return Package("nuget", name, version, places=(Place(path, line=line),), development=development, evidence=evidence)


def read_deps(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a *.deps.json; the projects built with them are told by their assemblies."""
    lines = Lines(content)
    for key, entry in table(json_object(content).get("libraries")).items():
        name, slash, version = key.rpartition("/")
        kind = text(table(entry).get("type"))
        if slash and version and kind in BUILT_ALONG:
            yield _made(path, name.removeprefix("runtimepack."), version, "deps.json", lines.of(f'"{key}"'))


def read_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a packages.lock.json, each once whatever its frameworks."""
    seen: set[tuple[str, str]] = set()
    lines = Lines(content)
    for framework in table(json_object(content).get("dependencies")).values():
        for name, entry in table(framework).items():
            version = text(table(entry).get("resolved"))
            line = lines.of(f'"{name}"')
            if version and (name, version) not in seen:
                seen.add((name, version))
                yield _made(path, name, version, "packages.lock.json", line)


def read_config(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a packages.config."""
    for element in xml_root(content).iter("package"):
        name, version = element.get("id", ""), element.get("version", "")
        if name and version:
            development = element.get("developmentDependency", "").lower() == "true"
            yield _made(path, name, version, "packages.config", development=development)


def of_windows(path: str, content: bytes) -> Iterator[Package]:
    """Yield what the version resource of a PE file tells: an assembly of .NET is of NuGet's kind, others generic."""
    portable = pe.read_pe(content)
    if portable is None:
        return
    told = portable.version
    version = _COMMIT.sub("", told.get("ProductVersion") or told.get("FileVersion", "")).replace(", ", ".")
    file = told.get("InternalName") or told.get("OriginalFilename") or path.rpartition("/")[2]
    name = re.sub(r"\.(?:dll|exe)$", "", file, flags=re.IGNORECASE)
    if portable.managed and name and version[:1].isdigit():
        yield _made(path, name, version, "assembly")
    elif told.get("ProductName") and version[:1].isdigit():
        yield Package("generic", told["ProductName"], version, places=(Place(path),), evidence="pe")
