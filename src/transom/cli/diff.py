"""transom diff: two sources in, what differs out."""

from __future__ import annotations

import argparse
import gc
import sys
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, add_input_arguments, add_rule_arguments, command_parser
from transom.cli.clusters import add_cluster_arguments
from transom.cli.images import add_image_arguments
from transom.cli.outputs import add_judging_arguments, add_report_arguments, allowed_by, outputs, write_to
from transom.cli.scanners import add_scanner_arguments
from transom.model.errors import UsageError
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.inventory.diff import Compared
    from transom.report.drift.summary import DriftReport
    from transom.report.summary import Report
    from transom.scan import ScanOptions

EXAMPLES = """\
  transom diff main/deploy deploy                      what a branch changes
  transom diff deploy/ cluster                         what a cluster has that its manifests have not
  transom diff monday.transom cluster --exit-code      whether anything was changed since Monday
  transom diff main deploy -o markdown=comment.md      a comment for the pull request
  transom diff image:web:1 image:web:2 --scanners vuln which vulnerabilities came and went

exit codes: 0 nothing new, 1 new findings at or above --fail-on, 2 usage, 3 incomplete (something was not judged);
with --exit-code also 1 where objects differ in what may matter to security
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("diff", "Tell what differs between two sources: objects, fields and findings.", EXAMPLES)
    made.add_argument("before", metavar="A", nargs="?", help=TARGET_HELP)
    made.add_argument("after", metavar="B", nargs="?", help="the source that A is compared with")
    add_report_arguments(
        made,
        "table (default), json, jsonl or markdown; repeatable, one of them to stdout",
        "exit 1 for new findings from this severity on (default: high)",
    )
    made.add_argument("--exit-code", action="store_true", help="exit 1 also where objects differ")
    add_judging_arguments(made)
    add_input_arguments(made)
    add_rule_arguments(made)
    add_cluster_arguments(made)
    add_image_arguments(made)
    add_scanner_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Compare, write every report, and return the exit code."""
    gc.disable()  # one pass, then exit: collecting cycles costs 3 to 4 times as much as the reading
    from transom.report.drift import FORMATS, write

    wanted = list(outputs(arguments.output, FORMATS))
    if not arguments.before or not arguments.after:
        raise UsageError("name what to compare", "", "transom diff main/deploy deploy")
    if arguments.before == arguments.after == "-":
        raise UsageError("standard input cannot be both sources", "", "write one of them to a file")
    arguments.targets = [arguments.before, arguments.after]
    report = _report(arguments)
    for name, file in wanted:
        options = terminal.file_options() if file else terminal.report_options(sys.stdout)
        write_to(file, lambda stream, name=name, options=options: write(name, report, stream, options))  # type: ignore[misc]
    return report.exit_code


def _report(arguments: argparse.Namespace) -> DriftReport:
    from transom.cli.selection import scan_options
    from transom.inventory.diff import diff, identity, unjudged
    from transom.report.drift.summary import compare

    options = scan_options(arguments)
    before, report_before = _judged(arguments.before, options, arguments)
    after, report_after = _judged(arguments.after, options, arguments)
    return compare(
        report_before,
        report_after,
        diff(before, after),
        identity=identity,
        unjudged_before=unjudged(before),
        unjudged_after=unjudged(after),
        fail_on_drift=arguments.exit_code,
    )


def _judged(target: str, options: ScanOptions, arguments: argparse.Namespace) -> tuple[Compared, Report]:
    """Return a source as it is compared, and the report of its scan."""
    from transom.inventory import Inventory
    from transom.inventory.diff import Compared
    from transom.report.summary import gather
    from transom.scan import scan

    inventory = Inventory()
    with terminal.progress(lambda: terminal.say("{:,} objects read").format(len(inventory))):
        report = gather(
            scan([target], options, inventory),
            rules=options.faces,
            targets=(target,),
            threshold=SEVERITIES[arguments.fail_on],
            allows=allowed_by(arguments.allow_skipped),
        )
    problems = set(options.problems)  # of rules, on both sides: they hide no object
    unread = [skipped for skipped in report.skipped if skipped not in problems]
    return Compared(inventory, options.selection, unread), report
