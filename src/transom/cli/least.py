"""transom least: what was granted beside what was used, and what would be enough, proven by replay."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.authority import add_source_arguments, read_authority, show, skipped_records, tell, write_json
from transom.cli.least_packages import add_packages_parser, run_packages
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.findings import Skipped
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.audit.usage import UsageTable
    from transom.kube.authorizer import PolicyRule
    from transom.least.rbac import Account, Proposal, Surplus
    from transom.model.permissions import Period, Replay, Use

EXAMPLES = """\
  transom least rbac --audit audit.log --from deploy/               who holds what nobody used
  transom least rbac --audit logs/ --from estate.transom -o yaml    the roles that would be enough, to apply
  transom least rbac --audit audit.log --from cluster --subject sa:shop/web --level steady
  transom least packages image:web:1                                packages that the image's command does not lead to

exit codes: 0 nothing unused, 1 something unused, 2 usage, 3 something was skipped, or the replay denies something
"""
FORMATS = ("table", "json", "yaml")
DEFAULT_DAYS = 7.0  # what happens once a week has happened
SHOWN = 12  # of one subject, in a table; JSON tells all
HEADINGS = (mark("subject"), mark("granted"), mark("unused"), mark("requests"), mark("watched"), mark("confidence"))
DAY_S = 86_400.0
Words = tuple[str, ...]


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("least", "Compare what was granted with what was used.", EXAMPLES)
    domains = made.add_subparsers(dest="domain", metavar="DOMAIN", required=True)
    rbac = domains.add_parser("rbac", help="roles and bindings beside an audit log")
    rbac.add_argument(
        "--audit",
        metavar="LOG",
        action="append",
        default=[],
        help="audit logs: a file, a folder of rotated ones, or - (repeatable; JSON lines, gzip, EKS, AKS and GKE exports)",
    )
    rbac.add_argument("--subject", metavar="SUBJECT", help="only this one: alice, group:devs or sa:shop/web")
    rbac.add_argument(
        "--level", choices=("tight", "steady", "loose"), default="tight", help="how close to what was used (tight)"
    )
    rbac.add_argument(
        "--min-days",
        metavar="N",
        type=float,
        default=DEFAULT_DAYS,
        help=f"how long must have been watched to call something unused ({DEFAULT_DAYS:.0f})",
    )
    rbac.add_argument(
        "--since",
        metavar="TIME",
        type=_moment,
        default=0.0,
        help="only what happened since then: 2026-11-01, or 30d ago",
    )
    rbac.add_argument("--until", metavar="TIME", type=_moment, default=inf, help="only what happened before then")
    rbac.add_argument("--all", action="store_true", help="also the users, groups and accounts of Kubernetes itself")
    rbac.add_argument("-o", "--output", choices=FORMATS, default="table", help="table (default), json or yaml")
    add_source_arguments(rbac)
    add_packages_parser(domains)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison, or the proposal."""
    gc.disable()  # one pass, then exit
    if arguments.domain == "packages":
        return run_packages(arguments)
    from transom.least.rbac import accounts, proposal, replay
    from transom.least.watching import began, unexplained

    if not arguments.audit:
        raise UsageError("name the audit log", "", "add --audit audit.log")
    if not arguments.min_days >= 0:
        raise UsageError("--min-days is no number of days", "", "give 0 or more")
    if not arguments.since < arguments.until:
        raise UsageError("no time is left between --since and --until", "", "give an earlier --since")
    found, inventory, skipped = read_authority(arguments.targets, arguments)
    table, unread = _table(arguments.audit, arguments.since, arguments.until)
    wanted_s, since_s = arguments.min_days * DAY_S, began(inventory, found.authorizer.policy)
    told = list(accounts(found.authorizer, table, wanted_s, arguments.level, arguments.all, since_s))
    chosen = [each for each in told if not isinstance(each, Skipped) and _is_chosen(each, arguments.subject)]
    hardly = [each for each in told if isinstance(each, Skipped)]
    made = proposal(found.authorizer.policy, chosen)
    proof = replay(found.authorizer, made, table)
    later = [*unread, *hardly, *unexplained(proof.unexplained)]
    skipped += later
    tell(later)
    _write(arguments, table, chosen, made, proof, skipped)
    if skipped or proof.denied or made.beyond:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if any(each.surplus for each in chosen) else Exit.CLEAN


def _moment(text: str) -> float:
    """Read `2026-11-01`, `2026-11-01T12:00:00Z`, or `30d` and `12h` as so long ago; return seconds since 1970."""
    from datetime import UTC, datetime
    from time import time

    unit_s = {"h": 3_600.0, "d": DAY_S, "w": 7 * DAY_S}.get(text[-1:], 0.0)
    if unit_s and text[:-1].isdecimal() and len(text) < 8:
        return time() - int(text[:-1]) * unit_s
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        message = f"{text!r} is no time; write it like 2026-11-01, 2026-11-01T12:00:00Z or 30d"
        raise argparse.ArgumentTypeError(message) from None


def _table(paths: Sequence[str], since_s: float, until_s: float) -> tuple[UsageTable, list[Skipped]]:
    from transom.audit.log import AuditLog
    from transom.audit.usage import MAX_SHAPES, UsageTable
    from transom.model.refs import file_ref

    table, skipped = UsageTable(), []
    with terminal.progress(lambda: terminal.say("{:,} events read").format(table.events)):
        for event in AuditLog().read(paths):
            if isinstance(event, Skipped):
                skipped.append(event)
            elif since_s <= event.time_s < until_s:
                table.add(event)
    if not table.events:
        reason = "it holds no audit event"
        if since_s or until_s < inf:
            reason = "it holds no audit event of the time that was asked for"
        skipped.append(Skipped(file_ref(paths[0]), reason, "check the path, and the audit policy"))
    if table.undecided:
        reason = f"it does not tell whether {table.undecided:,} requests were allowed, so they count neither way"
        skipped.append(Skipped(file_ref(paths[0]), reason, "take the API server's own log, where there is one"))
    if table.overflow:
        reason = f"{table.overflow:,} requests were not counted, because more than {MAX_SHAPES:,} were different"
        skipped.append(Skipped(file_ref(paths[0]), reason, "give a shorter time"))
    return table, skipped


def _is_chosen(account: Account, wanted: str | None) -> bool:
    if wanted is None:
        return True
    from transom.identity.subjects import parse_subject

    user, subject = parse_subject(wanted), account.subject
    return subject.name == user.groups[0] if not user.name and subject.kind == "Group" else subject.user == user.name


def _write(
    arguments: argparse.Namespace,
    table: UsageTable,
    chosen: Sequence[Account],
    made: Proposal,
    proof: Replay,
    skipped: Sequence[Skipped],
) -> None:
    if arguments.output == "yaml":
        sys.stdout.write(_yaml(made, proof))
    elif arguments.output == "json":
        write_json(_record(table, chosen, made, proof, skipped))
    else:
        from transom.report.grid import Grid

        notes = [*_details(chosen), *_period_told(table), *_proof_told(made, proof)]
        grid = Grid(HEADINGS, [_row(each) for each in chosen], terminal.say("Granted and used"), notes)
        show(arguments, grid, {})


# for people


def _row(account: Account) -> tuple[str, ...]:
    return (
        str(account.subject),
        f"{account.granted:,}",
        f"{account.unused:,}",
        f"{sum(usage.seen.count for usage in account.uses):,}",
        f"{account.coverage:.0%}",
        f"{account.confidence:.2f}",
    )


def _details(chosen: Iterable[Account]) -> Iterator[str]:
    for account in chosen:
        if account.surplus:
            yield ""
            yield terminal.say("{} never used, or never as a whole:").format(account.subject)
            yield from (f"  {_surplus_told(each)}" for each in account.surplus[:SHOWN])
            if len(account.surplus) > SHOWN:
                yield "  " + terminal.say("and {:,} more; -o json names every one").format(len(account.surplus) - SHOWN)


def _surplus_told(surplus: Surplus) -> str:
    rules = ", ".join(dict.fromkeys(map(_rule_told, _joined(surplus.unused))))
    binding = surplus.grant.binding
    note = terminal.say("(nothing of this rule)") if surplus.whole else ""
    note = terminal.say("(a star, used in part)") if surplus.wider else note
    return f"{rules}  {terminal.say('through')} {binding} {note}".rstrip()


def _joined(unused: Sequence[PolicyRule]) -> Iterator[PolicyRule]:
    """Yield atoms with the verbs of one thing together."""
    from transom.kube.authorizer import PolicyRule

    verbs: dict[tuple[Words, Words, Words, Words], list[str]] = {}
    for atom in unused:
        key = (atom.api_groups, atom.resources, atom.resource_names, atom.non_resource_urls)
        verbs.setdefault(key, []).extend(atom.verbs)
    for key, together in verbs.items():
        yield PolicyRule(tuple(dict.fromkeys(together)), *key)


def _rule_told(rule: PolicyRule) -> str:
    if rule.non_resource_urls:
        return f"{'/'.join(rule.verbs)} {rule.non_resource_urls[0]}"
    group = f".{rule.api_groups[0]}" if rule.api_groups[0] else ""
    name = f" {rule.resource_names[0]}" if rule.resource_names else ""
    return f"{'/'.join(rule.verbs)} {rule.resources[0]}{group}{name}"


def _period_told(table: UsageTable) -> Iterator[str]:
    period = table.period()
    yield ""
    if period is not None:
        said = terminal.say(
            "{:,} events from {} to {}, {:.1f} days of them watched; {:,} were denied and count for nothing"
        )
        days = period.watched_s() / DAY_S
        yield said.format(table.events, _day(period.start_s), _day(period.end_s), days, table.denied)


def _day(seconds: float) -> str:
    from time import gmtime, strftime

    return strftime("%Y-%m-%d %H:%M", gmtime(seconds))


def _proof_told(made: Proposal, proof: Replay) -> Iterator[str]:
    if not made.roles and not made.removed and not made.kept:
        return
    said = terminal.say("Replay of {:,} recorded requests against the proposal: {:,} denied")
    yield said.format(proof.requests, sum(use.count for use in proof.denied))
    yield from (f"  {_use_told(use)}" for use in proof.denied[:SHOWN])
    if proof.unexplained:
        count = sum(use.count for use in proof.unexplained)
        yield terminal.say(
            "{:,} requests are allowed by nothing that the source tells: something else allowed them, or the"
        ).format(count)
        yield terminal.say("log is of another cluster or another time")
        yield from (f"  {_use_told(use)}" for use in proof.unexplained[:SHOWN])
    if made.beyond:
        yield terminal.say("The proposal would allow more than was granted; do not apply it")
    else:
        yield terminal.say("Everything in the proposal is covered by what is granted now; -o yaml writes it")


def _use_told(use: Use) -> str:
    return f"{use.count:,} x {use.subject}: {use.permission}"


# for machines


def _yaml(made: Proposal, proof: Replay) -> str:
    from transom.least.rbac import manifests
    from transom.rules.export import write_yaml

    denied = sum(use.count for use in proof.denied)
    head = [f"# Replay of {proof.requests:,} recorded requests: {denied:,} denied."]
    if denied or made.beyond:
        head.append("# Do not apply this as it is: transom least rbac -o table tells what it would break.")
    head += [f"# Then: kubectl delete {_deletion(each)}" for each in made.removed]
    return "\n".join(head) + "\n" + write_yaml(manifests(made))


def _deletion(binding: Any) -> str:
    where = f" -n {binding.namespace}" if binding.namespace else ""
    return f"{binding.kind.lower()} {binding.name}{where}"


def _record(
    table: UsageTable, chosen: Sequence[Account], made: Proposal, proof: Replay, skipped: Sequence[Skipped]
) -> dict[str, Any]:
    from transom.least.rbac import manifests

    return {
        "schema": "transom.least/1",
        "period": _period_record(table.period()),
        "events": table.events,
        "denied": table.denied,
        "undecided": table.undecided,
        "subjects": [_account_record(each) for each in chosen],
        "proposal": {
            "objects": list(manifests(made)),
            "delete": [{"kind": e.kind, "namespace": e.namespace, "name": e.name} for e in made.removed],
            "covered": not made.beyond,
        },
        "replay": {
            "requests": proof.requests,
            "denied": [_use_record(use) for use in proof.denied],
            "unexplained": [_use_record(use) for use in proof.unexplained],
        },
        "skipped": skipped_records(skipped),
    }


def _period_record(period: Period | None) -> dict[str, Any] | None:
    if period is None:
        return None
    return {"start_s": period.start_s, "end_s": period.end_s, "gaps": period.gaps, "watched_s": period.watched_s()}


def _account_record(account: Account) -> dict[str, Any]:
    import msgspec

    return {
        "subject": msgspec.to_builtins(account.subject),
        "granted": account.granted,
        "unused": account.unused,
        "requests": sum(usage.seen.count for usage in account.uses),
        "coverage": round(account.coverage, 4),
        "settled": round(account.settled, 4),
        "confidence": round(account.confidence, 4),
        "surplus": [
            {
                "binding": {
                    "kind": each.grant.binding.kind,
                    "namespace": each.grant.binding.namespace,
                    "name": each.grant.binding.name,
                },
                "role": {"kind": each.grant.binding.role_kind, "name": each.grant.binding.role_name},
                "whole": each.whole,
                "wider": msgspec.to_builtins(list(_joined(each.wider))),
                "unused": msgspec.to_builtins(list(_joined(each.unused))),
            }
            for each in account.surplus
        ],
        "uses": [{**_use_record_of(usage), "through": usage.seen.reason} for usage in account.uses],
    }


def _use_record_of(usage: Any) -> dict[str, Any]:
    from transom.least.rbac import use_of

    return _use_record(use_of(usage))


def _use_record(use: Use) -> dict[str, Any]:
    permission = use.permission
    return {
        "subject": use.subject,
        "verb": permission.verb,
        "object": permission.object,
        "namespace": permission.place,
        "count": use.count,
        "first_s": use.first_s,
        "last_s": use.last_s,
    }
