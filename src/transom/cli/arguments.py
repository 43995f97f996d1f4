"""Arguments that several commands take, spelled and explained the same way everywhere."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn

from transom.cli import language, program, terminal
from transom.model.errors import UsageError
from transom.model.language import ENGLISH, mark, translated
from transom.model.severity import SEVERITIES

TARGET_HELP = (
    "a file, folder, chart, kustomization, snapshot or SBOM, - for standard input, cluster[:CONTEXT], image:REF, "
    "container:NAME, or dir:PATH"
)


USAGE = mark("usage: ")
COLON = "："  # argparse puts its own behind each title
PARSER_WORDS = (
    mark("positional arguments"),
    mark("options"),
    mark("show this help message and exit"),
    mark("unrecognized arguments: {}"),
    mark("the following arguments are required: {}"),
    mark("argument {}: {}"),
    mark("expected one argument"),
    mark("expected at least one argument"),
    mark("not allowed with argument {}"),
    mark("invalid choice: {} (choose from {})"),
    mark("invalid {} value: {}"),
)
"""What argparse itself says, here for the catalogue."""

EXAMPLE = re.compile(r"( +\S.*?\S {2,}|)(\S.*)")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors end like every other usage error of Transom, and which speaks any language."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read options and positional arguments in any order, as kubectl does; argparse wants the latter together."""
        if any(action.nargs == argparse.PARSER for action in self._get_positional_actions()):
            return super().parse_args(args, namespace)
        return self.parse_intermixed_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the whole usage: one line tells more than twenty."""
        told = translated(message, language())
        raise UsageError(f"{self.prog}: {told}", "", f"see {self.prog} --help")

    def format_help(self) -> str:
        """Return the help in the reader's language."""
        spoken = language()
        if spoken == ENGLISH:
            return super().format_help()
        for action in self._actions:  # argparse offers no public lists
            for each in (action, *getattr(action, "_choices_actions", ())):
                each.help = each.help and translated(each.help, spoken)
        for group in self._action_groups:
            group.title = group.title and translated(group.title, spoken)
        self.description = self.description and translated(self.description, spoken)
        self.epilog = self.epilog and "\n".join(_translated_example(line, spoken) for line in self.epilog.split("\n"))
        self.formatter_class = _ColumnsFormatter
        made = super().format_help().replace(USAGE, translated(USAGE, spoken), 1)
        for title in {group.title for group in self._action_groups if group.title}:
            made = made.replace(f"\n{title}:\n", f"\n{title}{COLON}\n")
        return made


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Knows the terminal's width without asking shutil, whose import would cost 2 ms at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=terminal.width(sys.stdout) - 2)


class _ColumnsFormatter(_Formatter):
    """Wraps help by columns, of which a Chinese character takes two."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        from transom.report.text import wrapped

        return wrapped(text, width)


def _translated_example(line: str, spoken: str) -> str:
    """Return a line of examples with the words behind the command in the reader's language."""
    found = EXAMPLE.fullmatch(line)
    return f"{found[1]}{translated(found[2], spoken)}" if found else line


def command_parser(name: str, summary: str, examples: str = "") -> Parser:
    """Return the parser of a command; examples: lines shown below its options."""
    made = Parser(
        prog=f"{program()} {name}",
        description=summary,
        epilog=f"{mark('examples:')}\n{_as_called(examples)}" if examples else None,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    made.add_argument("--lang", metavar="LANGUAGE", help="en or zh-CN (default: as the locale says)")
    return made


def _as_called(examples: str) -> str:
    """Return examples as they are typed where kubectl runs the program."""
    if program() == "transom":
        return examples
    return re.sub(r"(^|\| )( *)transom ", rf"\1\2{program()} ", examples, flags=re.MULTILINE)


def add_rule_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses and adapts the rules."""
    rules = parser.add_argument_group("rules")
    rules.add_argument("--rules", metavar="DIR", action="append", default=[], help="also use the policies below DIR")
    rules.add_argument(
        "--profile",
        metavar="NAME",
        action="append",
        default=[],
        help="the rules of this profile (default: default; repeatable)",
    )
    rules.add_argument("--rule", metavar="ID", action="append", default=[], help="use this rule only (repeatable)")
    rules.add_argument(
        "--skip-rule", metavar="ID", action="append", default=[], help="leave this rule out (repeatable)"
    )
    rules.add_argument(
        "--secret-rules", metavar="FILE", help="find credentials by the rules of this file, in the gitleaks format"
    )
    rules.add_argument(
        "--kubernetes-version", metavar="V", help="judge as this version would (default: the cluster's, else 1.36)"
    )
    rules.add_argument("--config", metavar="FILE", help="settings (default: transom.yaml, where there is one)")


def add_input_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what limits the input."""
    chosen = parser.add_argument_group("input")
    chosen.add_argument(
        "--exclude", metavar="GLOB", action="append", default=[], help="leave these files out (.gitignore syntax)"
    )
    add_values_argument(chosen)
    namespaces = chosen.add_mutually_exclusive_group()
    namespaces.add_argument("-n", "--namespace", metavar="NS", help="judge objects of this namespace only")
    namespaces.add_argument(
        "-A", "--all-namespaces", action="store_true", help="judge objects of all namespaces (the default)"
    )
    chosen.add_argument(
        "-l", "--selector", metavar="SELECTOR", help="judge objects with these labels only (kubectl syntax)"
    )


def add_values_argument(parser: argparse._ActionsContainer) -> None:
    """Add what charts are rendered with."""
    parser.add_argument(
        "-f",
        "--values",
        metavar="FILE",
        action="append",
        default=[],
        help="lay this file over the values of every chart (repeatable, the last one is strongest)",
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
