"""Versions of packages: one order key for each way to number them. A range test is a comparison of bytes."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

SCHEMES = {
    "dpkg": "dpkg:order_key",
    "rpm": "rpm:order_key",
    "apk": "apk:order_key",
    "pypi": "pep440:order_key",
    "semver": "semantic:order_key",
    "npm": "semantic:order_key",
    "go": "semantic:order_key",
    "cargo": "semantic:order_key",
    "nuget": "semantic:order_key_nuget",
    "pub": "semantic:order_key_pub",
    "maven": "maven:order_key",
    "gem": "gem:order_key",
    "composer": "composer:order_key",
    "cran": "dotted:order_key",
    "hackage": "dotted:order_key",
}
"""What makes the keys of a scheme: module and function."""


def order_key_of(scheme: str) -> Callable[[str], bytes]:
    """Return the function that makes order keys of a scheme; it raises VersionError for what is no version."""
    module, _, name = SCHEMES[scheme].partition(":")
    made: Callable[[str], bytes] = getattr(import_module(f"{__name__}.{module}"), name)
    return made
