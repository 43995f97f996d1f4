"""transom rules: list, show, test, export and document what is judged."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import Parser, add_rule_arguments, command_parser, kubernetes_version
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.language import translated

if TYPE_CHECKING:
    from transom.rules.check import Check
    from transom.rules.examples import ExampleOutcome
    from transom.rules.load import Pack
    from transom.rules.policy import Policy

DOCS_FOLDER = "docs/rules"
EXAMPLES = """\
  transom rules list                         every rule, worst first
  transom rules show privileged-container    one rule, with its expressions
  transom rules test policies/ -o json       run the examples beside the rules
  transom rules list --framework cis-kubernetes
  transom rules export | kubectl apply -f -  the same rules inside the API server
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("rules", "List, show, test and export the rules.", EXAMPLES)
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="every rule")
    showing = actions.add_parser("show", help="one rule, with its expressions and parameters")
    showing.add_argument("id", metavar="RULE", help="the rule's id")
    testing = actions.add_parser("test", help="run the examples beside the rules")
    testing.add_argument(
        "paths", metavar="PATH", nargs="*", help="policies, or folders of them (default: the built-in rules)"
    )
    testing.add_argument(
        "--kubernetes-version", metavar="V", default="1.36", help="compile as this version would (1.36)"
    )
    exporting = actions.add_parser("export", help="write the rules, expanded and bound, as an API server takes them")
    exporting.add_argument(
        "--action",
        dest="actions",
        action="append",
        choices=("Deny", "Warn", "Audit"),
        help="what the bindings do (default: Deny; repeatable)",
    )
    exporting.add_argument(
        "--fixes", action="store_true", help="write the fixes of the rules instead, as MutatingAdmissionPolicies"
    )
    for each in (listing, exporting):
        add_rule_arguments(each)
    add_rule_arguments(showing)
    for each in (listing, testing):
        each.add_argument("-o", "--output", choices=("table", "json"), default="table", help="table (default) or json")
    listing.add_argument("--framework", metavar="ID", help="only rules that serve a control of it, like cis-kubernetes")
    actions.add_parser("profiles", help="the profiles: named choices of rules, and why those")
    writing = actions.add_parser("docs", help="write a page for each rule, in Markdown")
    writing.add_argument("-o", "--output", metavar="DIR", default=DOCS_FOLDER, help=f"where to ({DOCS_FOLDER})")
    add_rule_arguments(writing)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    actions = {
        "list": _list,
        "show": _show,
        "test": _test,
        "export": _export,
        "profiles": _profiles,
        "docs": _docs,
    }
    return actions[arguments.action](arguments)


def _pack(arguments: argparse.Namespace, profile: str = "") -> Pack:
    """Return the chosen rules; profile: which to take where the command line names none, "" for all."""
    from transom.cli.selection import chosen_pack
    from transom.cli.settings import read_settings

    if profile and not arguments.profile:
        arguments.profile = [profile]
    pack = chosen_pack(arguments, read_settings(arguments.config))
    for problem in pack.problems:
        place = f"{problem.locator.file}:{problem.locator.line}: " if problem.locator.file else ""
        sys.stderr.write(f"transom: {place}{translated(problem.reason, terminal.language())}\n")
    return pack


def _list(arguments: argparse.Namespace) -> int:
    pack = _pack(arguments)
    wanted = _of_framework(arguments.framework, pack)
    faces = sorted((rule.face for rule in wanted), key=lambda face: (-face.severity, face.window, face.id))
    language = terminal.language()
    if arguments.output == "json":
        from transom.cli.pages import profiles_told

        told = {rule.id: profiles_told(rule) for rule in wanted}
        terminal.write_json([_face_record(face, language) | {"profiles": told[face.id]} for face in faces])
    else:
        from transom.report.text import LABELS, columns

        width = max((len(face.id) for face in faces), default=0)
        for face in faces:
            title = face.texts.get(language, {}).get("title", face.title)
            label = terminal.say(LABELS[face.severity])
            sys.stdout.write(f"{label}{' ' * (8 - columns(label))}  {face.id:{width}}  {face.window:9}  {title}\n")
        sys.stderr.write(f"{terminal.say('{:,} rules').format(len(faces))}\n")
    return Exit.INCOMPLETE if pack.problems else Exit.CLEAN


def _of_framework(framework: str | None, pack: Pack) -> Sequence[Policy | Check]:
    if framework is None:
        return pack.rules
    from transom.rules.frameworks import framework_named

    serving = framework_named(framework).rules
    return [rule for rule in pack.rules if rule.id in serving]


def _face_record(face: Any, language: str) -> dict[str, str]:
    texts = {"title": face.title, "why": face.why, "fix": face.fix, **face.texts.get(language, {})}
    return {"id": face.id, "severity": face.severity.label, "window": face.window, **texts}


def _show(arguments: argparse.Namespace) -> int:
    from transom.rules.policy import Policy
    from transom.rules.select import unknown_rule

    pack = _pack(arguments)
    rule = next((each for each in pack.rules if each.id == arguments.id), None)
    if rule is None:
        raise unknown_rule(arguments.id, pack.faces)
    if isinstance(rule, Policy):
        _show_policy(rule)
    else:
        _show_check(rule)
    return Exit.CLEAN


def _show_policy(policy: Policy) -> None:
    from transom.report.explain import rule_page

    expressions = [(f"variables.{each.name}", each.program.source) for each in policy.variables]
    expressions += [(each.message, each.program.source) for each in policy.validations]
    for line in rule_page(policy.face, terminal.report_options(sys.stdout), expressions):
        sys.stdout.write(line + "\n")
    for params in policy.params:
        values = params.get("data") or params.get("settings") or params.get("spec") or {}
        sys.stdout.write(f"\n{terminal.say('Parameters')} ({policy.param_kind[1] if policy.param_kind else ''})\n")
        for key, value in values.items():
            sys.stdout.write(f"  {key}: {value!r}\n")


def _show_check(check: Check) -> None:
    from transom.cli.pages import judged_by
    from transom.report.explain import rule_page

    look = terminal.report_options(sys.stdout)
    for line in rule_page(check.face, look, judges=judged_by(check, look.language)):
        sys.stdout.write(line + "\n")
    if check.parameters:
        sys.stdout.write(f"\n{terminal.say('Parameters')}\n")
    for key, value in check.parameters.items():
        sys.stdout.write(f"  {key}: {value!r}\n")


def _test(arguments: argparse.Namespace) -> int:
    from transom.rules.examples import run_examples
    from transom.rules.load import BUILTIN_FOLDER
    from transom.scan import assess

    paths = arguments.paths or [BUILTIN_FOLDER]
    outcomes = list(run_examples(paths, kubernetes_version(arguments.kubernetes_version), assess))
    counts = Counter(str(outcome.state) for outcome in outcomes)
    if arguments.output == "json":
        terminal.write_json(_test_record(outcomes, counts))
    else:
        _write_outcomes(outcomes, counts)
    if not outcomes:
        raise UsageError("there are no rules to test", "", "name a folder of policies")
    return Exit.FINDINGS if counts["failed"] else Exit.CLEAN


def _test_record(outcomes: Sequence[ExampleOutcome], counts: Counter[str]) -> dict[str, Any]:
    cases = [{"rule": o.rule, "example": o.example, "state": o.state, "why": o.why} for o in outcomes]
    totals = {state: counts[state] for state in ("passed", "failed", "unsupported")}
    reasons = Counter(outcome.why for outcome in outcomes if outcome.state == "unsupported")
    return {**totals, "unsupported_reasons": dict(reasons), "cases": cases}


def _write_outcomes(outcomes: Iterable[ExampleOutcome], counts: Counter[str]) -> None:
    for outcome in outcomes:
        if outcome.state != "passed":
            sys.stdout.write(f"{outcome.state}  {outcome.rule}: {outcome.example}: {outcome.why}\n")
    told = terminal.say("{passed} passed, {failed} failed, {unsupported} unsupported")
    totals = {state: counts[state] for state in ("passed", "failed", "unsupported")}
    sys.stdout.write(told.format(**totals) + "\n")


def _export(arguments: argparse.Namespace) -> int:
    from transom.rules.export import export, write_yaml
    from transom.rules.profiles import DEFAULT

    pack = _pack(arguments, DEFAULT)  # some of the others contradict one another
    if arguments.fixes:
        return _export_fixes(pack)
    foreign = [policy for policy in pack.policies if policy.engine]
    if foreign:
        engines = " and ".join(sorted({policy.engine for policy in foreign}))
        sys.stderr.write(f"transom: {len(foreign)} policies of {engines} are left out: apply them as they are\n")
    if pack.checks:
        told = terminal.say("{} checks that join objects are left out: an API server judges one object at a time")
        sys.stderr.write(f"transom: {told.format(len(pack.checks))}\n")
    objects = export([policy for policy in pack.policies if not policy.engine], arguments.actions or ["Deny"])
    sys.stdout.write(write_yaml(objects))
    return Exit.INCOMPLETE if pack.problems else Exit.CLEAN


def _profiles(_: argparse.Namespace) -> int:
    from transom.report.text import wrapped
    from transom.rules.load import builtin_pack
    from transom.rules.profiles import profile_named, profile_names, rules_of

    every = frozenset(builtin_pack().faces)
    width = terminal.width(sys.stdout)
    for name in profile_names():
        profile = profile_named(name)
        counted = terminal.say("{:,} rules").format(len(rules_of(name, every)))
        sys.stdout.write(f"{name}  {terminal.say(profile.title)} ({counted})\n")
        left_out = (f"- {terminal.say(choice.why)} {', '.join(choice.rules)}" for choice in profile.leaves_out)
        for text in (terminal.say(profile.why), *left_out):
            sys.stdout.writelines(f"{line}\n" for line in wrapped(" ".join(text.split()), width, "  ", "    "))
        sys.stdout.write("\n")
    return Exit.CLEAN


def _export_fixes(pack: Pack) -> int:
    from transom.rules.export import export_fixes, write_yaml
    from transom.rules.fixes import fixes_of

    fixes, problems = fixes_of((*pack.policies, *pack.checks))
    for problem in problems:
        sys.stderr.write(f"transom: {problem.locator.file}:{problem.locator.line}: {problem.reason}\n")
    sys.stdout.write(write_yaml(export_fixes(fixes.values())))
    return Exit.INCOMPLETE if problems or pack.problems else Exit.CLEAN


def _docs(arguments: argparse.Namespace) -> int:
    from transom.cli.pages import markdown_pages, write_pages

    pack = _pack(arguments)
    write_pages(markdown_pages(pack.rules), Path(arguments.output))
    sys.stderr.write(terminal.say("{} pages in {}").format(len(pack.rules), arguments.output) + "\n")
    return Exit.INCOMPLETE if pack.problems else Exit.CLEAN
