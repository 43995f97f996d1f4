"""transom exceptions: those of transom.yaml and what they accept, and those of other scanners carried over."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, add_input_arguments, add_rule_arguments, command_parser
from transom.cli.clusters import add_cluster_arguments
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.findings import Accepted
from transom.model.language import translated

if TYPE_CHECKING:
    from transom.rules.migration import Carried, Outcome

EXAMPLES = """\
  transom exceptions list                       the exceptions of transom.yaml
  transom exceptions list deploy/               and how many findings each accepts
  transom exceptions import deploy/ >> more.yaml
  transom exceptions import .trivyignore kubescape-exceptions.json

exit codes: 0 clean, 1 an exception has expired or accepts nothing, 2 usage, 3 something could not be carried over
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser(
        "exceptions", "List the exceptions of a team, or carry over those of other scanners.", EXAMPLES
    )
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the exceptions of transom.yaml, and what they accept in the targets")
    listing.add_argument("targets", metavar="TARGET", nargs="*", help=TARGET_HELP)
    add_input_arguments(listing)
    add_rule_arguments(listing)
    add_cluster_arguments(listing)
    listing.set_defaults(only=[], pod_security=None, no_exceptions=False)
    importing = actions.add_parser("import", help="write the exceptions of other scanners as transom.yaml has them")
    importing.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="manifests with annotations, labels or comments, .trivyignore(.yaml), Kubescape's exceptions in JSON",
    )
    return made


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    return _list(arguments) if arguments.action == "list" else _import(arguments.paths)


def _list(arguments: argparse.Namespace) -> int:
    from datetime import date

    from transom.cli.selection import scan_options
    from transom.inventory import Inventory
    from transom.scan import scan

    options = scan_options(arguments)
    uses: Counter[tuple[str, int]] = Counter()
    if arguments.targets:
        for each in scan(arguments.targets, options, Inventory()):
            if isinstance(each, Accepted):
                uses[each.locator.file, each.locator.line] += 1
    stale = 0
    for waiver in options.waivers:
        place = waiver.locator
        count = uses[place.file, place.line]
        expired = waiver.has_expired(date.today())
        stale += expired or (bool(arguments.targets) and not count)
        words = [f"{place.file}:{place.line}", waiver.rule, waiver.scope]
        if arguments.targets:
            words.append(terminal.say("accepts {}").format(count))
        if expired:
            words.append(terminal.say("expired"))
        sys.stdout.write("  ".join([*words, waiver.told]) + "\n")
    sys.stderr.write(terminal.say("{:,} exceptions").format(len(options.waivers)) + "\n")
    return Exit.FINDINGS if stale else Exit.CLEAN


def _import(paths: Sequence[str]) -> int:
    from transom.rules.migration import Carried

    found = list({repr(each): each for each in _outcomes(paths)}.values())  # object and template may say the same
    carried = [each for each in found if isinstance(each, Carried)]
    lost = [each for each in found if not isinstance(each, Carried)]
    _write(carried)
    language = terminal.language()
    for each in lost:
        sys.stderr.write(f"{each.place}: {each.tool} {each.theirs}: {translated(each.reason, language)}\n")
    told = terminal.say("{} exceptions carried over, {} not")
    sys.stderr.write(told.format(len(carried), len(lost)) + "\n")
    return Exit.INCOMPLETE if lost else Exit.CLEAN


def _outcomes(paths: Sequence[str]) -> Iterator[Outcome]:
    from transom.inventory import Inventory
    from transom.inventory.sources import fill
    from transom.model.findings import Skipped
    from transom.rules.migration import BESIDE, of_file, of_objects

    for path in map(Path, paths):
        if not path.exists():
            raise UsageError(f"cannot read {path}", "there is no such file or folder", "check the path")
        files = [path] if path.is_file() else [path / name for name in BESIDE if (path / name).is_file()]
        foreign = [found for file in files if (found := of_file(file)) is not None]
        for found in foreign:
            yield from found
        if path.is_file() and foreign:
            continue
        inventory = Inventory()
        for each in fill(inventory, str(path)):
            if isinstance(each, Skipped):
                sys.stderr.write(f"{each.locator.file or path}: {translated(each.reason, terminal.language())}\n")
        yield from of_objects(inventory)


def _write(carried: Sequence[Carried]) -> None:
    """Write a fragment of transom.yaml."""
    import json

    from transom.rules.waivers import SCOPE

    names = ("rule", *SCOPE, "owner", "expires", "reason")
    sys.stdout.write("exceptions:\n" if carried else "exceptions: []\n")
    for each in carried:
        fields = [(name, each.fields[name]) for name in names if name in each.fields]
        lines = [
            f"{name}: {value if name == 'expires' else json.dumps(value, ensure_ascii=False)}" for name, value in fields
        ]
        sys.stdout.write(f"- {lines[0]} # {each.tool} {each.theirs}\n".replace('"', ""))
        sys.stdout.writelines(f"  {line}\n" for line in lines[1:])
