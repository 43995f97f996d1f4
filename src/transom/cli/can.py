"""transom can: what somebody may do, whether it may do one thing, and SubjectAccessReviews in bulk."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.authority import (
    Places,
    add_format_argument,
    add_question_arguments,
    add_source_arguments,
    question_of,
    read_authority,
    remark,
    show,
    skipped_records,
)
from transom.cli.who_can import ALL, EVERYWHERE, asked, question_record
from transom.model.errors import TransomError, UsageError
from transom.model.exits import Exit
from transom.model.findings import Skipped
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.inventory import Inventory
    from transom.inventory.authority import Authority
    from transom.kube.authorizer import Authorizer, Grant, Question, User

EXAMPLES = """\
  transom can sa:shop/web --from deploy/                    all that it may do
  transom can alice --group devs get secrets -n shop --from deploy/
  transom can --reviews questions.jsonl --from deploy/      SubjectAccessReviews in, their answers out

exit codes: 0 yes, or listed; 1 no; 2 usage; 3 something was skipped, so that no may be yes, or a review was none
"""
HEADINGS = (mark("where"), mark("resources"), mark("names"), mark("verbs"), mark("through"))


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("can", "Tell what somebody may do, or whether it may do one thing.", EXAMPLES)
    made.add_argument("subject", metavar="SUBJECT", nargs="?", help="alice, group:devs, sa:shop/web or node:worker-1")
    made.add_argument("verb", metavar="VERB", nargs="?", help="ask about one thing: get, list, create …")
    made.add_argument("what", metavar="RESOURCE[/NAME]|URL", nargs="?", help="… on what")
    made.add_argument(
        "--group", metavar="GROUP", action="append", default=[], help="it is also in this group (repeatable)"
    )
    made.add_argument(
        "--reviews", metavar="FILE", help="JSON lines of SubjectAccessReview, - for standard input; groups are literal"
    )
    add_question_arguments(made)
    add_format_argument(made)
    add_source_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Answer."""
    gc.disable()  # one pass, then exit
    if arguments.reviews:
        return _reviews(arguments)
    if not arguments.subject:
        raise UsageError("name who it is about", "", "transom can sa:shop/web --from deploy/")
    if arguments.verb and not arguments.what:
        raise UsageError(f"{arguments.verb} what?", "", "name a resource behind the verb")
    from transom.identity.subjects import parse_subject

    user = parse_subject(arguments.subject, tuple(arguments.group))
    found, inventory, skipped = read_authority(arguments.targets, arguments)
    places = Places(found, inventory)
    _check_account(user, inventory)
    if arguments.verb:
        return _one(arguments, found, user, places, skipped)
    _list(arguments, found.authorizer, user, places, skipped)
    return Exit.INCOMPLETE if skipped else Exit.CLEAN


def _check_account(user: User, inventory: Inventory) -> None:
    """Say where a service account is not there; what it could do is right all the same."""
    from transom.inventory.accounts import DEFAULT_ACCOUNT, service_accounts
    from transom.kube.authorizer.questions import service_account

    account, known = service_account(user.name), service_accounts(inventory)
    if account and known and account[1] not in (*known.get(account[0], ()), DEFAULT_ACCOUNT):
        remark(terminal.say("the source tells of no service account {}").format("/".join(account)))


def _one(arguments: argparse.Namespace, found: Authority, user: User, places: Places, skipped: list[Skipped]) -> int:
    from transom.kube.authorizer.questions import service_account

    account = service_account(user.name)
    default = account[0] if account else "default"
    question, _ = question_of(
        found, arguments.verb, arguments.what, arguments.namespace, arguments.subresource, default
    )
    decision = found.authorizer.decide(user, question)
    if arguments.output == "json":
        from transom.cli.authority import write_json

        record = {"question": question_record(question), **_subject(user), "allowed": decision.allowed}
        grant = decision.grant and _record(decision.grant, places)
        write_json({**record, "reason": decision.reason, "grant": grant, "skipped": skipped_records(skipped)})
    else:
        said = terminal.say("yes") if decision.allowed else terminal.say("no")
        sys.stdout.write(terminal.say("{}: {}").format(said, asked(question)) + "\n")
        for line in filter(None, decision.reason.split("\n")):
            _below(line)
        for line in places.explained(found, decision.grant) if decision.grant else ():
            _below(line)
    if decision.allowed:
        return Exit.CLEAN
    _tell_detour(found, user, question)
    return Exit.INCOMPLETE if skipped else Exit.FINDINGS


def _tell_detour(found: Authority, user: User, question: Question) -> None:
    """Say where another verb, which is allowed, comes to the same."""
    from transom.identity.reach import comes_to

    for other in comes_to(found.authorizer, question):
        if other != question and found.authorizer.allows(user, other):
            told = terminal.say("but it can {}, which over a WebSocket comes to the same before Kubernetes 1.35")
            remark(told.format(asked(other)))


def _below(line: str) -> None:
    """Write a line of an answer below its first."""
    from transom.report.text import safe

    sys.stdout.write(f"  {safe(line)}\n")


def _subject(user: User) -> dict[str, Any]:
    return {"subject": {"user": user.name, "groups": list(user.groups)}}


def _list(
    arguments: argparse.Namespace, authorizer: Authorizer, user: User, places: Places, skipped: list[Skipped]
) -> None:
    from transom.identity.reach import has_effect
    from transom.identity.subjects import told
    from transom.report.grid import Grid

    grants = [grant for grant in authorizer.grants(user, arguments.namespace) if has_effect(grant)]
    notes = []
    if user.is_master:
        notes.append(terminal.say("A member of system:masters is never refused anything."))
    if user.groups:
        notes.append(terminal.say("groups: {}").format(", ".join(user.groups)))
    title = terminal.say("What {} can do").format(told(user))
    rules = [_record(grant, places) for grant in grants]
    record = {**_subject(user), "master": user.is_master, "rules": rules, "skipped": skipped_records(skipped)}
    show(arguments, Grid(HEADINGS, list(_rows(grants)), title, notes), record)


def _rows(grants: list[Grant]) -> Iterator[tuple[str, ...]]:
    say = terminal.say
    for grant in dict.fromkeys(grants):
        rule = grant.rule
        yield (
            grant.namespace or say(EVERYWHERE),
            ", ".join(_resources(grant) or [f"URL {url}" for url in rule.non_resource_urls]),
            ", ".join(rule.resource_names) or say(ALL),
            ", ".join(rule.verbs),
            f"{grant.binding} → {grant.binding.role_kind} {grant.binding.role_name}",
        )


def _resources(grant: Grant) -> list[str]:
    groups = grant.rule.api_groups
    return [f"{name}.{group}" if group else name for group in groups for name in grant.rule.resources]


def _record(grant: Grant, places: Places) -> dict[str, Any]:
    import msgspec

    binding = grant.binding
    through = {"binding": places.binding(binding), "role": places.role(binding)}
    return {**msgspec.to_builtins(grant.rule), "namespace": grant.namespace, **through}


# reviews


def _reviews(arguments: argparse.Namespace) -> int:
    import msgspec

    from transom.kube.authorizer.reviews import answer

    if arguments.subject:
        raise UsageError("--reviews names its own subjects", "", "leave the subject out")
    found, _, skipped = read_authority(arguments.targets, arguments)
    encode, whole = msgspec.json.Encoder().encode, True
    out = sys.stdout.buffer
    for line in _lines(arguments.reviews):
        answered, was_review = answer(found.authorizer, line)
        whole = whole and was_review
        out.write(encode(answered) + b"\n")
    out.flush()
    return Exit.CLEAN if whole and not skipped else Exit.INCOMPLETE


def _lines(name: str) -> Iterator[bytes]:
    """Yield the lines of a file, each of bounded length, blank ones left out."""
    if name == "-":
        yield from _bounded(sys.stdin.buffer)
        return
    try:
        with open(name, "rb") as stream:  # noqa: PTH123 - also /dev/stdin and the like
            yield from _bounded(stream)
    except OSError as error:
        raise TransomError(f"cannot read {name}", error.strerror or str(error), "check the path") from error


def _bounded(stream: BinaryIO) -> Iterator[bytes]:
    from transom.kube.authorizer.reviews import MAX_REVIEW_BYTES

    while line := stream.readline(MAX_REVIEW_BYTES + 2):
        yield from (line.strip(),) if line.strip() else ()
        while line and not line.endswith(b"\n"):
            line = stream.readline(MAX_REVIEW_BYTES)  # the rest of what is too long
