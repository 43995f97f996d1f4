"""RPMs that come in several streams at once, each with fixes of its own: modules, Amazon's extras, Oracle's flavours."""

from __future__ import annotations

import re

MODULAR = (".module+", ".module_")
"""What the release of a modular package holds, at Red Hat and its rebuilds."""
EXTRA = "extra:"
"""How the topic of Amazon's extras is told in the place of a module: `extra:kernel-5.10`."""
FLAVOURS = ("ksplice", "_fips", "_fdo")
"""Words in the releases of Oracle's other builds of a package, whose fixes are not those of the usual one."""
_NUMBERS = re.compile(r"\d+")
_LAST_NUMBERS = re.compile(r"\d+(?:\.\d+)*\Z")


def is_modular(version: str) -> bool:
    """Tell whether a version is of a modular package."""
    return any(mark in version for mark in MODULAR)


def same_stream(installed: str, module: str, bound: str) -> bool:
    """Tell whether what is said of a module, up to a version, is said of an installed version's stream.

    Packages do not say their stream. Where the stream is named like a version (`ruby:2.7`) the installed one must begin
    with it; where it is not (`rhel8`), or is not told, both must have the same first number.
    """
    if module.startswith(EXTRA):
        return _same_topic(installed, module, bound)
    if bound and any((word in installed) != (word in bound) for word in FLAVOURS):
        return False
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


def _same_topic(installed: str, topic: str, bound: str) -> bool:
    """Tell whether an installed version is of a topic: it is where the fix is numbered like the topic, or as it is not.

    Amazon's kernels 4.14, 5.4, 5.10 and 5.15 are one package; its topics also hold packages with numbers of their own.
    """
    told = _LAST_NUMBERS.search(topic)
    numbers = _NUMBERS.findall(told[0]) if told else []
    if not numbers or _upstream(bound)[: len(numbers)] != numbers:
        return True
    return _upstream(installed)[: len(numbers)] == numbers
