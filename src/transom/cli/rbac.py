"""transom rbac: a matrix of rights, what changed between two sources, and who is bound to what as a graph."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, command_parser
from transom.cli.authority import (
    Places,
    add_format_argument,
    add_source_arguments,
    read_authority,
    remark,
    show,
    skipped_records,
)
from transom.cli.who_can import EVERYWHERE
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.identity.matrix import Cell
    from transom.identity.reach import Change, Reach
    from transom.inventory.authority import Authority
    from transom.kube.authorizer import Binding, BoundSubject
    from transom.kube.resources import Resource
    from transom.report.grid import Grid

EXAMPLES = """\
  transom rbac matrix --from deploy/                   subjects beside the resources that tell most
  transom rbac matrix sa:shop/web --from deploy/       one subject: resources beside verbs
  transom rbac diff old.transom deploy/                what reach was added and removed, for each subject
  transom rbac graph --from deploy/ -o dot | dot -Tsvg -o rbac.svg

exit codes: 0 shown (diff: no reach added), 1 diff: reach added, 2 usage, 3 something was skipped
"""
LETTERS = dict(
    zip(["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"], "glwcupdD", strict=True)
)


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("rbac", "Show rights as a matrix, as a difference or as a graph.", EXAMPLES)
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    matrix = actions.add_parser("matrix", help="subjects beside resources, or one subject's resources beside verbs")
    matrix.add_argument("subject", metavar="SUBJECT", nargs="?", help="alice, group:devs, sa:shop/web or node:worker-1")
    matrix.add_argument(
        "--resource", metavar="RESOURCE", action="append", default=[], help="a column of its own (repeatable)"
    )
    diff = actions.add_parser("diff", help="what reach was added and removed between two sources")
    diff.add_argument("old", metavar="OLD", help=TARGET_HELP)
    diff.add_argument("new", metavar="NEW", help=TARGET_HELP)
    graph = actions.add_parser("graph", help="subjects, bindings and roles, with what the roles allow")
    for each in (matrix, graph):
        each.add_argument("--all", action="store_true", help="also what every cluster has by itself")
    for each, formats in ((matrix, ("table", "json", "html")), (diff, ("table", "json", "html"))):
        add_format_argument(each, formats)
    add_format_argument(graph, ("table", "json", "html", "dot"))
    for each in (matrix, graph):
        add_source_arguments(each)
    add_source_arguments(diff, positional=True)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    gc.disable()  # one pass, then exit
    return {"matrix": _matrix, "diff": _diff, "graph": _graph}[arguments.action](arguments)


# matrix


def _matrix(arguments: argparse.Namespace) -> int:
    found, _, skipped = read_authority(arguments.targets, arguments)
    grid, record = _of_one(found, arguments) if arguments.subject else _of_all(found, arguments)
    show(arguments, grid, {**record, "skipped": skipped_records(skipped)})
    return Exit.INCOMPLETE if skipped else Exit.CLEAN


def _of_all(found: Authority, arguments: argparse.Namespace) -> tuple[Grid, dict[str, Any]]:
    from transom.identity.matrix import VERBS, of_subjects
    from transom.report.grid import Grid

    columns = _columns(found, arguments.resource)
    rows = of_subjects(found.authorizer, columns)
    if not arguments.all:
        rows = [row for row in rows if row[0] in _own_subjects(found)]
    headings = (mark("subject"), *(each.name for each in columns))
    legend = ", ".join(f"{letter} {verb}" for verb, letter in LETTERS.items())
    notes = [legend, terminal.say("@2: in two namespaces only; ~: some names only")]
    if not arguments.all:
        notes.append(terminal.say("What every cluster has by itself is left out; --all shows it."))
    lines = [(str(subject), *(_letters(cells) for cells in row)) for subject, row in rows]
    record = [
        {
            "subject": _subject_record(subject),
            "rights": {
                column.full_name: {
                    verb: _cell_record(each) for verb, each in zip(VERBS, cells, strict=True) if each.held
                }
                for column, cells in zip(columns, row, strict=True)
            },
        }
        for subject, row in rows
    ]
    return Grid(headings, lines, terminal.say("Rights by subject"), notes), {"subjects": record}


def _columns(found: Authority, words: Sequence[str]) -> list[Resource]:
    from transom.identity.matrix import TELLING
    from transom.kube.resources import Resource

    if not words:
        return [found.resources.get(group, name) or Resource(group, name) for group, name in TELLING]
    columns = []
    for word in words:
        plain, _, subresource = word.partition("/")
        parent = found.resources.find(plain)
        name, _, group = plain.partition(".")
        parent = parent or Resource(group, name)
        known = found.resources.get(parent.group, f"{parent.name}/{subresource}") if subresource else parent
        columns.append(known or Resource(parent.group, f"{parent.name}/{subresource}", namespaced=parent.namespaced))
    return columns


def _own_subjects(found: Authority) -> set[BoundSubject]:
    """Return whom bindings name that are no part of the bootstrap policy."""
    return {subject for binding in _own_bindings(found) for subject in binding.subjects}


def _own_bindings(found: Authority) -> list[Binding]:
    from transom.kube.authorizer.defaults import default_policy

    defaults = set(default_policy().bindings)
    return [binding for binding in found.authorizer.policy.bindings if binding not in defaults]


def _letters(cells: Sequence[Cell]) -> str:
    """Return what is held of one resource: letters of verbs, first those everywhere, then by number of namespaces."""
    local: dict[int, list[str]] = {}
    everywhere, named = "", ""
    for letter, each in zip(LETTERS.values(), cells, strict=True):
        if each.everywhere:
            everywhere += letter
        elif each.namespaces:
            local.setdefault(len(each.namespaces), []).append(letter)
        elif each.names:
            named += letter
    parts = [everywhere, *(f"{''.join(letters)}@{count}" for count, letters in sorted(local.items()))]
    return " ".join(filter(None, [*parts, f"{named}~" if named else ""]))


def _cell_record(cell: Cell) -> dict[str, Any]:
    return {"everywhere": cell.everywhere, "namespaces": list(cell.namespaces), "names": list(cell.names)}


def _subject_record(subject: BoundSubject) -> dict[str, str]:
    return {"kind": subject.kind, "namespace": subject.namespace, "name": subject.name}


def _of_one(found: Authority, arguments: argparse.Namespace) -> tuple[Grid, dict[str, Any]]:
    from transom.identity.matrix import VERBS, of_resources
    from transom.identity.subjects import parse_subject, told
    from transom.report.grid import Grid

    user = parse_subject(arguments.subject)
    resources = _columns(found, arguments.resource) if arguments.resource else found.resources.all
    rows = of_resources(found.authorizer, user, resources)
    lines = [(resource.full_name, *map(_extent, cells)) for resource, cells in rows]
    rights = {
        resource.full_name: {verb: _cell_record(each) for verb, each in zip(VERBS, cells, strict=True) if each.held}
        for resource, cells in rows
    }
    title = terminal.say("Rights of {}").format(told(user))
    record = {"subject": {"user": user.name, "groups": list(user.groups)}, "rights": rights}
    return Grid((mark("resource"), *VERBS), lines, title), record


def _extent(cell: Cell) -> str:
    if cell.everywhere:
        return terminal.say(EVERYWHERE)
    return ", ".join(cell.namespaces) or "/".join(cell.names) or ""


# diff


def _diff(arguments: argparse.Namespace) -> int:
    from transom.identity.reach import changes
    from transom.report.grid import Grid

    old, old_inventory, skipped_old = read_authority([arguments.old], arguments)
    new, new_inventory, skipped_new = read_authority([arguments.new], arguments)
    before, after = Places(old, old_inventory), Places(new, new_inventory)
    skipped = [*skipped_old, *skipped_new]
    found = list(changes(old.authorizer, new.authorizer))
    title = terminal.say("{} added, {} removed").format(
        sum(each.added for each in found), sum(not each.added for each in found)
    )
    headings = ("", mark("subject"), mark("verbs"), mark("resource"), mark("where"), mark("names"), mark("through"))
    record = {
        "changes": [_change_record(each, after if each.added else before) for each in found],
        "skipped": skipped_records(skipped),
    }
    show(arguments, Grid(headings, list(_change_rows(found)), title), record)
    if skipped:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if any(each.added for each in found) else Exit.CLEAN


def _change_rows(found: Sequence[Change]) -> Iterator[tuple[str, ...]]:
    """Yield a row for all verbs that changed alike."""
    verbs: dict[tuple[str, ...], list[str]] = {}
    for each in found:
        reach = each.reach
        sign = "+" if each.added else "-"
        where = reach.namespace or terminal.say(EVERYWHERE)
        key = (sign, str(each.subject), _what(reach), where, reach.name, str(each.binding))
        verbs.setdefault(key, []).append(reach.verb)
    for (sign, subject, *rest), changed in verbs.items():
        yield (sign, subject, ", ".join(changed), *rest)


def _what(reach: Reach) -> str:
    return f"URL {reach.url}" if reach.url else f"{reach.resource}.{reach.group}" if reach.group else reach.resource


def _change_record(change: Change, places: Places) -> dict[str, Any]:
    import msgspec

    return {
        "change": "added" if change.added else "removed",
        "subject": _subject_record(change.subject),
        "reach": msgspec.to_builtins(change.reach),
        "binding": places.binding(change.binding),
        "role": places.role(change.binding),
    }


# graph


def _graph(arguments: argparse.Namespace) -> int:
    from transom.report.grid import Grid

    found, inventory, skipped = read_authority(arguments.targets, arguments)
    places = Places(found, inventory)
    bindings = found.authorizer.policy.bindings if arguments.all else _own_bindings(found)
    if arguments.output == "dot":
        sys.stdout.write("\n".join(_dot(found, bindings)) + "\n")
        return Exit.INCOMPLETE if skipped else Exit.CLEAN
    headings = (mark("subject"), mark("binding"), mark("role"), mark("allows"))
    rows = [row for binding in bindings for row in _edges(found, binding)]
    record = {
        "bindings": [
            {
                **places.binding(binding),
                "subjects": [_subject_record(subject) for subject in binding.subjects],
                "role": places.role(binding),
                "exists": binding.role_key in found.authorizer.policy.roles,
            }
            for binding in bindings
        ],
        "skipped": skipped_records(skipped),
    }
    if not arguments.all:
        remark(terminal.say("What every cluster has by itself is left out; --all shows it."))
    show(arguments, Grid(headings, rows, terminal.say("Who is bound to what")), record)
    return Exit.INCOMPLETE if skipped else Exit.CLEAN


def _edges(found: Authority, binding: Binding) -> Iterator[tuple[str, ...]]:
    for subject in binding.subjects or ("",):
        yield str(subject), str(binding), f"{binding.role_kind} {binding.role_name}", _allows(found, binding)


def _allows(found: Authority, binding: Binding) -> str:
    role = found.authorizer.policy.roles.get(binding.role_key)
    if role is None:
        return terminal.say("there is no such role")
    parts = [f"{','.join(rule.verbs)} {','.join(rule.resources or rule.non_resource_urls)}" for rule in role.rules]
    return "; ".join(parts) or terminal.say("nothing")


def _dot(found: Authority, bindings: Sequence[Binding]) -> Iterator[str]:
    """Yield the graph in the DOT language (Graphviz)."""
    yield "digraph rbac {"
    yield '  rankdir=LR; node [fontname="sans-serif", fontsize=10, shape=box, style=rounded];'
    roles = {}
    for binding in bindings:
        name, role = str(binding), f"{binding.role_kind} {'/'.join(filter(None, binding.role_key))}"
        roles[role] = _allows(found, binding)
        yield f"  {_quoted(name)} [shape=plain];"
        for subject in binding.subjects:
            yield f"  {_quoted(str(subject))} -> {_quoted(name)} [arrowhead=none];"
        yield f"  {_quoted(name)} -> {_quoted(role)};"
    for role, allows in roles.items():
        yield f'  {_quoted(role)} [tooltip={_quoted(allows)}, style=filled, fillcolor="#f1efea"];'
    yield "}"


def _quoted(text: str) -> str:
    from transom.report.text import safe

    return '"' + safe(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
