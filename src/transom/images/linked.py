"""Whether a Go program holds what is vulnerable: the functions that an advisory names, against those that were linked.

Go's linker keeps what may be called, so a function that is not in a program cannot be reached in it. That one is in it does
not mean that it is ever called.
"""

from __future__ import annotations

from collections.abc import Iterator

from transom.images.packages.functions import has
from transom.model.advisories import Match, Symbols
from transom.model.packages import Bill, Package
from transom.model.vulnerabilities import Reach

MAIN = "go-main"  # the evidence of the module whose program it is


def reached(found: Match, bill: Bill) -> tuple[Reach, str]:
    """Return whether a vulnerable function is in the programs that hold a module, and the first that is.

    "unknown" where no source names functions, or one of the programs does not tell its own.
    """
    tables = [bill.functions.get(place.path, b"") for place in found.package.places]
    if found.package.kind != "golang" or not found.symbols or not any(tables):
        return "unknown", ""
    for symbols in found.symbols:
        for name in _names(symbols, found.package):
            if any(table and has(table, (name,)) for table in tables):
                return "linked", name
    return ("absent" if all(tables) else "unknown"), ""


def _names(symbols: Symbols, package: Package) -> Iterator[str]:
    """Yield the names under which a program holds them: those of the main package without its path."""
    for name in symbols.names:
        yield f"{symbols.path}.{name}"
        if package.evidence == MAIN:
            yield f"main.{name}"
    if not symbols.names:
        yield symbols.path
