"""transom db jars: an index of jars by their SHA-1, for those that do not say what they are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from transom.cli import terminal
from transom.cli.arguments import Parser
from transom.cli.indexes import jar_index
from transom.model.exits import Exit
from transom.model.language import mark

BUILT = mark("{path}: {jars} jars of {artifacts} artifacts")


def add_jars(actions: argparse._SubParsersAction[Parser]) -> None:
    """Add the action to those of the command."""
    made = actions.add_parser("jars", help="make an index of jars by their SHA-1")
    made.add_argument(
        "sources",
        metavar="SOURCE",
        nargs="+",
        help="a Maven repository's folder or published index, a CSV file (SHA1,GROUP,ARTIFACT,VERSION), another index",
    )
    made.add_argument(
        "-o", "--output", metavar="FILE", default=jar_index(), help="the index (default: $TRANSOM_JARS, else your own)"
    )


def build(arguments: argparse.Namespace) -> int:
    """Make the index, and tell how much it knows."""
    from transom.images.jars.building import build_jars

    built = build_jars(arguments.sources, Path(arguments.output))
    told = {"path": built.path, "jars": f"{built.jars:,}", "artifacts": f"{built.artifacts:,}"}
    sys.stdout.write(f"{terminal.say(BUILT).format(**told)}\n")
    return Exit.CLEAN
