"""Names of the Common Platform Enumeration 2.3 (NIST IR 7695): what the National Vulnerability Database calls products."""

from __future__ import annotations

import re

from transom.model.packages import Package

ANY = ":*:*:*:*:*:*:*"
_PLAIN = re.compile(r"[^a-z0-9!-/:-@\[-`{-~]")  # neither letters, digits nor what may be quoted
_SPECIAL = re.compile(r"([^a-z0-9._\-])")
_FORGES = ("github.com/", "gitlab.com/", "bitbucket.org/")


def cpes(package: Package) -> tuple[str, ...]:
    """Return the CPEs of a package: those that its evidence tells, else the likely one by its name and maker."""
    return package.cpes or (f"cpe:2.3:a:{_part(_vendor(package))}:{_part(package.name)}:{_version(package)}{ANY}",)


def _vendor(package: Package) -> str:
    """Return who makes a package, as far as its namespace tells: else its name, which is usual in the database."""
    namespace = package.namespace
    if package.kind == "maven":
        labels = namespace.split(".")
        return labels[1] if len(labels) > 1 else namespace or package.name
    if package.kind == "golang" and namespace.startswith(_FORGES):
        return namespace.split("/")[1]
    if package.kind in ("npm", "composer"):
        return namespace.removeprefix("@") or package.name
    return package.name


def _version(package: Package) -> str:
    version = package.version
    epoch, colon, rest = version.partition(":")
    return _part(rest if colon and epoch.isdecimal() else version)


def _part(text: str) -> str:
    """Return a text as a part of a formatted string: in lower case, quoted, `*` for nothing."""
    return _SPECIAL.sub(r"\\\1", _PLAIN.sub("_", text.lower())) if text else "*"
