"""transom vulns: the known vulnerabilities of an image, a root file system or an SBOM."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser, severity_label
from transom.cli.images import add_image_arguments
from transom.cli.outputs import DATED, allowed_by, made_at, outputs, write_to
from transom.model.errors import UsageError
from transom.model.findings import Result, Skipped
from transom.model.refs import Ref
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.model.advisories import Match

DEFAULT_DB = "transom.db"
EXAMPLES = """\
  transom db build osv/ secdb/ kev.json                   first: one index of the feeds that you have
  transom vulns debian:12                                 what is vulnerable, worst first
  transom vulns sbom.cdx.json --only-fixable -o sarif=v.sarif
  transom vulns image:./oci-layout --kev --min-epss 0.1   what is exploited, and what likely will be
  transom why-not CVE-2024-21626 debian:12                why nothing is said of one

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete (no feed speaks of something, no index)
"""


TARGET_HELP = "an image, OCI layout, saved image, dir:PATH, or SBOM file"


def add_index_argument(parser: argparse.ArgumentParser) -> None:
    """Add which index is asked."""
    parser.add_argument("--db", metavar="FILE", default=DEFAULT_DB, help=f"the index (default: {DEFAULT_DB})")


def check_index(arguments: argparse.Namespace) -> None:
    """Raise UsageError where there is no index: nothing is fetched by itself."""
    if not Path(arguments.db).is_file():
        raise UsageError(f"there is no index {arguments.db}", "", "transom db build FEED…, or transom db update MIRROR")


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("vulns", "Tell the known vulnerabilities of what an image or an SBOM holds.", EXAMPLES)
    made.add_argument("target", metavar="TARGET", nargs="?", help=TARGET_HELP)
    add_index_argument(made)
    made.add_argument(
        "-o",
        "--output",
        metavar="FORMAT[=FILE]",
        action="append",
        default=[],
        help="as of transom scan; repeatable, one of them to stdout",
    )
    made.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        type=severity_label,
        default="high",
        help="exit 1 from this severity on (default: high)",
    )
    chosen = made.add_argument_group("what is told")
    chosen.add_argument("--only-fixable", action="store_true", help="only what a newer version mends")
    chosen.add_argument("--kev", action="store_true", help="only what is known to be exploited")
    chosen.add_argument("--min-epss", metavar="SCORE", type=float, default=0.0, help="only what is at least as likely")
    made.add_argument("--allow-skipped", metavar="PATTERN", action="append", default=[], help="as of transom scan")
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Write every report and return the exit code."""
    from transom.report.formats import FORMATS, write

    wanted = list(outputs(arguments.output, FORMATS))
    if not arguments.target:
        raise UsageError("name what to look into", "", "transom vulns debian:12")
    check_index(arguments)
    from transom.images.vulnerabilities import VULNERABLE
    from transom.report.summary import gather

    with terminal.progress(lambda: terminal.say("looking")):
        report = gather(
            _results(arguments),
            rules={VULNERABLE.id: VULNERABLE},
            targets=(arguments.target,),
            threshold=SEVERITIES[arguments.fail_on],
            allows=allowed_by(arguments.allow_skipped),
        )
    for name, file in wanted:
        options = terminal.file_options() if file else terminal.report_options(sys.stdout)
        if name in DATED:
            from msgspec.structs import replace

            options = replace(options, made_at=made_at())
        write_to(file, lambda stream, name=name, options=options: write(name, report, stream, options))  # type: ignore[misc]
    return report.exit_code


def _results(arguments: argparse.Namespace) -> Iterator[Result]:
    from transom.advisories import Index
    from transom.cli.sbom import bill_of_target
    from transom.images.vulnerabilities import vulnerabilities

    bill, unread = bill_of_target(arguments)
    ref = Ref(scope="image", name=bill.name)
    yield from (Skipped(ref, reason, "fetch or build it again; what was read counts") for reason in unread)
    with Index(arguments.db) as index:
        yield from vulnerabilities(bill.packages, bill.distro, bill.name, index, lambda each: _is_told(each, arguments))


def _is_told(found: Match, arguments: argparse.Namespace) -> bool:
    if arguments.only_fixable and not found.fixed:
        return False
    if arguments.kev and found.exploited is None:
        return False
    return not arguments.min_epss or (found.likelihood is not None and found.likelihood.score >= arguments.min_epss)
