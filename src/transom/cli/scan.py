"""transom scan: targets in, report out."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import (
    TARGET_HELP,
    Parser,
    add_input_arguments,
    add_rule_arguments,
    command_parser,
    severity_label,
)
from transom.model.errors import TransomError, UsageError
from transom.model.findings import Result, Skipped
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.inventory import Inventory
    from transom.report.options import ReportOptions
    from transom.report.summary import Report
    from transom.scan import ScanOptions

DATED = ("html", "gitlab-sast")  # formats that say when a scan was made
EXAMPLES = """\
  transom scan deploy/                                 a table, worst first
  transom scan deploy/ -o table -o sarif=out.sarif     and a file for code scanning
  transom scan deploy/ -o html=report.html             a page to read, search and hand on
  transom scan deploy/ --fail-on critical              exit 1 for critical findings only
  transom scan pod.yaml --pod-security restricted      what Pod Security admission would say
  helm template ./chart | transom scan -               what a chart becomes

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete (something was not judged)
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("scan", "Find every open window in the targets, worst first.", EXAMPLES)
    made.add_argument("targets", metavar="TARGET", nargs="*", help=TARGET_HELP)
    made.add_argument(
        "-o",
        "--output",
        metavar="FORMAT[=FILE]",
        action="append",
        default=[],
        help="table (default), json, jsonl, sarif, html, junit, markdown, csv, gitlab, gitlab-sast or github; "
        "repeatable, one of them to stdout",
    )
    made.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        type=severity_label,
        default="high",
        help="exit 1 from this severity on (default: high)",
    )
    made.add_argument(
        "--only", metavar="WINDOW", action="append", default=[], help="look through this window only (repeatable)"
    )
    made.add_argument(
        "--pod-security", metavar="LEVEL[@VERSION]", help="judge as Pod Security admission does, and nothing else"
    )
    made.add_argument(
        "--allow-skipped",
        metavar="PATTERN",
        action="append",
        default=[],
        help="what was skipped and matches (file, object or rule; * and ?) does not make the scan incomplete",
    )
    made.add_argument("--no-exceptions", action="store_true", help="report also what files declare acceptable")
    add_input_arguments(made)
    add_rule_arguments(made)
    baseline = made.add_argument_group("baseline").add_mutually_exclusive_group()
    baseline.add_argument("--baseline", metavar="FILE", help="report only what this file does not know")
    baseline.add_argument("--write-baseline", metavar="FILE", help="write what is found now as the baseline")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Scan, write every report, and return the exit code."""
    gc.disable()  # one pass, then exit: collecting cycles costs 3 to 4 times as much as the reading
    outputs = list(_outputs(arguments.output))
    if not arguments.targets:
        raise UsageError("name what to scan", "", "transom scan deploy/, or transom scan - for standard input")
    from transom.cli.selection import scan_options
    from transom.inventory import Inventory
    from transom.scan import scan

    options = scan_options(arguments)
    inventory = Inventory()
    with terminal.progress(lambda: terminal.say("{:,} objects read").format(len(inventory))):
        report = _report(scan(arguments.targets, options, inventory), options, arguments)
    for name, file in outputs:
        _write(name, file, report, inventory)
    return report.exit_code


def _outputs(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    from transom.report.formats import FORMATS

    to_stdout = 0
    for text in texts or ["table"]:
        name, _, file = text.partition("=")
        if name not in FORMATS:
            raise UsageError(f"there is no output format {name!r}", "", f"choose from {', '.join(FORMATS)}")
        to_stdout += not file
        yield name, file
    if to_stdout > 1:
        raise UsageError("two outputs cannot both go to stdout", "", "give one of them a file: -o json=report.json")


def _report(results: Iterable[Result], options: ScanOptions, arguments: argparse.Namespace) -> Report:
    from transom.report.summary import gather
    from transom.rules.baseline import read_baseline, write_baseline

    known = read_baseline(arguments.baseline) if arguments.baseline else frozenset()
    patterns = arguments.allow_skipped
    report = gather(
        results,
        rules=options.faces,
        targets=tuple(arguments.targets),
        threshold=SEVERITIES[arguments.fail_on],
        known=known,
        allows=lambda skipped: any(_names(pattern, skipped) for pattern in patterns),
    )
    if not arguments.write_baseline:
        return report
    count = write_baseline(arguments.write_baseline, report.findings)
    told = terminal.say("{} findings written to {}").format(count, arguments.write_baseline)
    sys.stderr.write(told + "\n")
    return report.with_known(frozenset(finding.fingerprint for finding in report.findings))


def _names(pattern: str, skipped: Skipped) -> bool:
    ref = skipped.ref
    return any(
        fnmatchcase(text, pattern)
        for text in (skipped.locator.file, str(ref), ref.short, ref.name, skipped.rule)
        if text
    )


def _write(name: str, file: str, report: Report, inventory: Inventory) -> None:
    from transom.report.formats import write
    from transom.report.options import ReportOptions

    if not file:
        write(name, report, sys.stdout.buffer, _options(name, terminal.report_options(sys.stdout), inventory))
        sys.stdout.buffer.flush()
        return
    to_file = ReportOptions(width=terminal.DEFAULT_WIDTH, language=terminal.language())
    try:
        with open(file, "wb") as stream:  # noqa: PTH123 - also /dev/stderr and the like
            write(name, report, stream, _options(name, to_file, inventory))
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise TransomError(f"cannot write {file}", why, "choose another file") from error


def _options(name: str, options: ReportOptions, inventory: Inventory) -> ReportOptions:
    """Return options with what only some formats ask for: the time, and lines of the sources."""
    if name not in DATED:
        return options
    from time import gmtime, strftime, time

    from msgspec.structs import replace

    from transom.cli.excerpts import excerpts

    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    made_at = strftime("%Y-%m-%dT%H:%M:%S", gmtime(int(seconds) if seconds.isdecimal() else time()))
    return replace(options, made_at=made_at, excerpts=excerpts(inventory))
