"""transom sbom: what an image holds, as a bill of materials."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.images import add_image_arguments, image_options
from transom.cli.outputs import outputs, write_to
from transom.cli.stored import add_keep_argument, keep
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.model.packages import Bill
    from transom.report.grid import Grid

FORMATS = ("table", "cyclonedx-json", "spdx-json")
HEADINGS = (mark("Name"), mark("Version"), mark("Type"), mark("Licences"), mark("Layer"), mark("Place"))
FILES = (".json", ".xml", ".spdx", ".tar")  # what is named so is no image
EXAMPLES = """\
  transom sbom debian:12                                  every package, and the layer that brought it
  transom sbom image:./oci-layout -o cyclonedx-json=a.json
  transom sbom dir:/mnt/root -o spdx-json                 a root file system
  transom sbom a.json -o spdx-json                        one format into the other

exit codes: 0 whole, 2 usage, 3 incomplete (something could not be read)
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("sbom", "Tell every package of an image, a root file system or another SBOM.", EXAMPLES)
    made.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        help="an image, OCI layout, saved image, container:NAME, dir:PATH, or SBOM file",
    )
    made.add_argument(
        "-o",
        "--output",
        metavar="FORMAT[=FILE]",
        action="append",
        default=[],
        help="table (default), cyclonedx-json or spdx-json; repeatable, one of them to stdout",
    )
    made.add_argument("--output-file", metavar="FILE", default="", help="write the one output there")
    add_keep_argument(made)
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Write every output; exit 3 where something could not be read."""
    wanted = list(outputs(arguments.output, FORMATS))
    if not arguments.target:
        raise UsageError("name what to look into", "", "transom sbom debian:12")
    if arguments.output_file:
        if len(wanted) > 1 or wanted[0][1]:
            raise UsageError("--output-file is for one output", "", "give each a file: -o spdx-json=a.json")
        wanted = [(wanted[0][0], arguments.output_file)]
    bill, unread = bill_of_target(arguments)
    keep(arguments, [bill])
    for reason in unread:
        sys.stderr.write(f"{terminal.say('skipped:')} {reason}\n")
    for name, file in wanted:
        write_to(file, lambda stream, name=name, file=file: _write(name, bill, stream, bool(file)))  # type: ignore[misc]
    return Exit.INCOMPLETE if unread else Exit.CLEAN


def bill_of_target(arguments: argparse.Namespace) -> tuple[Bill, list[str]]:
    """Return the bill of the target, and what could not be read of it."""
    from transom.images.sbom.bill import bill_of
    from transom.images.targets import inspected, name_of
    from transom.kube.files import shown
    from transom.model.images import OF_IMAGES

    target = named(arguments.target)
    if not target.startswith(OF_IMAGES):
        from transom.images.sbom.reading import read_bill

        return read_bill(target), []
    found = inspected(target, image_options(arguments))
    unread = [f"{shown(each.path) or f'layer {layer.diff_id}'.strip()}: {each.reason}" for layer, each in found.unread]
    return bill_of(found, name_of(target)), unread


def named(target: str) -> str:
    """Return a target as a scan names it, where `image:` may be left out; raises UsageError for files that are not there."""
    from transom.model.images import OF_IMAGES
    from transom.registry.layouts import is_layout

    if target.startswith(OF_IMAGES):
        return target
    if os.path.isfile(target) and not is_layout(target):  # noqa: PTH113 - a name, as typed
        return target
    if not os.path.exists(target) and (target.endswith(FILES) or target.startswith((".", "/"))):  # noqa: PTH110
        raise UsageError(f"there is no file {target}", "", "check the path")
    return f"image:{target}"


def _write(name: str, bill: Bill, stream: BinaryIO, to_file: bool) -> None:
    if name == "table":
        options = terminal.file_options() if to_file else terminal.report_options(sys.stdout)
        from transom.report.grid import lines

        stream.writelines(f"{line}\n".encode("utf-8", "replace") for line in lines(_grid(bill), options))
        return
    if name == "cyclonedx-json":
        from transom.images.sbom.cyclonedx import write
    else:
        from transom.images.sbom.spdx import write
    stream.write(write(bill, _made_at(bill)))


def _grid(bill: Bill) -> Grid:
    from transom.images.sbom.licences import expression
    from transom.report.grid import Grid

    numbers = {diff_id: str(number) for number, (diff_id, _) in enumerate(bill.layers, 1)}
    rows = []
    for package in bill.packages:
        name = f"{package.namespace}/{package.name}" if package.namespace and not package.distro else package.name
        licences = expression(package.licences) or ", ".join(package.licences)
        place = package.places[0] if package.places else None
        layer = numbers.get(place.layer, "") if place else ""
        rows.append((name, package.version, package.kind, licences, layer, place.path if place else ""))
    notes = [f"{number} {instruction}" for number, (_, instruction) in enumerate(bill.layers, 1) if instruction]
    title = " ".join(filter(None, (bill.name, bill.platform, bill.distro, bill.base and f"on {bill.base}")))
    return Grid(HEADINGS, rows, title, notes)


def _made_at(bill: Bill) -> str:
    """Return when the bill was made: what SOURCE_DATE_EPOCH says, else when the image was, else now."""
    from datetime import UTC, datetime

    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    try:
        made = datetime.fromtimestamp(int(seconds), UTC) if seconds else datetime.fromisoformat(bill.created)
    except (ValueError, OverflowError, OSError):
        made = datetime.now(UTC)
    return made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
