"""Modular RPMs: one package in several streams at once, each with fixes of its own."""

from __future__ import annotations

import re

MODULAR = (".module+", ".module_")
"""What the release of a modular package holds, at Red Hat and its rebuilds."""
_NUMBERS = re.compile(r"\d+")


def is_modular(version: str) -> bool:
    """Tell whether a version is of a modular package."""
    return any(mark in version for mark in MODULAR)


def same_stream(installed: str, module: str, bound: str) -> bool:
    """Tell whether what is said of a module, up to a version, is said of an installed version's stream.

    Packages do not say their stream. Where the stream is named like a version (`ruby:2.7`) the installed one must begin
    with it; where it is not (`rhel8`), or is not told, both must have the same first number.
    """
    said_of_modular = bool(module) or is_modular(bound)
    if is_modular(installed) != said_of_modular:
        return not said_of_modular and not bound  # no fix is told: meant are all builds of the package
    if not said_of_modular:
        return True
    numbers = _upstream(installed)
    stream = _NUMBERS.findall(module.partition(":")[2]) if re.fullmatch(r"[^:]*:[\d.]+", module) else []
    if stream:
        return numbers[: len(stream)] == stream
    return not bound or numbers[:1] == _upstream(bound)[:1]


def _upstream(version: str) -> list[str]:
    """Return the numbers of the upstream version: without epoch and release."""
    return _NUMBERS.findall(version.rpartition(":")[2].partition("-")[0])
