"""transom fix: mend manifests, or say how, and what is left."""

from __future__ import annotations

import argparse
import gc
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import (
    TARGET_HELP,
    Parser,
    add_input_arguments,
    add_rule_arguments,
    command_parser,
    severity_label,
)
from transom.cli.clusters import add_cluster_arguments
from transom.model.errors import TransomError, UsageError
from transom.model.exits import Exit
from transom.model.language import translated
from transom.model.severity import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from transom.mending import Left, Mended, Options
    from transom.model.findings import Finding

SAFE, ALL = "safe", "all"
LINES_SHOWN = 20  # of what is left, where it is grouped by rule and reason: the JSON has all
COLOURS = {"+": "\x1b[32m", "-": "\x1b[31m", "@": "\x1b[36m"}
EXAMPLES = """\
  transom fix deploy/                          what would change, as a diff
  transom fix deploy/ --write                  apply what cannot break a working pod
  transom fix deploy/ --write=all              apply also what may change how programs behave
  transom fix deploy/ --rule host-pid          this rule only (repeatable)
  transom fix deploy/ -o sarif > fixes.sarif   every finding with its edits, for an editor
  transom fix cluster --patch patches/         patches of objects, with a kustomization

exit codes: 0 nothing is left at or above --fail-on (dry run: nothing to change), 1 something is, 2 usage, 3 incomplete
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("fix", "Mend manifests byte by byte, each fix proven, and say what is left.", EXAMPLES)
    made.add_argument("targets", metavar="TARGET", nargs="*", help=TARGET_HELP)
    doing = made.add_argument_group("what to do").add_mutually_exclusive_group()
    kinds: dict[str, Any] = {"nargs": "?", "choices": (SAFE, ALL)}
    doing.add_argument("--dry-run", const=ALL, help="print a diff and change nothing (the default: all)", **kinds)
    doing.add_argument("--write", const=SAFE, help="write the files: safe fixes (the default), or all", **kinds)
    doing.add_argument("--patch", metavar="DIR", help="write a patch for each object, with a kustomization, to DIR")
    made.add_argument(
        "-o",
        "--output",
        choices=("diff", "json", "sarif"),
        default="diff",
        help="diff (default) and summary, json, or sarif: the report with the edits that mend each finding",
    )
    made.add_argument(
        "--fail-on",
        metavar="SEVERITY",
        type=severity_label,
        default="high",
        help="with --write and --patch: exit 1 if a finding from this severity on is left (default: high)",
    )
    add_input_arguments(made)
    add_rule_arguments(made)
    add_cluster_arguments(made)
    made.set_defaults(only=[], pod_security=None, no_exceptions=False)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Mend, tell, and return the exit code."""
    gc.disable()  # one pass, then exit
    if not arguments.targets:
        raise UsageError("name what to mend", "", "transom fix deploy/")
    if arguments.write and "-" in arguments.targets:
        raise UsageError("standard input cannot be written to", "", "name files, or print a diff with --dry-run")
    if arguments.output == "sarif" and (arguments.write or arguments.patch):
        raise UsageError("sarif proposes edits of files as they are", "", "leave --write and --patch out")
    from transom.mending import mend

    options = _options(arguments)
    mended = mend(arguments.targets, options)
    problems = _written(mended) if arguments.write else []
    files = _patches(arguments.patch, mended) if arguments.patch else []
    if arguments.output == "json":
        _write_json(_record(mended, files, problems))
    elif arguments.output == "sarif":
        _write_sarif(arguments, options, mended)
    else:
        _show(arguments, mended, files, problems)
    return _exit_code(arguments, mended, problems)


def _options(arguments: argparse.Namespace) -> Options:
    from transom.cli.selection import scan_options
    from transom.mending import Options
    from transom.rules.fixes import fixes_of
    from transom.rules.select import unknown_rule

    wanted = arguments.rule
    arguments.rule = []  # everything is judged, so that a fix gives rise to nothing else
    scanning = scan_options(arguments)
    for rule in wanted:
        if rule not in scanning.faces:
            raise unknown_rule(rule, scanning.faces)
    fixes, problems = fixes_of(scanning.rules)
    if problems:
        first = problems[0]
        raise TransomError(f"cannot use {first.locator.file or first.ref.name}", first.reason, first.next_step)
    safe_only = arguments.write == SAFE or arguments.dry_run == SAFE
    return Options(scanning, fixes, tuple(wanted), safe_only, in_files=not arguments.patch)


def _written(mended: Mended) -> list[TransomError]:
    """Write every edited file; return why some could not be."""
    from transom.mending.write import write

    problems = []
    for file, edit in list(mended.edits.items()):
        try:
            write(edit)
        except TransomError as error:
            problems.append(error)
            del mended.edits[file]
    return problems


def _patches(folder: str, mended: Mended) -> list[str]:
    from transom.mending.overlay import write_overlay

    return write_overlay(folder, mended.objects)


def _exit_code(arguments: argparse.Namespace, mended: Mended, problems: Sequence[TransomError]) -> int:
    if mended.skipped or problems:
        return Exit.INCOMPLETE
    if not arguments.write and not arguments.patch:
        return Exit.FINDINGS if mended.objects else Exit.CLEAN
    threshold = SEVERITIES[arguments.fail_on]
    return Exit.FINDINGS if any(each.severity >= threshold for each in mended.after) else Exit.CLEAN


# telling


def _show(
    arguments: argparse.Namespace, mended: Mended, files: Sequence[str], problems: Iterable[TransomError]
) -> None:
    if arguments.write:
        for file in mended.edits:
            sys.stdout.write(f"{file}\n")
    elif files:
        for name in files:
            sys.stdout.write(f"{arguments.patch.rstrip('/')}/{name}\n")
    else:
        _write_diffs(mended)
    sys.stdout.flush()
    for line in _summary(arguments, mended, problems):
        sys.stderr.write(f"{line}\n")


def _write_diffs(mended: Mended) -> None:
    colour = terminal.wants_colour(sys.stdout)
    for edit in mended.edits.values():
        for line in edit.diff():
            painted = COLOURS.get(line[:1]) if colour else None
            text = f"{painted}{line.rstrip()}\x1b[0m\n" if painted else line
            sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))


def _summary(arguments: argparse.Namespace, mended: Mended, problems: Iterable[TransomError]) -> Iterator[str]:
    say = terminal.say
    counts = Counter(step.safe for step in mended.steps for _ in step.mends)
    done = say("mended") if arguments.write or arguments.patch else say("can be mended")
    total = say("{} findings in {} objects {}: {} safely, {} in a way that may change behaviour")
    yield total.format(sum(counts.values()), len(mended.objects), done, counts[True], counts[False])
    if not arguments.write and not arguments.patch and mended.objects:
        yield say("--write applies what is safe, --write=all everything")
    yield from _risks(mended)
    for rule, count in Counter(each.rule for each in mended.revealed).items():
        yield say("{} findings of {} are told once the faults are gone that kept it from judging").format(count, rule)
    if mended.left:
        yield say("{} findings are left:").format(len(mended.left))
        yield from _left(mended.left, say)
    for problem in problems:
        language = terminal.language()
        yield f"{translated(problem.what, language)}: {translated(problem.why, language)}; {translated(problem.next_step, language)}"
    for skipped in mended.skipped:
        yield f"{skipped.locator.file or skipped.ref.short}: {translated(skipped.reason, terminal.language())}"


def _risks(mended: Mended) -> Iterator[str]:
    """Yield what may break, for each behavioural fix that is applied."""
    for rule in dict.fromkeys(step.rule for step in mended.steps if not step.safe):
        risk = mended.risks.get(rule, {})
        told = risk.get(terminal.language()) or risk.get("en")
        if told:
            yield "  " + terminal.say("{}: {}").format(rule, told)


def _left(left: Sequence[Left], say: Callable[[str], str]) -> Iterator[str]:
    from transom.report.text import LABELS, columns

    counts = Counter((each.finding.rule, each.reason) for each in left)
    worst = {each.finding.rule: each.finding.severity for each in left}
    order = sorted(counts, key=lambda key: (-worst[key[0]], -counts[key], key))
    for rule, reason in order[:LINES_SHOWN]:
        label = say(LABELS[worst[rule]])
        told = say("{}: {}").format(rule, translated(reason, terminal.language()))
        yield f"  {label}{' ' * (8 - columns(label))} {counts[rule, reason]:5}  {told}"
    if len(order) > LINES_SHOWN:
        yield f"  {say('and {} more kinds; -o json tells all').format(len(order) - LINES_SHOWN)}"


def _record(mended: Mended, files: Sequence[str], problems: Iterable[TransomError]) -> dict[str, Any]:
    """Return what was, or would be, done, as a machine reads it."""
    return {
        "schema": "transom.fix/1",
        "mended": [
            {
                "object": str(proposal.entry.ref),
                "file": proposal.entry.origin.file,
                "rule": step.rule,
                "kind": SAFE if step.safe else "behavioural",
                "fingerprints": [each.fingerprint for each in step.mends],
                "changes": [_change(change) for change in step.changes],
            }
            for proposal in mended.objects
            for step in proposal.steps
        ],
        "files": [
            {
                "file": edit.file,
                "sha256": edit.patch.digest,
                "edits": [
                    {"start": each.start, "end": each.end, "text": each.text.decode("utf-8", "replace")}
                    for each in edit.patch.edits
                ],
            }
            for edit in mended.edits.values()
        ],
        "patches": list(files),
        "left": [{**_finding(each.finding), "reason": each.reason} for each in mended.left],
        "revealed": [_finding(each) for each in mended.revealed],
        "skipped": [{"ref": str(e.ref), "rule": e.rule, "reason": e.reason} for e in mended.skipped],
        "problems": [{"what": each.what, "why": each.why, "next_step": each.next_step} for each in problems],
    }


def _change(change: Any) -> dict[str, Any]:
    from transom.model.places import path_text

    made = {"op": "remove" if change.removed else "set", "path": path_text(change.path)}
    return made if change.removed else {**made, "value": change.value}


def _finding(finding: Finding) -> dict[str, Any]:
    place = finding.place
    return {
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "severity": finding.severity.label,
        "object": str(finding.ref),
        "container": finding.container,
        "file": place.file,
        "line": place.line,
    }


def _write_json(value: Any) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")


def _write_sarif(arguments: argparse.Namespace, options: Options, mended: Mended) -> None:
    """Write what the scan says, each finding with the edits that mend it."""
    from msgspec.structs import replace

    from transom.mending.proposed import proposed
    from transom.report.sarif import write
    from transom.report.summary import gather

    threshold = SEVERITIES[arguments.fail_on]
    targets = tuple(arguments.targets)
    report = gather(mended.results, rules=options.scan.faces, targets=targets, threshold=threshold)
    write(report, sys.stdout.buffer, replace(terminal.file_options(), fixes=proposed(mended)))
