"""Python: what is installed (core metadata), and what lock files and requirements pin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from transom.images.packages.archives import member, opened
from transom.images.packages.control import paragraphs
from transom.images.packages.reach import reachable
from transom.images.packages.texts import Lines, json_object, table, tables, text, text_lines, toml_table
from transom.model.packages import Package, Place

WANTED = frozenset(("name", "version", "license", "license-expression"))
MAX_LICENCE_CHARS = 100  # some put the whole text there
MAX_METADATA_BYTES = 4 * 1024 * 1024
_SEPARATORS = re.compile(r"[-_.]+")
_PINNED = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\]\s*)?={2,3}\s*([^\s;,#\\*]+)(?=[\s;#\\]|$)")
_CLASSIFIER = re.compile(rb"^Classifier:\s*License\s*::\s*(?:OSI Approved\s*::\s*)?(.+)$", re.MULTILINE)


def normal(name: str) -> str:
    """Return a project's name as indexes compare it (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def _made(path: str, name: str, version: str, evidence: str, line: int = 0, development: bool = False) -> Package:
    return Package(
        "pypi", normal(name), version, places=(Place(path, line=line),), development=development, evidence=evidence
    )


def read_metadata(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of a METADATA or PKG-INFO file."""
    head = content[:MAX_METADATA_BYTES].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    for fields in paragraphs(head, WANTED):
        name, version = fields.get("name", ""), fields.get("version", "")
        if name and version:
            evidence = "dist-info" if path.endswith("METADATA") else "egg-info"
            yield Package(
                "pypi",
                normal(name),
                version,
                licences=_licences(fields, head),
                places=(Place(path),),
                evidence=evidence,
            )


def _licences(fields: Mapping[str, str], head: bytes) -> tuple[str, ...]:
    told = fields.get("license-expression") or fields.get("license", "")
    if told and told != "UNKNOWN" and "\n" not in told and len(told) <= MAX_LICENCE_CHARS:
        return (told,)
    return tuple(each.decode("utf-8", "replace").strip() for each in _CLASSIFIER.findall(head))


def read_egg(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of an egg, which is a zip."""
    with opened(content) as egg:
        inside = member(egg, "EGG-INFO/PKG-INFO", MAX_METADATA_BYTES)
    if inside is not None:
        for package in read_metadata("PKG-INFO", inside):
            yield _made(path, package.name, package.version, "egg")


def read_requirements(path: str, content: bytes) -> Iterator[Package]:
    """Yield what a requirements file pins to one version; what it leaves open says nothing of what is installed."""
    for number, line in text_lines(content):
        match = _PINNED.match(line)
        if match:
            yield _made(path, match[1], match[2], "requirements.txt", number)


def read_pipfile_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a Pipfile.lock."""
    document, lines = json_object(content), Lines(content)
    for section, development in (("default", False), ("develop", True)):
        for name, entry in table(document.get(section)).items():
            version = text(table(entry).get("version")).lstrip("=")
            if version:
                yield _made(path, name, version, "Pipfile.lock", lines.of(f'"{name}"'), development)


def _locked(path: str, content: bytes, key: str, evidence: str) -> Iterator[tuple[Package, dict[str, Any]]]:
    lines = Lines(content)
    for entry in tables(toml_table(content).get(key)):
        name, version = text(entry.get("name")), text(entry.get("version"))
        line = lines.of(f'name = "{name}"')
        if name and version:
            yield _made(path, name, version, evidence, line), entry


def read_poetry_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a poetry.lock; version 1 told of development by category, version 2 does by groups."""
    for package, entry in _locked(path, content, "package", "poetry.lock"):
        groups = entry.get("groups")
        development = text(entry.get("category")) == "dev" or (isinstance(groups, list) and "main" not in groups)
        yield _marked(package, development)


def read_pdm_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a pdm.lock."""
    for package, entry in _locked(path, content, "package", "pdm.lock"):
        groups = entry.get("groups")
        yield _marked(package, isinstance(groups, list) and "default" not in groups)


def read_pylock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a pylock.toml (PEP 751)."""
    for package, _ in _locked(path, content, "packages", "pylock.toml"):
        yield package


def read_uv_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a uv.lock, but not the project that it belongs to."""
    entries = list(_locked(path, content, "package", "uv.lock"))
    roots = [(package, entry) for package, entry in entries if _is_project(entry)]
    graph: dict[str, list[str]] = {}
    for package, entry in entries:
        graph.setdefault(package.name, []).extend(_needs(entry))
    needed = reachable(graph, [package.name for package, _ in roots])
    for package, entry in entries:
        if not _is_project(entry):
            yield _marked(package, bool(roots) and package.name not in needed)


def _is_project(entry: dict[str, Any]) -> bool:
    source = table(entry.get("source"))
    return any(key in source for key in ("editable", "virtual", "directory"))


def _needs(entry: dict[str, Any]) -> Iterable[str]:
    wanted = list(tables(entry.get("dependencies")))
    for extra in table(entry.get("optional-dependencies")).values():
        wanted += tables(extra)
    return (normal(text(each.get("name"))) for each in wanted)


def _marked(package: Package, development: bool) -> Package:
    from msgspec.structs import replace

    return replace(package, development=True) if development else package
