"""Arguments that several commands take, spelled and explained the same way everywhere."""

from __future__ import annotations

import argparse
from typing import NoReturn

from transom.model.errors import UsageError
from transom.model.severity import SEVERITIES

TARGET_HELP = "a file, folder or snapshot, - for standard input, cluster[:CONTEXT], or image:REF"


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors end like every other usage error of Transom."""

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the whole usage: one line tells more than twenty."""
        raise UsageError(f"{self.prog}: {message}", "", f"see {self.prog} --help")


def command_parser(name: str, summary: str, examples: str = "") -> Parser:
    """Return the parser of a command; examples: lines shown below its options."""
    return Parser(
        prog=f"transom {name}",
        description=summary,
        epilog=f"examples:\n{examples}" if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses and adapts the rules."""
    rules = parser.add_argument_group("rules")
    rules.add_argument("--rules", metavar="DIR", action="append", default=[], help="also use the policies below DIR")
    rules.add_argument("--rule", metavar="ID", action="append", default=[], help="use this rule only (repeatable)")
    rules.add_argument(
        "--skip-rule", metavar="ID", action="append", default=[], help="leave this rule out (repeatable)"
    )
    rules.add_argument("--kubernetes-version", metavar="V", default="1.36", help="judge as this version would (1.36)")
    rules.add_argument("--config", metavar="FILE", help="settings (default: transom.yaml, where there is one)")


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what limits the input."""
    chosen = parser.add_argument_group("input")
    chosen.add_argument(
        "--exclude", metavar="GLOB", action="append", default=[], help="leave these files out (.gitignore syntax)"
    )
    namespaces = chosen.add_mutually_exclusive_group()
    namespaces.add_argument("-n", "--namespace", metavar="NS", help="judge objects of this namespace only")
    namespaces.add_argument(
        "-A", "--all-namespaces", action="store_true", help="judge objects of all namespaces (the default)"
    )
    chosen.add_argument(
        "-l", "--selector", metavar="SELECTOR", help="judge objects with these labels only (kubectl syntax)"
    )


def severity_label(text: str) -> str:
    """Check a severity on the command line."""
    if text.lower() not in SEVERITIES:
        raise argparse.ArgumentTypeError(f"{text!r} is no severity; choose from {', '.join(SEVERITIES)}")
    return text.lower()


def kubernetes_version(text: str) -> tuple[int, int]:
    """Read `1.36`, `v1.36` or `1.36.2` as (1, 36)."""
    parts = text.removeprefix("v").split(".")
    if len(parts) < 2 or not all(part.isdecimal() and len(part) < 4 for part in parts[:2]):
        raise UsageError(f"{text!r} is no Kubernetes version", "", "write it like 1.36")
    return int(parts[0]), int(parts[1])
