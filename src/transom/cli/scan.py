"""transom scan: targets in, report out."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.cli import terminal
from transom.cli.arguments import (
    TARGET_HELP,
    Parser,
    add_input_arguments,
    add_rule_arguments,
    command_parser,
)
from transom.cli.clusters import add_cluster_arguments
from transom.cli.images import add_image_arguments
from transom.cli.outputs import add_judging_arguments, add_report_arguments, allowed_by, outputs, write_reports
from transom.cli.scanners import add_grouping_argument, add_scanner_arguments, advised
from transom.cli.signers import add_trust_arguments
from transom.cli.stored import add_keep_argument, keep
from transom.model.errors import UsageError
from transom.model.findings import Result
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from transom.inventory import Inventory
    from transom.model.findings import Finding
    from transom.model.frameworks import Framework
    from transom.model.refs import Ref
    from transom.report.options import Excerpt
    from transom.report.summary import Report
    from transom.scan import ScanOptions

EXAMPLES = """\
  transom scan deploy/                                 a table, worst first
  transom scan deploy/ -o table -o sarif=out.sarif     and a file for code scanning
  transom scan deploy/ -o html=report.html             a page to read, search and hand on
  transom scan deploy/ --fail-on critical              exit 1 for critical findings only
  transom scan deploy/ --since origin/main             only what this branch brings
  transom scan cluster                                 the cluster of the current context
  transom scan cluster:prod -n shop                    one namespace, as a user who may list no other
  transom scan image:registry.example.com/shop/web:1   what an image is, what it hides, what is vulnerable in it
  transom scan web.cdx.json --scanners vuln            a bill of materials, without the image
  transom scan . --git --scanners secret               credentials in all files and in every commit
  transom scan pod.yaml --pod-security restricted      what Pod Security admission would say
  transom scan deploy/ --framework cis-kubernetes      which of its controls pass, fail or are unknown
  helm template ./chart | transom scan -               what a chart becomes

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete (something was not judged)
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("scan", "Find every open window in the targets, worst first.", EXAMPLES)
    made.add_argument("targets", metavar="TARGET", nargs="*", help=TARGET_HELP)
    add_report_arguments(made)
    add_judging_arguments(made)
    made.add_argument(
        "--framework", metavar="NAME", help="what the rules of this framework say of its controls, like cis-kubernetes"
    )
    add_input_arguments(made)
    add_rule_arguments(made)
    add_cluster_arguments(made)
    add_image_arguments(made)
    add_scanner_arguments(made)
    add_grouping_argument(made)
    add_keep_argument(made)
    made.add_argument(
        "--images",
        action="store_true",
        help="inspect the images that run in a cluster too, by the digests its nodes tell",
    )
    made.add_argument(
        "--pull-secrets",
        action="store_true",
        help="with --images: fetch them with the pull secrets of their pods, which are read and never shown",
    )
    made.add_argument(
        "--dockerfile",
        metavar="FILE",
        action="append",
        default=[],
        help="the Dockerfile that an image was built from: it is judged, and findings of the image point at its lines",
    )
    made.add_argument(
        "--git", action="store_true", help="look for credentials in files and in every commit of their repository, too"
    )
    made.add_argument(
        "--verify-policy",
        metavar="FILE",
        action="append",
        default=[],
        help="hold images to who must have signed them, by a policy as of transom verify; repeatable",
    )
    add_trust_arguments(made)
    changes = made.add_argument_group("only what is new")
    changes.add_argument("--since", metavar="REV", help="report only what came since this git revision")
    baseline = changes.add_mutually_exclusive_group()
    baseline.add_argument("--baseline", metavar="FILE", help="report only what this file does not know")
    baseline.add_argument("--write-baseline", metavar="FILE", help="write what is found now as the baseline")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Scan, write every report, and return the exit code."""
    gc.disable()  # one pass, then exit: collecting cycles costs 3 to 4 times as much as the reading
    from transom.report.formats import FORMATS

    wanted = list(outputs(arguments.output, FORMATS))
    if any(name == "oscal" for name, _ in wanted) and not arguments.framework:
        raise UsageError("OSCAL tells the controls of a framework", "none was named", "add --framework cis-kubernetes")
    if arguments.pull_secrets and not arguments.images:
        raise UsageError("--pull-secrets is for the images that run", "--images is not given", "add --images")
    for file in arguments.dockerfile:
        if not os.path.isfile(file):  # noqa: PTH113 - the name is text everywhere else
            raise UsageError(f"cannot read {file}", "there is no such file", "name the Dockerfile of the image")
    arguments.targets += arguments.dockerfile
    if not arguments.targets:
        raise UsageError("name what to scan", "", "transom scan deploy/, or transom scan - for standard input")
    from transom.cli.selection import scan_options
    from transom.inventory import Inventory
    from transom.scan import scan

    options = scan_options(arguments)
    inventory = Inventory()
    with terminal.progress(lambda: terminal.say("{:,} objects read").format(len(inventory))):
        known, told = _known(arguments, options)
        report = _report(chain(told, scan(arguments.targets, options, inventory)), known, options, arguments)
    report = report.of_clusters(inventory.clusters.values())
    keep(arguments, inventory.bills)
    report = advised(report, inventory, options)
    report = replace(report, framework=_framework(arguments.framework), exposed=_exposed(inventory))
    return write_reports(report, wanted, lambda: _excerpts(inventory), group_by=arguments.group_by)


def _known(arguments: argparse.Namespace, options: ScanOptions) -> tuple[frozenset[str], Sequence[Result]]:
    """Return the fingerprints that are no news, and how they are known."""
    known: frozenset[str] = frozenset()
    if arguments.baseline:
        from transom.rules.baseline import read_baseline

        known = read_baseline(arguments.baseline)
    if not arguments.since:
        return known, ()
    from transom.cli.since import known_since

    before, told = known_since(arguments.since, arguments.targets, options)
    return known | before, [told]


def _report(
    results: Iterable[Result], known: frozenset[str], options: ScanOptions, arguments: argparse.Namespace
) -> Report:
    from transom.report.summary import gather
    from transom.rules.baseline import write_baseline

    report = gather(
        results,
        rules=options.faces,
        targets=tuple(arguments.targets),
        threshold=SEVERITIES[arguments.fail_on],
        known=known,
        allows=allowed_by(arguments.allow_skipped),
    )
    if not arguments.write_baseline:
        return report
    count = write_baseline(arguments.write_baseline, report.findings)
    told = terminal.say("{} findings written to {}").format(count, arguments.write_baseline)
    sys.stderr.write(told + "\n")
    return report.with_known(frozenset(finding.fingerprint for finding in report.findings))


def _excerpts(inventory: Inventory) -> Callable[[Finding], Excerpt | None]:
    """Return what tells the lines of the sources, which only pages show."""
    from transom.cli.excerpts import excerpts

    return excerpts(inventory)


def _exposed(inventory: Inventory) -> frozenset[Ref]:
    from transom.network.exposure import exposed

    return exposed(inventory)


def _framework(name: str | None) -> Framework | None:
    if not name:
        return None
    from transom.rules.frameworks import framework_named

    return framework_named(name)
