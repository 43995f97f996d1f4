"""transom least packages: which packages of an image its command leads to, and which may be surplus."""

from __future__ import annotations

import argparse
import shlex
import sys
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import Parser
from transom.cli.authority import show
from transom.cli.images import add_image_arguments, image_options
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.images.needs import Needs, System
    from transom.report.grid import Grid

FOLDER, IMAGE = "dir:", "image:"
HEADINGS = (mark("Package"), mark("State"), mark("Needed by"))
NEEDED, CANDIDATE = mark("needed"), mark("candidate")
NOTE = mark(
    "a candidate is no fact: what programs load by name while they run, only watching them tells; so try the image without it"
)


def add_packages_parser(domains: argparse._SubParsersAction[Parser]) -> None:
    """Add `packages` to the domains of `transom least`."""
    made = domains.add_parser("packages", help="packages of an image that its command does not lead to")
    made.add_argument("target", metavar="TARGET", help="an image, OCI layout, saved image, or dir:PATH")
    made.add_argument(
        "--start", metavar="COMMAND", type=shlex.split, default=[], help="what it starts, if not what its config says"
    )
    made.add_argument("-o", "--output", choices=("table", "json"), default="table", help="table (default) or json")
    add_image_arguments(made)


def run_packages(arguments: argparse.Namespace) -> int:
    """Print what is needed and what may not be; exit 1 for candidates, 3 where it cannot be said."""
    from transom.images.needs import needs_of

    system, words, search = _read(arguments)
    if not words:
        raise UsageError("nothing tells what it starts", "", "add --start PROGRAM")
    found = needs_of(system, words, search)
    for reason in found.unknown:
        sys.stderr.write(f"{terminal.say('skipped:')} {reason}\n")
    show(arguments, _grid(found), _record(arguments.target, words, found))
    if found.unknown:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if found.candidates else Exit.CLEAN


def _read(arguments: argparse.Namespace) -> tuple[System, list[str], str]:
    """Return what the target shows, what it starts, and its search path."""
    import os

    from transom.images.needs import system_of_folder, system_of_image

    if arguments.target.startswith(FOLDER):
        root = arguments.target.removeprefix(FOLDER)
        if not os.path.isdir(root):  # noqa: PTH112 - the name is text everywhere else
            raise UsageError(f"cannot read {root}", "it is no folder", "name the folder of a root file system")
        return system_of_folder(root), arguments.start, ""
    from transom.images.opening import open_image

    image = open_image(arguments.target.removeprefix(IMAGE), image_options(arguments))
    settings = image.config.get("config")
    settings = settings if isinstance(settings, dict) else {}
    lists = [settings.get(name) or [] for name in ("Entrypoint", "Cmd")]
    words = [str(word) for each in lists if isinstance(each, list) for word in each]
    variables = [str(each) for each in settings.get("Env") or [] if str(each).startswith("PATH=")]
    search = variables[-1].partition("=")[2] if variables else ""
    return system_of_image(image), arguments.start or words, search


def _grid(found: Needs) -> Grid:
    from transom.report.grid import Grid

    rows = [(each.package, NEEDED, each.of) for each in found.needed]
    rows += [(each, CANDIDATE, "") for each in found.candidates]
    return Grid(HEADINGS, tuple(rows), notes=(terminal.say(NOTE),) if found.candidates else ())


def _record(target: str, words: list[str], found: Needs) -> dict[str, object]:
    return {
        "target": target,
        "command": words[:1],
        "started": [f"/{each}" for each in found.started],
        "needed": [{"package": each.package, "by": each.of} for each in found.needed],
        "candidates": list(found.candidates),
        "unknown": list(found.unknown),
    }
