"""transom admits: would a cluster take these objects from this user?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, command_parser, kubernetes_version
from transom.cli.outputs import outputs, write_to
from transom.model.errors import UsageError
from transom.model.exits import Exit
from transom.model.findings import Skipped
from transom.model.language import mark, translated

if TYPE_CHECKING:
    from transom.inventory import Inventory
    from transom.rules.admits import Answer, Requester

FORMATS = ("table", "json")
EXAMPLES = """\
  transom admits deploy/ --from cluster                        what its policies say of these manifests
  transom admits pod.yaml --as ada --as-group engineers --from estate.transom
  helm template shop | transom admits - --from cluster -o json

exit codes: 0 all admitted, 1 something refused, 2 usage, 3 something unknown or unread
"""
WORDS = {"yes": mark("admitted"), "no": mark("refused"), "unknown": mark("unknown")}
COLOURS = {"yes": "32", "no": "31", "unknown": "33"}


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser(
        "admits",
        "Tell whether a cluster's admission would take objects: Pod Security, its own policies, webhooks, quotas.",
        EXAMPLES,
    )
    made.add_argument("targets", metavar="TARGET", nargs="*", help=f"the objects: {TARGET_HELP}")
    made.add_argument(
        "--from", dest="cluster", metavar="SOURCE", help="the cluster, or a folder or snapshot of its objects"
    )
    made.add_argument("--as", dest="user", metavar="USER", help="who creates them (default: somebody unknown)")
    made.add_argument(
        "--as-group", dest="groups", metavar="GROUP", action="append", default=[], help="a group of theirs (repeatable)"
    )
    made.add_argument("-n", "--namespace", metavar="NS", help="where objects go that name no namespace")
    made.add_argument(
        "-o", "--output", metavar="FORMAT[=FILE]", action="append", default=[], help="table (default) or json"
    )
    made.add_argument("--kubernetes-version", metavar="V", default="1.36", help="judge as this version would (1.36)")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Ask for every object, write the answers, and return the exit code."""
    from transom.inventory import Inventory
    from transom.inventory.sources import fill

    wanted = list(outputs(arguments.output, FORMATS))
    if not arguments.targets or not arguments.cluster:
        raise UsageError("name the objects, and the cluster to ask about", "", "transom admits deploy/ --from cluster")
    if arguments.groups and not arguments.user:
        raise UsageError("--as-group needs --as", "", "name the user too: --as ada --as-group engineers")
    objects, cluster = Inventory(), Inventory()
    told = [each for target in arguments.targets for each in fill(objects, target)]
    told += fill(cluster, arguments.cluster)
    unread = [each for each in told if isinstance(each, Skipped)]
    answers = list(_answers(arguments, objects, cluster))
    for name, file in wanted:
        write_to(file, lambda stream, name=name, file=file: _write(name, answers, unread, stream, file))  # type: ignore[misc]
    states = {answer.state for _, answer in answers}
    if unread or not answers or "unknown" in states:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if "no" in states else Exit.CLEAN


def _answers(arguments: argparse.Namespace, objects: Inventory, cluster: Inventory) -> Iterator[tuple[str, Answer]]:
    from transom.rules.admits import admits

    user = _requester(arguments)
    version = kubernetes_version(arguments.kubernetes_version)
    for entry in objects.entries():
        value = _placed(entry.object, arguments.namespace)
        yield entry.ref.short, admits(value, user, cluster, arguments.cluster, version)


def _requester(arguments: argparse.Namespace) -> Requester | None:
    from transom.kube.authorizer import implied
    from transom.rules.admits import Requester

    if not arguments.user:
        return None
    known = implied(arguments.user, tuple(arguments.groups))
    return Requester(known.name, known.groups)


def _placed(value: dict[str, Any], namespace: str | None) -> dict[str, Any]:
    """Return an object in the namespace that the command names, where it names none itself."""
    from transom.kube.kinds import kind_of

    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kind = kind_of(str(value.get("apiVersion")), str(value.get("kind")))
    if not namespace or metadata.get("namespace") or not kind.namespaced:
        return value
    return {**value, "metadata": {**metadata, "namespace": namespace}}


# reports


def _write(
    name: str, answers: Sequence[tuple[str, Answer]], unread: Sequence[Skipped], stream: BinaryIO, file: str
) -> None:
    if name == "json":
        stream.write(_json(answers, unread))
        return
    colour = not file and terminal.wants_colour(sys.stdout)
    for line in _lines(answers, unread, colour):
        stream.write(f"{line}\n".encode("utf-8", "backslashreplace"))


def _lines(answers: Sequence[tuple[str, Answer]], unread: Sequence[Skipped], colour: bool) -> Iterator[str]:
    from transom.report.text import safe
    from transom.rules.admits import ASSUMED

    width = max(len(terminal.say(word)) for word in WORDS.values())
    for ref, answer in answers:
        word = terminal.say(WORDS[answer.state]).ljust(width)
        yield f"{_coloured(word, COLOURS[answer.state], colour)}  {safe(ref)}"
        for say in answer.reasons:
            yield f"{'':{width}}    {safe(say.by)}: {safe(_said(say.why))}"
        for warning in answer.warnings:
            yield f"{'':{width}}    {terminal.say('{}: {}').format(terminal.say('warning'), safe(_said(warning)))}"
    for each in unread:
        yield terminal.say("skipped: {}: {}").format(each.locator.file or each.ref, safe(_said(each.reason)))
    yield ""
    yield terminal.say("Taken for granted: {}.").format(terminal.say("; ").join(map(_said, ASSUMED)))


def _said(text: str) -> str:
    return translated(text, terminal.language())


def _coloured(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def _json(answers: Sequence[tuple[str, Answer]], unread: Sequence[Skipped]) -> bytes:
    from msgspec import json, to_builtins

    from transom.rules.admits import ASSUMED

    document = {
        "objects": [
            {
                "object": ref,
                "admitted": answer.state,
                "says": to_builtins(answer.says),
                "warnings": list(answer.warnings),
            }
            for ref, answer in answers
        ],
        "skipped": [{"what": str(each.ref), "file": each.locator.file, "reason": each.reason} for each in unread],
        "assumed": list(ASSUMED),
    }
    return json.format(json.encode(document), indent=2) + b"\n"
