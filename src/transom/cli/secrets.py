"""transom secrets: credentials in any files, in git histories, in what is about to be committed, and in images."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser, severity_label
from transom.cli.images import add_image_arguments
from transom.cli.outputs import DATED, allowed_by, made_at, outputs, write_to
from transom.cli.settings import read_settings
from transom.model.errors import UsageError
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from transom.lang.leaks.stream import Searcher
    from transom.model.findings import Result
    from transom.report.summary import Report
    from transom.secrets.ignores import Ignores

EXAMPLES = """\
  transom secrets                              every file below this folder
  transom secrets src/ --secret-rules my.toml  by rules in the gitleaks format
  transom secrets --git                        the history of this repository as well
  transom secrets --since origin/main          what the commits of this branch bring
  transom secrets --staged                     what is about to be committed
  transom secrets image:shop/web:1             every layer of an image, its settings and its history

exit codes: 0 clean, 1 findings at or above --fail-on, 2 usage, 3 incomplete (something was not judged)
"""
NO_FORMATS = ("oscal", "openvex", "cyclonedx-vex", "csaf")  # which tell controls of frameworks, and vulnerabilities


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("secrets", "Find credentials in files of any kind; no value is ever shown.", EXAMPLES)
    made.add_argument("targets", metavar="PATH", nargs="*", help="a file, a folder or image:REF (default: this folder)")
    made.add_argument(
        *("-o", "--output"),
        metavar="FORMAT[=FILE]",
        action="append",
        default=[],
        help="table (default), json, jsonl, sarif, html, junit, markdown, csv, gitlab-codequality, "
        "gitlab-sast or github; repeatable",
    )
    where = made.add_mutually_exclusive_group()
    where.add_argument("--git", action="store_true", help="look through every commit of the repository, too")
    where.add_argument("--since", metavar="REV", help="look only through the commits that HEAD has beyond REV")
    where.add_argument("--staged", action="store_true", help="look only through what is staged for the next commit")
    made.add_argument("--secret-rules", metavar="FILE", help="use the rules of this file, in the gitleaks format")
    made.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        type=severity_label,
        default="high",
        help="exit 1 from this severity on (default: high)",
    )
    made.add_argument(
        *("--exclude",), metavar="GLOB", action="append", default=[], help="leave these files out (.gitignore syntax)"
    )
    made.add_argument(
        "--allow-skipped",
        metavar="PATTERN",
        action="append",
        default=[],
        help="what was skipped and matches (file, object or rule; * and ?) does not make the scan incomplete",
    )
    made.add_argument("--no-exceptions", action="store_true", help="report also what files declare acceptable")
    made.add_argument("--config", metavar="FILE", help="settings (default: transom.yaml, where there is one)")
    add_image_arguments(made)
    baseline = made.add_mutually_exclusive_group()
    baseline.add_argument("--baseline", metavar="FILE", help="report only what this file does not know")
    baseline.add_argument("--write-baseline", metavar="FILE", help="write what is found now as the baseline")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Look, write every report, and return the exit code."""
    from transom.report.formats import FORMATS, write
    from transom.rules.leaks import searcher

    wanted = list(outputs(arguments.output, [name for name in FORMATS if name not in NO_FORMATS]))
    settings = read_settings(arguments.config)
    arguments.exclude = [*settings.exclude, *arguments.exclude]
    rules = arguments.secret_rules or settings.secret_rules
    found = searcher(rules)
    results = chain.from_iterable(_results(target, found, arguments) for target in arguments.targets or ["."])
    report = _report(chain(_problems(found, rules), results), found, arguments)
    for name, file in wanted:
        shown = terminal.file_options() if file else terminal.report_options(sys.stdout)
        options = replace(shown, explains=False, made_at=made_at() if name in DATED else "")
        write_to(file, partial(write, name, report, options=options))
    return report.exit_code


def _results(target: str, searcher: Searcher, arguments: argparse.Namespace) -> Iterator[Result]:
    """Yield what leaks in one target: in its files, in its history, or in what is staged of it."""
    from transom.scan import OF_IMAGES

    if target.startswith(OF_IMAGES):
        yield from _in_image(target, searcher, arguments)
        return
    from transom.secrets.folders import folder_of, texts_below
    from transom.secrets.ignores import read_ignores
    from transom.secrets.search import search

    folder = folder_of(target)
    ignores = None if arguments.no_exceptions else read_ignores(folder, folder)
    in_git = arguments.git or arguments.since or arguments.staged
    if in_git:
        from transom.secrets.repository import check

        if not os.path.exists(target):  # noqa: PTH110
            raise UsageError(f"cannot read {target}", "there is no such file or folder", "name a git repository")
        check(folder)
    if not arguments.since and not arguments.staged:
        yield from search(searcher, texts_below(target, arguments.exclude), ignores)
    if in_git:
        paths = ["."] if folder == target else [os.path.basename(target)]  # noqa: PTH119
        paths += [f":(exclude,glob){pattern}" for pattern in arguments.exclude]
        yield from _in_git(folder, paths, searcher, arguments, ignores)


def _in_image(target: str, searcher: Searcher, arguments: argparse.Namespace) -> Iterator[Result]:
    """Yield what leaks in an image, and what could not be read of it."""
    from transom.cli.images import image_options
    from transom.images.source import fill_from_image
    from transom.inventory import Inventory

    inventory = Inventory()
    options = replace(image_options(arguments), searcher=searcher, exceptions=not arguments.no_exceptions)
    yield from fill_from_image(inventory, target, options)
    yield from inventory.leaks


def _in_git(
    folder: str, paths: Sequence[str], searcher: Searcher, arguments: argparse.Namespace, ignores: Ignores | None
) -> Iterator[Result]:
    """Yield what leaks in the history of a folder, or in what is staged of it."""
    from transom.secrets.history import search_history, search_staged
    from transom.secrets.repository import resolve

    if arguments.staged:
        return search_staged(searcher, folder, folder, paths, ignores)
    since = resolve(folder, arguments.since) if arguments.since else ""
    return search_history(searcher, folder, folder, paths, since, ignores)


def _problems(searcher: Searcher, rules: str) -> Iterator[Result]:
    """Yield the rules that could not be loaded."""
    from transom.model.findings import Skipped
    from transom.model.places import Locator
    from transom.model.refs import file_ref

    for problem in searcher.finder.rules.problems:
        why = f"secret rule {problem.rule} does not load: {problem.reason}"
        yield Skipped(file_ref(rules), why, "correct the rule, or remove it", "", Locator(rules))


def _report(results: Iterator[Result], searcher: Searcher, arguments: argparse.Namespace) -> Report:
    from transom.report.summary import gather
    from transom.rules.baseline import read_baseline, write_baseline
    from transom.rules.leaks import face

    report = gather(
        results,
        rules={rule.id: face(rule) for rule in searcher.finder.rules.rules},
        targets=tuple(arguments.targets or ["."]),
        threshold=SEVERITIES[arguments.fail_on],
        known=read_baseline(arguments.baseline) if arguments.baseline else frozenset(),
        allows=allowed_by(arguments.allow_skipped),
    )
    if not arguments.write_baseline:
        return report
    count = write_baseline(arguments.write_baseline, report.findings)
    sys.stderr.write(terminal.say("{} findings written to {}").format(count, arguments.write_baseline) + "\n")
    return report.with_known(frozenset(finding.fingerprint for finding in report.findings))
