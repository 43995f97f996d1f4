"""transom version: which Transom this is."""

from __future__ import annotations

import argparse
import sys

from transom import __version__
from transom.cli.arguments import Parser, command_parser


def parser() -> Parser:
    """Return the parser of the command."""
    return command_parser("version", "Print the version.")


def run(_: argparse.Namespace) -> int:
    """Print the version."""
    sys.stdout.write(f"transom {__version__}\n")
    return 0
