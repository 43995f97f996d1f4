"""transom layers: which step made each layer of an image, how large it is, and what of it nobody sees."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.authority import show
from transom.cli.images import add_image_arguments, image_options
from transom.kube.files import shown
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transom.report.grid import Grid

HEADINGS = (mark("Layer"), mark("Size"), mark("Unseen"), mark("Files"), mark("Step"))
LARGEST = 10  # files that nobody sees, in a table; JSON tells more
EXAMPLES = """\
  transom layers debian:12                     the layers, the lowest first, and the steps that made them
  transom layers image:./layout -o json        with every large file that a higher layer takes away

exit codes: 0 whole, 2 usage, 3 incomplete (something could not be read)
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("layers", "Tell what made each layer of an image, and how large it is.", EXAMPLES)
    made.add_argument("target", metavar="TARGET", nargs="?", help="an image, OCI layout, saved image, or dir:PATH")
    made.add_argument("-o", "--output", choices=("table", "json"), default="table", help="table (default) or json")
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the layers; exit 3 where something could not be read."""
    from transom.images.history import steps, without_arguments
    from transom.images.holdings import holdings, made_by
    from transom.images.sizes import wasted
    from transom.images.targets import inspected

    if not arguments.target:
        raise UsageError("name an image", "", "transom layers debian:12")
    found = inspected(arguments.target, image_options(arguments))
    for layer, unread in found.unread:
        where = shown(unread.path) or f"layer {layer.diff_id}".strip()
        sys.stderr.write(f"{terminal.say('skipped:')} {where}: {unread.reason}\n")
    made = steps(found.image.history)
    by_layer = made_by(made)
    unseen: dict[int, int] = {}
    for each in wasted(found.records):
        unseen[each.layer] = unseen.get(each.layer, 0) + each.size_bytes
    layers = [
        {
            "layer": number + 1,  # as findings number them
            "diffID": layer.diff_id,
            "size": record.size_bytes,
            "unseen": unseen.get(number, 0),
            "entries": record.entries,
            "step": by_layer.get(number) or without_arguments(layer.created_by),
        }
        for number, (layer, record) in enumerate(zip(found.image.layers, found.records, strict=True))
    ]
    sizes = holdings(found, made)["sizes"]
    show(arguments, _grid(layers, sizes), {"target": arguments.target, "layers": layers, "sizes": sizes})
    return Exit.INCOMPLETE if found.unread else Exit.CLEAN


def _grid(layers: list[dict[str, Any]], sizes: dict[str, Any]) -> Grid:
    from transom.report.grid import Grid

    rows = [
        (
            str(each["layer"]),
            terminal.size(each["size"]),
            terminal.size(each["unseen"]),
            f"{each['entries']:,}",
            each["step"],
        )
        for each in layers
    ]
    return Grid(HEADINGS, rows, notes=tuple(_notes(sizes)))


def _notes(sizes: dict[str, Any]) -> Iterator[str]:
    told = terminal.say("{} in all, of which {} are removed or written again by a higher layer")
    yield told.format(terminal.size(sizes["total"]), terminal.size(sizes["wasted"]))
    for each in sizes["largest"][:LARGEST]:
        yield f"{terminal.size(each['size'])}  {each['path']}  {each['step']} > {each['takenBy']}"
