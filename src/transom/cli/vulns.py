"""transom vulns: the known vulnerabilities of an image, a root file system or an SBOM, and nothing else of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.images import add_image_arguments, image_options
from transom.cli.outputs import add_report_arguments, allowed_by, outputs, write_reports
from transom.cli.scanners import (
    VULNERABLE,
    add_grouping_argument,
    add_vulnerability_arguments,
    advised,
    check_index,
    ignores,
    index_options,
)
from transom.cli.stored import add_stored_arguments, of_stored
from transom.model.errors import UsageError
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.scan import ScanOptions

EXAMPLES = """\
  transom db build osv/ secdb/ kev.json                   first: one index of the feeds that you have
  transom vulns debian:12                                 what is vulnerable, worst first
  transom vulns sbom.cdx.json --only-fixable -o sarif=v.sarif
  transom vulns image:./oci-layout --kev --min-epss 0.1   what is exploited, and what likely will be
  transom vulns --stored --changed-since old.db           of all kept bills, what the last update tells
  transom why-not CVE-2024-21626 debian:12                why nothing is said of one

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete (no feed speaks of something, no index)
"""


TARGET_HELP = "an image, OCI layout, saved image, container:NAME, dir:PATH, or SBOM file"


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("vulns", "Tell the known vulnerabilities of what an image or an SBOM holds.", EXAMPLES)
    made.add_argument("target", metavar="TARGET", nargs="?", help=TARGET_HELP)
    add_report_arguments(made)
    add_vulnerability_arguments(made)
    add_grouping_argument(made)
    add_stored_arguments(made)
    made.add_argument("--config", metavar="FILE", help="settings (default: transom.yaml, where there is one)")
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Write every report and return the exit code."""
    from transom.report.formats import FORMATS

    wanted = list(outputs(arguments.output, FORMATS))
    if not arguments.target and arguments.stored is None:
        raise UsageError("name what to look into", "", "transom vulns debian:12")
    check_index(arguments)

    from transom.cli.sbom import named
    from transom.inventory import Inventory
    from transom.report.summary import gather
    from transom.scan import scan

    options, inventory = options_of(arguments), Inventory()
    with terminal.progress(lambda: terminal.say("looking")):
        kept = arguments.stored is not None
        report = gather(
            of_stored(arguments, options) if kept else scan([named(arguments.target)], options, inventory),
            rules=options.faces,
            targets=(arguments.stored or "kept bills" if kept else arguments.target,),
            threshold=SEVERITIES[arguments.fail_on],
            allows=allowed_by(arguments.allow_skipped),
        )
    report = advised(report, inventory, options)
    return write_reports(report, wanted, group_by=arguments.group_by)


def options_of(arguments: argparse.Namespace) -> ScanOptions:
    """Return a scan that asks the index alone, and accepts what the team's exceptions of vulnerabilities accept."""
    from transom.cli.selection import waivers
    from transom.cli.settings import read_settings
    from transom.rules.load import builtin_pack
    from transom.scan import ScanOptions

    settings = read_settings(arguments.config)
    ignored, unusable = ignores(arguments)
    known = [*builtin_pack().faces, VULNERABLE] if settings.exceptions else ()
    return ScanOptions(
        images=image_options(arguments),
        vulnerabilities=index_options(arguments),
        waivers=[*(each for each in waivers(settings, known) if each.rule == VULNERABLE), *ignored],
        problems=unusable,
    )
