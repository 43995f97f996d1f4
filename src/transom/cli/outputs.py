"""Where results go: the formats and files that -o names, and which skips a person allowed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from transom.cli import terminal
from transom.cli.arguments import severity_label
from transom.model.errors import TransomError, UsageError
from transom.model.findings import Skipped
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.report.options import ReportOptions
    from transom.report.summary import Report

DATED = ("html", "gitlab-sast", "oscal", "openvex", "cyclonedx-vex", "csaf")
"""Formats that say when a scan was made."""

FAIL_ON = mark("exit 1 from this severity on (default: high)")
SCAN_FORMATS = mark(
    "table (default), json, jsonl, sarif, html, junit, markdown, csv, gitlab-codequality, gitlab-sast, oscal, github, or as "
    "VEX openvex, cyclonedx-vex or csaf; repeatable, one of them to stdout"
)


def made_at() -> str:
    """Return the time as reports write it, in UTC; SOURCE_DATE_EPOCH overrides."""
    from time import gmtime, strftime, time

    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(int(seconds) if seconds.isdecimal() else time()))


def add_report_arguments(parser: argparse.ArgumentParser, formats: str = SCAN_FORMATS, fail_on: str = FAIL_ON) -> None:
    """Add where reports go, and when a command fails; formats, fail_on: the help of these."""
    parser.add_argument(*("-o", "--output"), metavar="FORMAT[=FILE]", action="append", default=[], help=formats)
    parser.add_argument("--fail-on", metavar="SEVERITY", type=severity_label, default="high", help=fail_on)
    parser.add_argument(
        "--allow-skipped",
        metavar="PATTERN",
        action="append",
        default=[],
        help="what was skipped and matches (file, object or rule; * and ?) does not make the scan incomplete",
    )


def add_judging_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a scan looks for."""
    parser.add_argument(
        "--only", metavar="WINDOW", action="append", default=[], help="look through this window only (repeatable)"
    )
    parser.add_argument(
        "--pod-security", metavar="LEVEL[@VERSION]", help="judge as Pod Security admission does, and nothing else"
    )
    parser.add_argument("--no-exceptions", action="store_true", help="report also what files declare acceptable")


def outputs(texts: Sequence[str], formats: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield format and file of each -o, "" for stdout; the first format where none is named."""
    to_stdout = 0
    for text in texts or [next(iter(formats))]:
        name, _, file = text.partition("=")
        if name not in formats:
            raise UsageError(f"there is no output format {name!r}", "", f"choose from {', '.join(formats)}")
        to_stdout += not file
        yield name, file
    if to_stdout > 1:
        raise UsageError("two outputs cannot both go to stdout", "", "give one of them a file: -o json=report.json")


def write_reports(
    report: Report,
    wanted: Sequence[tuple[str, str]],
    excerpts: Callable[[], Callable[..., Any]] | None = None,
    **shown: Any,
) -> int:
    """Write a report in every format that is wanted, and return the exit code.

    excerpts: makes what tells the lines of the sources, for the formats that show them; shown: fields of ReportOptions.
    """
    from transom.report.formats import write

    for name, file in wanted:
        options = _shown(file, shown)
        if name in DATED:
            options = _shown(file, shown | {"made_at": made_at(), "excerpts": excerpts() if excerpts else None})
        write_to(file, partial(write, name, report, options=options))
    return report.exit_code


def _shown(file: str, changes: dict[str, Any]) -> ReportOptions:
    from msgspec.structs import replace

    return replace(terminal.file_options() if file else terminal.report_options(sys.stdout), **changes)


def write_to(file: str, write: Callable[[BinaryIO], None]) -> None:
    """Call write with the stream of a file, stdout where it is ""."""
    if not file:
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with open(file, "wb") as stream:  # noqa: PTH123 - also /dev/stderr and the like
            write(stream)
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise TransomError(f"cannot write {file}", why, "choose another file") from error


def allowed_by(patterns: Sequence[str]) -> Callable[[Skipped], bool]:
    """Return what tells whether a skip is allowed by one of the patterns of --allow-skipped."""
    return lambda skipped: any(_names(pattern, skipped) for pattern in patterns)


def _names(pattern: str, skipped: Skipped) -> bool:
    ref = skipped.ref
    return any(
        fnmatchcase(text, pattern)
        for text in (skipped.locator.file, str(ref), ref.short, ref.name, skipped.rule)
        if text
    )
