"""What comes as a bundle beside the system: conda, Nix, snaps, Homebrew, Bitnami, extensions of an editor."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages import sqlite
from transom.images.packages.texts import MAX_PACKAGES, json_object, table, tables, text, text_lines
from transom.model.packages import Package, Place

MAX_STORE_CHARS = 300  # a name has 211 at most
_NIX = re.compile(
    r"^/nix/store/[0-9a-z]{32}-(?P<name>.+?)-(?P<version>\d[^-]*(?:-(?:beta|rc|alpha|pre|r|p)\S*?)?)(?:-\w+)?$"
)
_BREW = re.compile(r"(?:^|/)(?:Cellar|Caskroom)/(?P<name>[^/]+)/(?P<version>[^/]+)/")
_REVISION = re.compile(r"_\d+$")
_BITNAMI = re.compile(r"^pkg:bitnami/([^@?#/]+)@([^?#]+)(?:\?(?:.*&)?arch=([^&#]+))?")


def read_conda(path: str, content: bytes) -> Iterator[Package]:
    """Yield the package of a file in conda-meta."""
    document = json_object(content)
    name, version = text(document.get("name")), text(document.get("version"))
    licence = text(document.get("license"))
    if name and version:
        yield Package(
            "conda",
            name,
            version,
            arch=text(document.get("subdir")),
            licences=(licence,) if licence else (),
            places=(Place(path),),
            evidence="conda-meta",
        )


def read_nix(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of the Nix database: store paths that carry a version; outputs of one count once."""
    seen: set[tuple[str, str]] = set()
    for (store,) in sqlite.rows(content, "SELECT path FROM ValidPaths", MAX_PACKAGES):
        found = nix_package(store, path) if isinstance(store, str) else None
        if found and (found.name, found.version) not in seen:
            seen.add((found.name, found.version))
            yield found


def nix_package(store: str, path: str) -> Package | None:
    """Return the package of a store path, `/nix/store/HASH-NAME-VERSION`; None for what has no version, and derivations."""
    match = _NIX.match(store) if len(store) <= MAX_STORE_CHARS and not store.endswith(".drv") else None
    return Package("nix", match["name"], match["version"], places=(Place(path),), evidence="nix") if match else None


def read_vscode(path: str, content: bytes) -> Iterator[Package]:
    """Yield the extensions of Visual Studio Code, or of its server, that extensions.json lists."""
    for entry in tables(json_object(b'{"all":' + content + b"}").get("all")):
        identity, version = text(table(entry.get("identifier")).get("id")), text(entry.get("version"))
        publisher, dot, name = identity.partition(".")
        if dot and name and version:
            yield Package("vscode-extension", name, version, publisher, places=(Place(path),), evidence="vscode")


def read_snap(path: str, content: bytes) -> Iterator[Package]:
    """Yield the snap of a meta/snap.yaml."""
    fields: dict[str, str] = {}
    for _, line in text_lines(content):
        key, colon, value = line.partition(":")
        if colon and key in ("name", "version", "license"):
            fields[key] = value.strip(" '\"")
    if fields.get("name") and fields.get("version"):
        licences = (fields["license"],) if fields.get("license") else ()
        yield Package(
            "snap", fields["name"], fields["version"], licences=licences, places=(Place(path),), evidence="snap"
        )


def read_brew(path: str, content: bytes) -> Iterator[Package]:
    """Yield the formula whose receipt this is; its folder says which, and its rebuild is no part of the version."""
    match = _BREW.search(path)
    if match:
        version = _REVISION.sub("", match["version"])
        yield Package("brew", match["name"], version, places=(Place(path),), evidence="homebrew")


def read_bitnami(path: str, content: bytes) -> Iterator[Package]:
    """Yield the applications of the SPDX file that Bitnami's images bring along; its purls say which they are."""
    for entry in tables(json_object(content).get("packages")):
        for reference in tables(entry.get("externalRefs")):
            match = _BITNAMI.match(text(reference.get("referenceLocator")))
            if match:
                licence = text(entry.get("licenseDeclared"))
                yield Package(
                    "bitnami",
                    match[1],
                    match[2],
                    arch=match[3] or "",
                    licences=(licence,) if licence not in ("", "NOASSERTION", "NONE") else (),
                    places=(Place(path),),
                    evidence="bitnami",
                )
