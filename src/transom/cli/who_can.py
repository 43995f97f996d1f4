"""transom who-can: everybody who may do something."""

from __future__ import annotations

import argparse
import gc
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.authority import (
    Places,
    add_format_argument,
    add_question_arguments,
    add_source_arguments,
    question_of,
    read_authority,
    show,
    skipped_records,
)
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.identity.reach import Holder
    from transom.inventory import Inventory
    from transom.kube.authorizer import BoundSubject, Question

EXAMPLES = """\
  transom who-can get secrets --from deploy/            in any namespace
  transom who-can get secrets/db -n shop --from deploy/
  transom who-can create pods/exec -n shop --from estate.transom
  transom who-can get /metrics --from deploy/

exit codes: 0 answered, 2 usage, 3 something was skipped, so there may be more
"""
HEADINGS = (mark("subject"), mark("verb"), mark("where"), mark("names"), mark("through"), mark("role"))
EVERYWHERE, ALL = mark("everywhere"), mark("all")


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("who-can", "Tell everybody who may do something, and through which binding.", EXAMPLES)
    made.add_argument("verb", metavar="VERB", help="get, list, create, impersonate …; case matters")
    made.add_argument(
        "what", metavar="RESOURCE[/NAME]|URL", help="plural, singular, kind or short name, group behind a dot"
    )
    add_question_arguments(made)
    made.add_argument("--expand", action="store_true", help="also list the service accounts of system:authenticated")
    add_format_argument(made)
    add_source_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print who may."""
    gc.disable()  # one pass, then exit
    from transom.identity.reach import expanded, who_can

    found, inventory, skipped = read_authority(arguments.targets, arguments)
    question, namespaced = question_of(
        found, arguments.verb, arguments.what, arguments.namespace, arguments.subresource
    )
    holders: Iterable[Holder] = who_can(found.authorizer, question, everywhere=namespaced and not question.namespace)
    holders = list(expanded(holders, _accounts(inventory), everyone=arguments.expand))
    _show(arguments, question, holders, Places(found, inventory), skipped_records(skipped))
    return Exit.INCOMPLETE if skipped else Exit.CLEAN


def _accounts(inventory: Inventory) -> list[BoundSubject]:
    from transom.inventory.accounts import service_accounts
    from transom.kube.authorizer import BoundSubject

    found = service_accounts(inventory).items()
    return [BoundSubject("ServiceAccount", name, namespace) for namespace, names in found for name in names]


def _show(
    arguments: argparse.Namespace,
    question: Question,
    holders: list[Holder],
    places: Places,
    skipped: list[dict[str, str]],
) -> None:
    from transom.report.grid import Grid

    words = asked(question)
    title = terminal.say("Who can {}").format(words)
    record = {
        "question": question_record(question),
        "holders": [_record(each, places) for each in holders],
        "skipped": skipped,
    }
    show(arguments, Grid(HEADINGS, [_row(each) for each in holders], title), record)


def asked(question: Question) -> str:
    """Return a question as people write it."""
    if question.path is not None:
        return f"{question.verb} {question.path}"
    resource = question.resource + (f"/{question.subresource}" if question.subresource else "")
    whole = f"{resource}.{question.group}" if question.group else resource
    name = f" {question.name}" if question.name else ""
    return f"{question.verb} {whole}{name}" + (f" -n {question.namespace}" if question.namespace else "")


def question_record(question: Question) -> dict[str, str]:
    """Return a question as JSON has it."""
    if question.path is not None:
        return {"verb": question.verb, "path": question.path}
    fields = ("verb", "group", "resource", "subresource", "namespace", "name")
    return {field: getattr(question, field) for field in fields if getattr(question, field) or field == "group"}


def _row(holder: Holder) -> tuple[str, ...]:
    say = terminal.say
    through = str(holder.binding) if holder.binding else say(holder.by)
    if holder.through:
        through += f" ({holder.through})"
    return (
        str(holder.subject),
        holder.verb,
        holder.namespace or say(EVERYWHERE),
        ", ".join(holder.names) or say(ALL),
        through,
        f"{holder.binding.role_kind} {holder.binding.role_name}" if holder.binding else "",
    )


def _record(holder: Holder, places: Places) -> dict[str, Any]:
    import msgspec

    made: dict[str, Any] = {"subject": msgspec.to_builtins(holder.subject), "verb": holder.verb}
    made |= {"namespace": holder.namespace, "names": list(holder.names)}
    if holder.binding is not None:
        made["binding"] = places.binding(holder.binding)
        made["role"] = places.role(holder.binding)
        made["rule"] = holder.rule
    else:
        made["by"] = holder.by
    if holder.through:
        made["group"] = holder.through
    return made
