"""transom explain: what a rule means, or one finding at its place."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, add_input_arguments, add_rule_arguments, command_parser
from transom.cli.clusters import add_cluster_arguments
from transom.cli.images import add_image_arguments
from transom.cli.scanners import add_scanner_arguments
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.findings import Accepted, Finding, Rule

if TYPE_CHECKING:
    from transom.report.options import Excerpt
    from transom.scan import ScanOptions

FINGERPRINT = re.compile(r"[0-9a-f]{6,32}\Z")
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
    add_cluster_arguments(made)
    add_image_arguments(made)
    add_scanner_arguments(made)
    made.set_defaults(only=[], pod_security=None, no_exceptions=False)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the page."""
    from transom.cli.selection import scan_options
    from transom.rules.select import unknown_rule

    if arguments.what.startswith("pod-security/"):
        arguments.pod_security = "restricted"
    options = scan_options(arguments, every_profile=True)
    rule = options.faces.get(arguments.what) or _rule_elsewhere(arguments.what, arguments.secret_rules or "")
    if rule is not None:
        _print(_rule_page(options, rule))
        return Exit.CLEAN
    if not FINGERPRINT.match(arguments.what):
        raise unknown_rule(arguments.what, options.faces)
    return _explain_finding(arguments, options)


def _rule_elsewhere(name: str, secret_rules: str) -> Rule | None:
    """Return the rule that no policy of ours states: what an index of vulnerabilities decides, a signature, a credential."""
    from transom.images.signatures.results import RULES
    from transom.images.vulnerable import VULNERABLE
    from transom.rules.leaks import face, finder

    found = {VULNERABLE.id: VULNERABLE, **RULES}.get(name)
    return found or next((face(rule) for rule in finder(secret_rules).rules.rules if rule.id == name), None)


def _rule_page(options: ScanOptions, rule: Rule) -> Iterator[str]:
    from transom.cli.pages import controls_told, judged_by, profiles_told
    from transom.report.explain import rule_page
    from transom.rules.policy import Policy
    from transom.rules.shown import first_examples

    look = terminal.report_options(sys.stdout)
    found = next((each for each in options.rules if each.id == rule.id), None)
    if found is None:
        return rule_page(rule, look)
    good, bad = first_examples(found)
    expressions = (
        [(each.message, each.program.source) for each in found.validations] if isinstance(found, Policy) else []
    )
    judges = "" if isinstance(found, Policy) else judged_by(found, look.language)
    controls = controls_told(rule.id)
    profiles = profiles_told(found)
    return rule_page(rule, look, expressions, controls=controls, good=good, bad=bad, judges=judges, profiles=profiles)


def _explain_finding(arguments: argparse.Namespace, options: ScanOptions) -> int:
    from transom.cli.excerpts import excerpts
    from transom.inventory import Inventory
    from transom.report.explain import finding_page
    from transom.scan import scan

    if not arguments.targets:
        raise UsageError("a fingerprint needs the place it was found in", "", "add --from deploy/")
    inventory = Inventory()
    results = scan(arguments.targets, options, inventory)
    findings = (each.finding if isinstance(each, Accepted) else each for each in results)
    found = [each for each in findings if isinstance(each, Finding) and each.fingerprint.startswith(arguments.what)]
    if not found:
        raise UsageError(f"there is no finding {arguments.what} in {', '.join(arguments.targets)}", "", "scan it again")
    look = terminal.report_options(sys.stdout)
    around = excerpts(inventory)
    for finding in found:
        _print(finding_page(finding, options.faces.get(finding.rule), look, _source(around(finding))))
    return Exit.CLEAN


def _source(around: Excerpt | None) -> list[str]:
    """Return the lines of an excerpt at their places in the file; empty ones stand for those before it."""
    return [""] * (around.first_line - 1) + list(around.lines) if around else []


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
