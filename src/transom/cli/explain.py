"""transom explain: what a rule means, or one finding at its place."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, add_input_arguments, add_rule_arguments, command_parser
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.findings import Finding, Rule

FINGERPRINT = re.compile(r"[0-9a-f]{6,32}\Z")
MAX_SOURCE_BYTES = 64 * 1024 * 1024  # a longer file is told without its excerpt
EXAMPLES = """\
  transom explain privileged-container
  transom explain 3f9c2a7b --from deploy/
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("explain", "Tell what a rule means, or show one finding at its place.", EXAMPLES)
    made.add_argument(
        "what", metavar="RULE|FINGERPRINT", help="a rule's id, or the beginning of a finding's fingerprint"
    )
    made.add_argument(
        "--from",
        dest="targets",
        metavar="TARGET",
        action="append",
        default=[],
        help=f"where the finding is: {TARGET_HELP}",
    )
    add_input_arguments(made)
    add_rule_arguments(made)
    made.set_defaults(only=[], pod_security=None)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the page."""
    from transom.cli.selection import scan_options
    from transom.report.explain import rule_page
    from transom.rules.select import unknown_rule

    if arguments.what.startswith("pod-security/"):
        arguments.pod_security = "restricted"
    options = scan_options(arguments)
    rule = options.faces.get(arguments.what)
    if rule is not None:
        _print(rule_page(rule, terminal.report_options(sys.stdout), _expressions(options, rule)))
        return Exit.CLEAN
    if not FINGERPRINT.match(arguments.what):
        raise unknown_rule(arguments.what, options.faces)
    return _explain_finding(arguments, options)


def _expressions(options: object, rule: Rule) -> list[tuple[str, str]]:
    policies = getattr(options, "policies", ())
    found = next((policy for policy in policies if policy.id == rule.id), None)
    return [(each.message, each.program.source) for each in found.validations] if found else []


def _explain_finding(arguments: argparse.Namespace, options: object) -> int:
    from transom.inventory import Inventory
    from transom.report.explain import finding_page
    from transom.scan import ScanOptions, scan

    assert isinstance(options, ScanOptions)
    if not arguments.targets:
        raise UsageError("a fingerprint needs the place it was found in", "", "add --from deploy/")
    results = scan(arguments.targets, options, Inventory())
    found = [each for each in results if isinstance(each, Finding) and each.fingerprint.startswith(arguments.what)]
    if not found:
        raise UsageError(f"there is no finding {arguments.what} in {', '.join(arguments.targets)}", "", "scan it again")
    for finding in found:
        page = finding_page(
            finding, options.faces.get(finding.rule), terminal.report_options(sys.stdout), _source(finding)
        )
        _print(page)
    return Exit.CLEAN


def _source(finding: Finding) -> list[str]:
    """Return the lines of a finding's file; none for a Secret, whose values are never shown."""
    file = Path(finding.place.file)
    try:
        if finding.ref.kind == "Secret" or not file.is_file() or file.stat().st_size > MAX_SOURCE_BYTES:
            return []
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _print(lines: object) -> None:
    for line in lines:  # type: ignore[attr-defined]
        sys.stdout.write(line + "\n")
