"""Node: the package.json of what is installed, and the lock files of npm, Bun and Deno."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.images.packages.once import once
from transom.images.packages.reach import reachable
from transom.images.packages.texts import Lines, json_object, relaxed_json_object, table, text
from transom.model.packages import Package, Place

MAX_DEPTH = 200  # of dependencies within dependencies
MAX_NAME_CHARS = 214  # the registry's own limit
RUNTIME = ("dependencies", "optionalDependencies", "peerDependencies")
NO_VERSION = ("file:", "link:", "workspace:", "portal:", "git", "http", "github:")


def made(
    path: str,
    name: str,
    version: str,
    evidence: str,
    line: int = 0,
    development: bool = False,
    licences: tuple[str, ...] = (),
) -> Package:
    """Return the package of a name that may begin with a scope, which is the purl's namespace."""
    scope, slash, rest = name.partition("/")
    namespace, bare = (scope, rest) if slash and scope.startswith("@") else ("", name)
    return Package(
        "npm",
        bare,
        version,
        namespace,
        licences=licences,
        places=(Place(path, line=line),),
        development=development,
        evidence=evidence,
    )


def split(spec: str) -> tuple[str, str]:
    """Return the name and version of `name@version` or `@scope/name@version`; an alias gives way to what it is for."""
    at = spec.find("@", 1)
    if at < 0:
        return spec, ""
    name, version = spec[:at], spec[at + 1 :]
    if version.startswith("npm:"):
        real = version.removeprefix("npm:")
        return split(real) if "@" in real[1:] else (name, real)
    return name, version


def is_version(version: str) -> bool:
    """Tell whether a registry gave it, not a folder, a repository or an address."""
    return bool(version) and not version.startswith(NO_VERSION)


def read_package(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of a package.json that names itself and its version; others are parts or examples."""
    document = json_object(content)
    name, version = text(document.get("name")), text(document.get("version"))
    if name and version and len(name) <= MAX_NAME_CHARS:
        yield made(path, name, version, "package.json", licences=tuple(_licences(document)))


def _licences(document: dict[str, Any]) -> Iterator[str]:
    told = document.get("license") or document.get("licenses")
    for each in told if isinstance(told, list) else [told]:
        found = text(each) or text(table(each).get("type"))
        if found:
            yield found


@once
def read_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a package-lock.json or npm-shrinkwrap.json, versions 1 to 3."""
    document = json_object(content)
    lines = Lines(content)
    if isinstance(document.get("packages"), dict):
        yield from _by_folder(path, document["packages"], lines)
    else:
        yield from _nested(path, table(document.get("dependencies")), lines)


def _by_folder(path: str, folders: dict[str, Any], lines: Lines) -> Iterator[Package]:
    for folder, entry in folders.items():
        entry = table(entry)
        line = lines.of(f'"{folder}"')
        version = text(entry.get("version"))
        if "node_modules/" in folder and not entry.get("link") and is_version(version):
            name = text(entry.get("name")) or folder.rpartition("node_modules/")[2]
            development = bool(entry.get("dev"))  # devOptional: what runs may use it too
            licences = tuple(_licences(entry))
            yield made(path, name, version, "package-lock.json", line, development, licences)


def _nested(path: str, dependencies: dict[str, Any], lines: Lines, depth: int = 0) -> Iterator[Package]:
    if depth > MAX_DEPTH:
        raise ValueError(f"its dependencies are deeper than {MAX_DEPTH}")
    for name, entry in dependencies.items():
        entry = table(entry)
        line = lines.of(f'"{name}"')
        real, version = split(f"{name}@{text(entry.get('version'))}")
        if is_version(version):
            yield made(path, real, version, "package-lock.json", line, bool(entry.get("dev")))
        yield from _nested(path, table(entry.get("dependencies")), lines, depth + 1)


@once
def read_bun_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a bun.lock: lists of `name@version`, registry, and what it needs; the key may be a path."""
    document, lines = relaxed_json_object(content), Lines(content)
    packages = {key: entry for key, entry in table(document.get("packages")).items() if isinstance(entry, list)}
    graph = {key: _bun_needs(key, entry, packages) for key, entry in packages.items()}
    projects = table(document.get("workspaces")).values()
    roots = [name for project in projects for field in RUNTIME for name in table(table(project).get(field))]
    needed = reachable(graph, roots)
    for key, entry in packages.items():
        line = lines.of(f'"{key}": [')
        name, version = split(text(entry[0])) if entry else ("", "")
        if is_version(version):
            yield made(path, name, version, "bun.lock", line, bool(roots) and key not in needed)


def _bun_needs(key: str, entry: list[Any], packages: dict[str, list[Any]]) -> list[str]:
    """Return the keys of what a package needs: one below its own key comes before one of the name alone."""
    told = next((each for each in entry[1:] if isinstance(each, dict)), {})
    names = [name for field in RUNTIME for name in table(told.get(field))]
    return [f"{key}/{name}" if f"{key}/{name}" in packages else name for name in names]


def read_deno_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the npm and JSR packages of a deno.lock, versions 2 to 5; peers stand behind an underscore."""
    document, lines = json_object(content), Lines(content)
    within = table(document.get("packages"))
    npm = table(document.get("npm") or within.get("npm"))
    for key in npm.get("packages") or npm if isinstance(npm.get("packages"), dict) else npm:
        name, version = split(key)
        if version:
            yield made(path, name, version.partition("_")[0], "deno.lock", lines.of(f'"{key}"'))
    for key in table(document.get("jsr") or within.get("jsr")):
        name, version = split(key)
        scope, _, bare = name.partition("/")
        if version:
            yield Package("jsr", bare, version, scope, places=(Place(path),), evidence="deno.lock")
