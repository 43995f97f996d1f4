"""transom doctor: can this installation do its work, and how well."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata

from transom import __version__
from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.model.errors import TransomError
from transom.model.exits import Exit
from transom.model.language import mark, translated

LIBRARIES = ("msgspec", "PyYAML", "google-re2", "pathspec", "urllib3", "wcwidth")


def parser() -> Parser:
    """Return the parser of the command."""
    return command_parser("doctor", "Tell whether this installation can do its work.")


def run(_: argparse.Namespace) -> int:
    """Print one line for each part; exit 3 where one is broken."""
    broken = 0
    for name, check in CHECKS.items():
        try:
            state, text = "ok", check()
        except (TransomError, ImportError, metadata.PackageNotFoundError) as error:
            state, text, broken = "broken", str(error), broken + 1
        shown = translated(text, terminal.language())
        sys.stdout.write(f"{state:6}  {name:10}  {shown}\n")
    return Exit.INCOMPLETE if broken else Exit.CLEAN


def _versions() -> Iterator[str]:
    for library in LIBRARIES:
        yield f"{library} {metadata.version(library)}"


def _yaml() -> str:
    from yaml._yaml import CParser  # the pure Python parser is twenty times slower and not used

    return mark("C parser of libyaml ({})").format(CParser.__name__)


def _regular_expressions() -> str:
    import re2

    return mark("RE2, linear time") if re2.search("(a+)+$", "a" * 5_000 + "b") is None else "RE2"


def _rules() -> str:
    from transom.rules.load import builtin_pack

    pack = builtin_pack()
    if pack.problems:
        raise TransomError(f"{len(pack.problems)} rules do not load", pack.problems[0].reason, "install Transom again")
    return mark("{} rules load").format(len(pack.rules))


def _schemas() -> str:
    from transom.workloads.schemas import is_installed

    if is_installed():
        return mark("objects are judged by the schemas of Kubernetes")
    return mark("not installed: objects are not judged by schemas; pip install transom[schemas]")


def _cache() -> str:
    from transom.rules.folder import cache_folder

    folder = cache_folder()
    return str(folder) if folder else mark("none: compiled rules are not kept, each run compiles them again")


def _terminal() -> str:
    colour = mark("colour") if terminal.wants_colour(sys.stdout) else mark("no colour")
    columns = terminal.width(sys.stdout)
    return mark("{} columns, {}, {}, {}").format(columns, colour, terminal.language(), sys.stdout.encoding)


CHECKS: dict[str, Callable[[], str]] = {
    "transom": lambda: mark("{} on Python {}, {} cores").format(__version__, platform.python_version(), os.cpu_count()),
    "libraries": lambda: ", ".join(_versions()),
    "yaml": _yaml,
    "regex": _regular_expressions,
    "rules": _rules,
    "schemas": _schemas,
    "cache": _cache,
    "terminal": _terminal,
}
"""What is looked at, in the order of the printed lines."""
