"""transom db: the index of what the world knows, built, looked at and carried about; nothing fetches it by itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.model.exits import Exit
from transom.model.language import mark, translated

if TYPE_CHECKING:
    from transom.advisories import Index
    from transom.advisories.building import Built

EXAMPLES = """\
  transom db build osv/ secdb.json kev.json -o transom.db    one index of folders, archives and files of any feed
  transom db status --db transom.db                          each source, its age, and what of it is not used
"""
BUILT = mark("{path}: {records} records, {ranges} ranges of {packages} packages, {size}")
AGED = mark("{feed}: {records} records, newest {modified}, read {retrieved}, {refused} not used")
NEVER = mark("of no told time")
DEFAULT = "transom.db"


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser(
        "db", "Build and look at the index of vulnerabilities; nothing fetches it by itself.", EXAMPLES
    )
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    building = actions.add_parser("build", help="make an index of feeds")
    building.add_argument("feeds", metavar="FEED", nargs="+", help="a file, folder or archive of any feed")
    building.add_argument("-o", "--output", metavar="FILE", default=DEFAULT, help=f"the index (default: {DEFAULT})")
    status = actions.add_parser("status", help="tell how old each source is, and what of it is not used")
    status.add_argument("--db", metavar="FILE", default=DEFAULT, help=f"the index (default: {DEFAULT})")
    status.add_argument("-o", "--output", choices=("table", "json"), default="table", help="table (default) or json")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    return _ACTIONS[arguments.action](arguments)


def _build(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from transom.advisories.building import build
    from transom.advisories.feeds import told

    built = build((each for feed in arguments.feeds for each in told(feed)), Path(arguments.output))
    _write_built(built)
    return Exit.INCOMPLETE if any(feed.refused and not feed.records for feed in built.feeds) else Exit.CLEAN


def _write_built(built: Built) -> None:
    size = f"{built.size_bytes / 1e6:.1f} MB"
    counts = {"records": f"{built.records:,}", "ranges": f"{built.ranges:,}", "packages": f"{built.packages:,}"}
    sys.stdout.write(f"{terminal.say(BUILT).format(path=built.path, size=size, **counts)}\n")
    _write_ages(built.feeds)


def _write_ages(feeds: Any) -> None:
    for feed in feeds:
        told = {"modified": feed.modified[:10] or terminal.say(NEVER), "retrieved": feed.retrieved[:10]}
        line = terminal.say(AGED).format(feed=feed.feed, records=f"{feed.records:,}", refused=feed.refused, **told)
        sys.stdout.write(f"  {line}\n")


def _status(arguments: argparse.Namespace) -> int:
    from transom.advisories import Index

    with Index(arguments.db) as index:
        if arguments.output == "json":
            terminal.write_json(_described(index))
            return Exit.CLEAN
        sys.stdout.write(f"{arguments.db}: {index.built}\n")
        _write_ages(index.feeds)
        sys.stdout.writelines(f"  {line}\n" for line in _refusals(index))
    return Exit.CLEAN


def _described(index: Index) -> dict[str, Any]:
    import msgspec

    age_days = (datetime.now(UTC) - datetime.fromisoformat(index.built)).days
    refused = [dict(zip(("feed", "reason", "count", "example"), row, strict=True)) for row in index.refusals]
    return {
        "path": index.path,
        "built": index.built,
        "age_days": age_days,
        "feeds": msgspec.to_builtins(index.feeds),
        "packages": index.counts(),
        "refused": refused,
    }


def _refusals(index: Index) -> Iterator[str]:
    for feed, reason, count, example in index.refusals:
        told = f"{feed}: {translated(reason, terminal.language())} ({count}; {example})"
        yield terminal.say("Not used: {}").format(told)


_ACTIONS = {"build": _build, "status": _status}
