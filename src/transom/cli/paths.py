"""transom paths: how what the outside reaches leads to everything, and what to take away."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, command_parser
from transom.cli.authority import (
    add_format_argument,
    add_source_arguments,
    is_read_for_paths,
    read_authority,
    remark,
    skipped_records,
    tell,
    write_json,
)
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.findings import Skipped
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.model.edges import Vertex
    from transom.model.refs import Ref
    from transom.paths.attack import Choke as Passage
    from transom.paths.attack import Field, Reached, Removal, Step, Story
    from transom.report.chains import Chain, Section

RBAC = "rbac.authorization.k8s.io"
MAX_WAYS = 1_000  # listed of one entry; their number is told whatever it is
SHOWN = 20  # chains of one jewel for people; all are in the JSON
EXAMPLES = """\
  transom paths deploy/                                from what the outside reaches to everything
  transom paths estate.transom --entry sa:shop/web     what one service account leads to
  transom paths deploy/ --jewel admin --cut 3          what to take away, three things at most
  transom paths deploy/ --entry pods -o html > paths.html

exit codes: 0 no path, 1 a path, 2 usage, 3 something was skipped
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("paths", "Show how an attacker gets from an entry to what must be protected.", EXAMPLES)
    made.add_argument("positional", metavar="TARGET", nargs="*", help=TARGET_HELP)
    made.add_argument(
        "--entry",
        metavar="ENTRY",
        action="append",
        default=[],
        help="exposed (default: pods that the outside reaches), pods, subjects, or somebody: sa:shop/web, alice, "
        "group:devs, node:worker-1, Deployment/shop/web; repeatable",
    )
    made.add_argument(
        "--jewel",
        metavar="JEWEL",
        action="append",
        default=[],
        help="admin, node, secrets, cloud, or something by name as for --entry; repeatable (default: all four)",
    )
    made.add_argument("--cut", metavar="N", type=int, default=0, help="tell what to take away, N things at most")
    made.add_argument(
        "--ways", metavar="N", type=int, default=1, help="list N of the shortest ways of each entry (default: 1)"
    )
    add_format_argument(made)
    add_source_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the paths."""
    gc.disable()  # one pass, then exit
    from transom.paths.attack import JEWELS, entries_of, field_of, removal, story

    if not 0 < arguments.ways <= MAX_WAYS:
        raise UsageError(f"--ways {arguments.ways} cannot be listed", "", f"list from 1 to {MAX_WAYS:,}")
    if arguments.cut < 0:
        raise UsageError("--cut takes how many things may be taken away", "", "write it like --cut 3")
    found, inventory, skipped = read_authority(
        [*arguments.positional, *arguments.targets], arguments, is_read_for_paths
    )
    field = field_of(inventory, known=found)
    entries = entries_of(field, arguments.entry)
    unknown = [_unknown(each) for each in entries if each not in field.graph.ids]
    tell(unknown)
    skipped += unknown
    stories = [story(field, entries, jewel, arguments.ways) for jewel in arguments.jewel or JEWELS]
    removals = {
        each.jewel: removal(field, entries, each.jewel, arguments.cut)
        for each in stories
        if arguments.cut and each.reached
    }
    _show(arguments, field, entries, stories, removals, skipped_records(skipped))
    if skipped:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if any(each.reached for each in stories) else Exit.CLEAN


def _unknown(entry: Vertex) -> Skipped:
    """Return what is told of an entry that nothing names: a misspelt one is not clean."""
    from transom.model.refs import Ref

    ref = Ref(kind=entry.kind, namespace=entry.namespace, name=entry.name)
    return Skipped(ref, "nothing is known of it, so neither is where it leads", "check how it is spelled")


def _show(
    arguments: argparse.Namespace,
    field: Field,
    entries: Sequence[Vertex],
    stories: Sequence[Story],
    removals: dict[str, Removal | None],
    skipped: list[dict[str, str]],
) -> None:
    if arguments.output == "json":
        records = [_story_record(each, removals.get(each.jewel), bool(arguments.cut)) for each in stories]
        write_json({"entries": [_record(each) for each in entries], "jewels": records, "skipped": skipped})
        sys.stdout.buffer.flush()
        return
    sections = [_section(each, removals) for each in stories]
    notes = list(_notes(arguments, entries))
    if arguments.output == "html":
        from transom.report.chains import page

        for piece in page(terminal.say("Attack paths"), sections, notes, terminal.language()):
            sys.stdout.buffer.write(piece.encode("utf-8", "backslashreplace"))
        return
    from transom.report.chains import lines

    for note in notes:
        remark(note)
    for line in lines(sections, terminal.report_options(sys.stdout)):
        sys.stdout.buffer.write(line.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.buffer.flush()


def _notes(arguments: argparse.Namespace, entries: Sequence[Vertex]) -> Iterator[str]:
    if not entries and not arguments.entry:
        yield terminal.say("The outside reaches no pod here; --entry pods starts from every pod.")


# for people


def _section(found: Story, removals: dict[str, Removal | None]) -> Section:
    from transom.paths.words import TITLES
    from transom.report.chains import Choke, Section

    say = terminal.say
    what = say(TITLES[found.jewel]) if found.jewel in TITLES else found.jewel
    title = say("{} of {} entries reach {}").format(len(found.reached), found.entries, what)
    chokes = [Choke(each.share, _passed(each)) for each in found.chokes[:3]]
    advice = list(_advice(removals[found.jewel], len(found.reached))) if found.jewel in removals else []
    chains = [chain for each in found.reached[:SHOWN] for chain in _chains(each)]
    left = max(len(found.reached) - SHOWN, 0)
    return Section(title, chains, what, len(found.reached), found.entries, chokes, advice, left)


def _passed(choke: Passage) -> str:
    """Return what is said of something that many of the shortest ways go through."""
    said = terminal.say("{:.0%} of the shortest ways go through {}")
    return said.format(choke.share, _through(choke.through) or choke.vertex.short)


def _advice(found: Removal | None, reached: int) -> Iterator[str]:
    say = terminal.say
    if found is None:
        yield say("No binding and no pod setting stands between: change the entries themselves.")
        return
    what = ", ".join(_taken(ref) for ref in found.refs)
    yield say("Take away {}: {} of {} entries still reach it then.").format(what, found.left, reached)
    if found.left == 0:
        proof = mark("No smaller set does that.") if found.proven else mark("It is the smallest set that was found.")
        yield say(proof)


def _taken(ref: Ref) -> str:
    """Return what is to be taken away: a binding, or of a workload what lets its pods out."""
    return ref.short if ref.group == RBAC else terminal.say("what lets {} out to its node").format(ref.short)


def _chains(found: Reached) -> Iterator[Chain]:
    from transom.report.chains import Chain, Link

    notes = [f"{each.how} {each.through.short}" for each in found.exposures]
    if found.ways > len(found.listed):
        notes.append(terminal.say("{:,} of {:,} ways that are as short").format(len(found.listed), found.ways))
    for way in found.listed:
        links = [Link(_told(each.who), _told(each.gains), _how(each), _through(each.through)) for each in way]
        yield Chain(_told(found.entry), links, notes)


def _told(vertex: Vertex) -> str:
    from transom.paths.words import told

    return told(vertex, terminal.say)


def _how(step: Step) -> str:
    from transom.identity.escalation.primitives import titles

    names = titles().get(step.primitive, {})
    return names.get(terminal.language()) or names.get("en", step.primitive)


def _through(refs: Sequence[Any]) -> str:
    return ", ".join(ref.short for ref in refs)


# for machines


def _record(vertex: Vertex) -> dict[str, str]:
    return {"kind": vertex.kind, "namespace": vertex.namespace, "name": vertex.name}


def _story_record(found: Story, taken: Removal | None, asked: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "jewel": found.jewel,
        "entries": found.entries,
        "paths": [_reached_record(each) for each in found.reached],
        "choke_points": [
            {"share": round(each.share, 4), "through": [str(ref) for ref in each.through], **_record(each.vertex)}
            for each in found.chokes
        ],
    }
    if asked and found.reached:
        made["cut"] = None
        if taken is not None:
            made["cut"] = {"remove": [str(ref) for ref in taken.refs], "left": taken.left, "minimum": taken.proven}
    return made


def _reached_record(found: Reached) -> dict[str, Any]:
    return {
        "entry": _record(found.entry),
        "exposed_by": [{"how": each.how, "through": str(each.through)} for each in found.exposures],
        "ways": found.ways,
        "steps": [_step_record(each) for each in found.listed[0]],
        "others": [[_step_record(each) for each in way] for way in found.listed[1:]],
    }


def _step_record(step: Step) -> dict[str, Any]:
    return {
        "who": _record(step.who),
        "gains": _record(step.gains),
        "primitive": step.primitive,
        "through": [str(ref) for ref in step.through],
    }
