"""transom secrets: credentials in any files, in git histories, in what is about to be committed, and in images."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.images import add_image_arguments
from transom.cli.outputs import add_report_arguments, allowed_by, outputs, write_reports
from transom.cli.settings import read_settings
from transom.model.findings import Provenance
from transom.model.language import mark
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.cli.settings import Settings
    from transom.lang.leaks.stream import Searcher
    from transom.model.findings import Result
    from transom.report.summary import Report

EXAMPLES = """\
  transom secrets                              every file below this folder
  transom secrets src/ --secret-rules my.toml  by rules in the gitleaks format
  transom secrets --git                        the history of this repository as well
  transom secrets --since origin/main          what the commits of this branch bring
  transom secrets --staged                     what is about to be committed
  transom secrets image:shop/web:1             every layer of an image, its settings and its history

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete (something was not judged)
"""
OWN_FILE = ".gitleaks.toml"  # rules that a folder brings, as gitleaks takes them
FORMAT_HELP = mark(
    "table (default), json, jsonl, sarif, html, junit, markdown, csv, gitlab-codequality, gitlab-sast or github; repeatable"
)
NO_FORMATS = ("oscal", "openvex", "cyclonedx-vex", "csaf")  # which tell controls of frameworks, and vulnerabilities


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("secrets", "Find credentials in files of any kind; no value is ever shown.", EXAMPLES)
    made.add_argument("targets", metavar="PATH", nargs="*", help="a file, a folder or image:REF (default: this folder)")
    add_report_arguments(made, FORMAT_HELP)
    where = made.add_mutually_exclusive_group()
    where.add_argument("--git", action="store_true", help="look through every commit of the repository, too")
    where.add_argument("--since", metavar="REV", help="look only through the commits that HEAD has beyond REV")
    where.add_argument("--staged", action="store_true", help="look only through what is staged for the next commit")
    made.add_argument(
        "--secret-rules",
        metavar="FILE",
        help="use the rules of this file, in the format of gitleaks (TOML) or trivy (YAML)",
    )
    made.add_argument(
        *("--exclude",), metavar="GLOB", action="append", default=[], help="leave these files out (.gitignore syntax)"
    )
    made.add_argument("--no-exceptions", action="store_true", help="report also what files declare acceptable")
    made.add_argument("--config", metavar="FILE", help="settings (default: transom.yaml, where there is one)")
    add_image_arguments(made)
    baseline = made.add_mutually_exclusive_group()
    baseline.add_argument(
        "--baseline",
        metavar="FILE",
        help="report only what this file does not know: ours, or a JSON report of gitleaks",
    )
    baseline.add_argument("--write-baseline", metavar="FILE", help="write what is found now as the baseline")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Look, write every report, and return the exit code."""
    from transom.report.formats import FORMATS

    wanted = list(outputs(arguments.output, [name for name in FORMATS if name not in NO_FORMATS]))
    settings = read_settings(arguments.config)
    arguments.exclude = [*settings.exclude, *arguments.exclude]
    targets = arguments.targets or ["."]
    asked = {target: _rules(target, arguments, settings) for target in targets}
    found = {rules: _searcher(rules) for rules in asked.values()}
    problems = chain.from_iterable(_problems(each, rules) for rules, each in found.items())
    results: Iterator[Result] = chain.from_iterable(
        _results(target, asked[target], found, arguments) for target in targets
    )
    if settings.exceptions and not arguments.no_exceptions:
        results = _with_exceptions(results, list(found.values()), settings)
    report = _report(chain(problems, results), list(found.values()), arguments)
    return write_reports(report, wanted, explains=False)


def _rules(target: str, arguments: argparse.Namespace, settings: Settings) -> str:
    """Return the file of rules for a target: the one that is named, else the one in its folder, "" for our own."""
    named: str = arguments.secret_rules or settings.secret_rules
    if named or arguments.no_exceptions:
        return named
    from transom.model.images import OF_IMAGES
    from transom.secrets.folders import folder_of

    own = os.path.join(folder_of(target), OWN_FILE)  # noqa: PTH118 - as the walk has it
    return own if not target.startswith(OF_IMAGES) and os.path.isfile(own) else ""  # noqa: PTH113


def _searcher(rules: str) -> Searcher:
    from transom.rules.leaks import searcher

    return searcher(rules)


def _results(
    target: str, rules: str, searchers: Mapping[str, Searcher], arguments: argparse.Namespace
) -> Iterator[Result]:
    """Yield what leaks in one target: in its files, in its history, in what is staged of it, or in an image."""
    from transom.model.images import OF_IMAGES

    searcher = searchers[rules]
    if target.startswith(OF_IMAGES):
        yield from _in_image(target, searcher, arguments)
        return
    from transom.secrets.targets import Scope, leaks_below

    if rules.endswith(OWN_FILE):
        yield Provenance(target, f"credentials by the rules of {rules}")
    since, exceptions = arguments.since or "", not arguments.no_exceptions
    scope = Scope(arguments.exclude, arguments.git, since, arguments.staged, exceptions)
    yield from leaks_below(target, searcher, scope)


def _in_image(target: str, searcher: Searcher, arguments: argparse.Namespace) -> Iterator[Result]:
    """Yield what leaks in an image, and what could not be read of it."""
    from transom.cli.images import image_options
    from transom.images.source import fill_from_image
    from transom.inventory import Inventory

    inventory = Inventory()
    options = replace(image_options(arguments), searcher=searcher, exceptions=not arguments.no_exceptions)
    yield from fill_from_image(inventory, target, options)
    yield from inventory.decided


def _problems(searcher: Searcher, rules: str) -> Iterator[Result]:
    """Yield the rules that could not be loaded."""
    from transom.model.findings import Skipped
    from transom.model.places import Locator
    from transom.model.refs import file_ref

    for problem in searcher.finder.rules.problems:
        why = f"secret rule {problem.rule} does not load: {problem.reason}"
        yield Skipped(file_ref(rules), why, "correct the rule, or remove it", "", Locator(rules))


def _with_exceptions(results: Iterator[Result], searchers: Sequence[Searcher], settings: Settings) -> Iterator[Result]:
    """Yield results with what the team's settings accept of them; their exceptions about anything else are left alone."""
    from datetime import date

    from transom.cli.selection import waivers
    from transom.inventory import Inventory
    from transom.rules.load import builtin_pack
    from transom.rules.waivers import with_waivers

    ours = {rule.id for each in searchers for rule in each.finder.rules.rules}
    held = [each for each in waivers(settings, builtin_pack().faces) if each.rule in ours]
    return with_waivers(results, held, Inventory(), date.today())


def _report(results: Iterator[Result], searchers: Sequence[Searcher], arguments: argparse.Namespace) -> Report:
    from transom.report.summary import gather
    from transom.rules.baseline import read_baseline, write_baseline
    from transom.rules.exceptions import FACES
    from transom.rules.leaks import face
    from transom.secrets.baselines import is_report, known_to

    of_gitleaks = bool(arguments.baseline) and is_report(arguments.baseline)
    report = gather(
        results,
        rules={rule.id: face(rule) for each in searchers for rule in each.finder.rules.rules} | FACES,
        targets=tuple(arguments.targets or ["."]),
        threshold=SEVERITIES[arguments.fail_on],
        known=read_baseline(arguments.baseline) if arguments.baseline and not of_gitleaks else frozenset(),
        allows=allowed_by(arguments.allow_skipped),
    )
    if of_gitleaks:
        return report.with_known(known_to(arguments.baseline, report.findings, searchers[0]))
    if not arguments.write_baseline:
        return report
    count = write_baseline(arguments.write_baseline, report.findings)
    sys.stderr.write(terminal.say("{} findings written to {}").format(count, arguments.write_baseline) + "\n")
    return report.with_known(frozenset(finding.fingerprint for finding in report.findings))
