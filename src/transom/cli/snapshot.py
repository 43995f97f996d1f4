"""transom snapshot: keep an inventory in one file."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, add_values_argument, command_parser
from transom.cli.clusters import add_cluster_arguments, cluster_options, names_cluster
from transom.cli.images import add_image_arguments, image_options
from transom.cli.settings import read_settings
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.findings import Skipped
from transom.model.language import translated

if TYPE_CHECKING:
    from transom.inventory.cluster import ClusterOptions

EXAMPLES = """\
  transom snapshot deploy/ -o estate.transom
  transom snapshot cluster -o prod.transom
  transom scan estate.transom
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser(
        "snapshot", "Keep every object of the targets in one file; values of Secrets are left out.", EXAMPLES
    )
    made.add_argument("targets", metavar="TARGET", nargs="*", help=TARGET_HELP)
    made.add_argument("-o", "--output", metavar="FILE", required=True, help="the file to write")
    made.add_argument(
        "--exclude", metavar="GLOB", action="append", default=[], help="leave these files out (.gitignore syntax)"
    )
    add_values_argument(made)
    made.add_argument("-n", "--namespace", metavar="NS", help="of a live cluster keep this namespace only")
    made.add_argument("--config", metavar="FILE", help="settings (default: transom.yaml, where there is one)")
    add_cluster_arguments(made)
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Write the snapshot; exit 3 where something could not be read."""
    from transom.inventory import Inventory
    from transom.inventory.snapshot import write
    from transom.scan import ScanOptions, read

    if not arguments.targets:
        raise UsageError("name what to keep", "", "transom snapshot deploy/ -o estate.transom")
    gc.disable()  # one pass, then exit: collecting cycles costs more than the reading
    exclude = [*read_settings(arguments.config).exclude, *arguments.exclude]
    options = ScanOptions(
        exclude=exclude,
        value_files=arguments.values,
        cluster=_cluster(arguments) if names_cluster(arguments.targets) else None,
        images=image_options(arguments),
    )
    inventory = Inventory()
    with terminal.progress(lambda: terminal.say("{:,} objects read").format(len(inventory))):
        others = [other for target in arguments.targets for other in read(inventory, target, options)]
        write(inventory, others, Path(arguments.output))
    skipped = [other for other in others if isinstance(other, Skipped)]
    for other in skipped:
        reason = translated(other.reason, terminal.language())
        sys.stderr.write(terminal.say("skipped: {}: {}").format(other.locator.file or other.ref, reason) + "\n")
    told = terminal.say("{file}: {kept:,} kept, {skipped:,} skipped")
    sys.stderr.write(told.format(kept=len(inventory), file=arguments.output, skipped=len(skipped)) + "\n")
    return Exit.INCOMPLETE if skipped or not len(inventory) else Exit.CLEAN


def _cluster(arguments: argparse.Namespace) -> ClusterOptions:
    """Return what to read of a cluster: all that rules of ours and paths read, so that every command may follow."""
    from msgspec.structs import replace

    from transom.cli.authority import is_read_for_paths
    from transom.rules.load import builtin_pack
    from transom.rules.reads import reader

    pack = builtin_pack()
    rules_read = reader(pack.policies, pack.checks)

    def reads(api_version: str, kind: str) -> bool:
        return rules_read(api_version, kind) or is_read_for_paths(api_version, kind)

    return replace(cluster_options(arguments, arguments.namespace), reads=reads)
