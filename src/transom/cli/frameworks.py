"""transom frameworks: the standards that rules serve, control by control."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.model.frameworks import Control, Framework

EXAMPLES = """\
  transom frameworks list                    every framework, and how much of it objects decide
  transom frameworks show cis-kubernetes     its controls, and the rules that serve each
  transom scan deploy/ --framework cis-kubernetes
"""
DECIDED = mark("{decided} of {controls} controls decided by objects, {rules} rules")


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("frameworks", "List the frameworks, or show one with the rules of each control.", EXAMPLES)
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every framework")
    showing = actions.add_parser("show", help="one framework, control by control")
    showing.add_argument("name", metavar="NAME", help="the framework's id, like cis-kubernetes")
    for each in (listing, showing):
        each.add_argument("-o", "--output", choices=("table", "json"), default="table", help="table (default) or json")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    return _list(arguments.output) if arguments.action == "list" else _show(arguments.name, arguments.output)


def _list(output: str) -> int:
    from transom.rules.frameworks import frameworks

    known = frameworks()
    if output == "json":
        terminal.write_json([_summary(framework) for framework in known])
        return Exit.CLEAN
    width = max(len(framework.id) for framework in known)
    for framework in known:
        sys.stdout.write(f"{framework.id:{width}}  {framework.name}\n{' ' * width}  {_counted(framework)}\n")
    return Exit.CLEAN


def _show(name: str, output: str) -> int:
    from transom.report.text import wrapped
    from transom.rules.frameworks import framework_named

    framework = framework_named(name)
    if output == "json":
        terminal.write_json(_summary(framework) | {"controls": [_record(control) for control in framework.controls]})
        return Exit.CLEAN
    columns, indent = terminal.width(sys.stdout), " " * 4
    sys.stdout.write(f"{framework.name}\n{framework.source}\n{_counted(framework)}\n\n")
    for control in framework.controls:
        sys.stdout.write(f"{control.id}  {terminal.say(control.title)}\n")
        undecided = terminal.say("Not decided by objects: {}").format(terminal.say(control.undecided))
        told = ", ".join(control.rules) or undecided
        sys.stdout.writelines(f"{line}\n" for line in wrapped(told, columns, indent, indent))
    return Exit.CLEAN


def _counted(framework: Framework) -> str:
    decided = sum(bool(control.rules) for control in framework.controls)
    counts = {"decided": decided, "controls": len(framework.controls), "rules": len(framework.rules)}
    return terminal.say(DECIDED).format(**counts)


def _summary(framework: Framework) -> dict[str, Any]:
    decided = sum(bool(control.rules) for control in framework.controls)
    told = {"id": framework.id, "title": framework.title, "version": framework.version, "source": framework.source}
    return told | {"controls": len(framework.controls), "decided": decided, "rules": len(framework.rules)}


def _record(control: Control) -> dict[str, Any]:
    return {
        "id": control.id,
        "title": control.title,
        "rules": list(control.rules),
        "undecided": control.undecided,
    }
