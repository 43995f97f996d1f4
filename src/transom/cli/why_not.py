"""transom why-not: why packages do not match a vulnerability, by each source's word."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.authority import remark
from transom.cli.images import add_image_arguments
from transom.cli.scanners import add_index_argument, check_index
from transom.cli.vulns import TARGET_HELP
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.model.packages import Package

EXAMPLES = """\
  transom why-not CVE-2024-21626 debian:12
  transom why-not GHSA-xxxx-xxxx-xxxx sbom.cdx.json

exit codes: 0 nothing matches, 1 something does, 2 usage, 3 incomplete (something could not be read)
"""
HEADINGS = (mark("package"), mark("version"), mark("why"), mark("source"), mark("record"))
MATCHES = mark("it matches: {}")


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("why-not", "Tell why packages do not match a vulnerability, or that they do.", EXAMPLES)
    made.add_argument("id", metavar="ID", help="CVE-…, GHSA-… or any other name")
    made.add_argument("target", metavar="TARGET", help=TARGET_HELP)
    add_index_argument(made)
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print a row for each package that a source speaks of."""
    from transom.cli.sbom import bill_of_target
    from transom.report.grid import Grid, write

    check_index(arguments)
    bill, unread = bill_of_target(arguments)
    for reason in unread:
        remark(terminal.say("skipped: {}").format(reason))
    rows, matched = [], False
    for row, matches in _rows(arguments, bill.packages, bill.distro):
        rows.append(row)
        matched = matched or matches
    title = (
        terminal.say("No package of {} is one that sources of the index speak of").format(bill.name) if not rows else ""
    )
    write(Grid(HEADINGS, rows, title), sys.stdout.buffer, terminal.report_options(sys.stdout))
    if unread:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if matched else Exit.CLEAN


def _rows(
    arguments: argparse.Namespace, packages: tuple[Package, ...], distro: str
) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Yield a row for each answer that a source gives, and whether it is a match."""
    from transom.advisories import Index, why_not
    from transom.model.advisories import Match

    with Index(arguments.db) as index:
        for package in packages:
            for answer in why_not(package, arguments.id, distro, index):
                if isinstance(answer, Match):
                    reason = answer.reasons[0]
                    told = terminal.say(MATCHES).format(reason.versions)
                    yield (package.name, package.version, told, reason.feed, reason.record), True
                elif answer.feed:
                    yield (package.name, package.version, answer.reason, answer.feed, answer.record), False
