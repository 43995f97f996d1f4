"""What commands about rights share: where the policy comes from, how it is read, and how answers are written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from transom.cli import terminal
from transom.cli.arguments import TARGET_HELP, Parser, kubernetes_version
from transom.cli.clusters import add_cluster_arguments, cluster_options, names_cluster
from transom.model.errors import UsageError
from transom.model.findings import Skipped
from transom.model.language import mark, translated

if TYPE_CHECKING:
    from transom.inventory.authority import Authority
    from transom.inventory.inventory import Inventory
    from transom.kube.authorizer import Binding, Grant, Question
    from transom.report.grid import Grid

READ = frozenset(
    [
        "ConfigMap",
        "CustomResourceDefinition",
        "Namespace",
        "Node",
        "PersistentVolume",
        "Pod",
        "ServiceAccount",
        "VolumeAttachment",
    ]
)
"""Kinds that answers about rights need beside roles and bindings: of a cluster only these are listed."""

READ_FOR_PATHS = READ | {
    "AzureIdentityBinding",
    "GRPCRoute",
    "HTTPRoute",
    "Ingress",
    "LimitRange",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ResourceQuota",
    "Secret",
    "Service",
    "TCPRoute",
    "TLSRoute",
    "UDPRoute",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
}
"""Kinds that paths need beside those, and beside whatever makes pods: what leads in, and what refuses an attacker's pod."""

FORMATS = ("table", "json", "html")


def add_source_arguments(parser: argparse.ArgumentParser, positional: bool = False) -> None:
    """Add where the policy comes from, and how it is read."""
    source = parser.add_argument_group("source")
    if not positional:
        source.add_argument(
            "--from",
            dest="targets",
            metavar="SOURCE",
            action="append",
            default=[],
            help=f"where roles and bindings are: {TARGET_HELP}; repeatable, all taken as one cluster",
        )
    source.add_argument(
        "--exclude", metavar="GLOB", action="append", default=[], help="leave these files out (.gitignore syntax)"
    )
    source.add_argument(
        "--kubernetes-version", metavar="V", help="decide as this version does (default: the cluster's, else 1.36)"
    )
    source.add_argument(
        "--no-defaults",
        action="store_true",
        help="do not add the roles and bindings that every cluster has, where the source does not tell them",
    )
    source.add_argument(
        "--stored-rules",
        action="store_true",
        help="take the rules of aggregated ClusterRoles as stored, not as the labels of others make them",
    )

    add_cluster_arguments(parser)


def add_format_argument(parser: argparse.ArgumentParser, formats: Sequence[str] = FORMATS) -> None:
    """Add how the answer is written."""
    first, last = ", ".join(formats[1:-1]), formats[-1]
    help = f"table (default), {first} or {last}" if first else f"table (default) or {last}"  # noqa: A001 - its argument
    parser.add_argument("-o", "--output", choices=formats, default="table", help=help)


Reads = Callable[[str, str], bool]
"""Tells whether a command needs the objects of a kind of a live cluster, by apiVersion and kind."""


def filled(targets: Sequence[str], arguments: argparse.Namespace, reads: Reads) -> tuple[Inventory, list[Skipped]]:
    """Return what the sources tell, and what could not be read of them."""
    from msgspec.structs import replace

    from transom.inventory import Inventory
    from transom.inventory.sources import fill

    if not targets:
        raise UsageError("name where the roles and bindings are", "", "add --from deploy/")
    cluster = replace(cluster_options(arguments), reads=reads) if names_cluster(targets) else None
    inventory = Inventory()
    with terminal.progress(lambda: terminal.say("{:,} objects read").format(len(inventory))):
        others = [other for target in targets for other in fill(inventory, target, arguments.exclude, cluster=cluster)]
    return inventory, [other for other in others if isinstance(other, Skipped)]


def is_read(api_version: str, kind: str) -> bool:
    """Tell whether a question about rights needs the objects of a kind of a live cluster."""
    return api_version.startswith("rbac.authorization.k8s.io/") or kind in READ


def is_read_for_paths(api_version: str, kind: str) -> bool:
    """Tell whether the search for paths needs the objects of a kind of a live cluster."""
    from transom.kube.kinds import template_path

    makes_pods = template_path(api_version.rpartition("/")[0], kind) is not None
    return makes_pods or kind in READ_FOR_PATHS or is_read(api_version, kind)


def read_authority(
    targets: Sequence[str], arguments: argparse.Namespace, reads: Reads = is_read
) -> tuple[Authority, Inventory, list[Skipped]]:
    """Return who may do what in the sources, what else these tell, and everything that was skipped, already told.

    The version is the one that a person names, else that of a cluster among the sources, else 1.36.
    """
    from transom.inventory.authority import authority

    inventory, skipped = filled(targets, arguments, reads)
    told = next((facts.version for facts in inventory.clusters.values() if facts.version), "1.36")
    version = kubernetes_version(arguments.kubernetes_version or told)
    found = authority(inventory, version, defaults=not arguments.no_defaults, stored=arguments.stored_rules)
    skipped += found.skipped
    tell(skipped)
    if found.added:
        note = "the roles and bindings that Kubernetes 1.36 makes by itself are added; --no-defaults leaves them out"
        remark(terminal.say(note))
    for name in found.stale:
        taken = mark("what is stored is taken") if arguments.stored_rules else mark("what the labels gather is taken")
        stale = terminal.say("the rules stored in ClusterRole {} are not those that labels gather: {}")
        remark(stale.format(name, terminal.say(taken)))
    return found, inventory, skipped


def tell(skipped: Iterable[Skipped]) -> None:
    """Say on stderr what was skipped."""
    spoken = terminal.language()
    for each in skipped:
        place = f"{each.locator.file}:{each.locator.line}" if each.locator.line else each.locator.file
        reason = translated(each.reason, spoken)
        remark(terminal.say("skipped: {}: {}").format(place or each.ref.short or each.ref.kind, reason))


def remark(text: str) -> None:
    """Say something on stderr that is no part of the answer."""
    from transom.report.text import safe

    sys.stderr.write(f"{safe(text)}\n")


def show(arguments: argparse.Namespace, grid: Grid, record: Mapping[str, Any]) -> None:
    """Write an answer to stdout: the grid for people, or the record as JSON."""
    from transom.report.grid import page, write

    if arguments.output == "json":
        write_json(record)
    elif arguments.output == "html":
        for piece in page(grid, terminal.language()):
            sys.stdout.buffer.write(piece.encode("utf-8", "backslashreplace"))
    else:
        write(grid, sys.stdout.buffer, terminal.report_options(sys.stdout))
    sys.stdout.buffer.flush()


def write_json(record: object) -> None:
    """Write a record to stdout as indented JSON."""
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


def skipped_records(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    """Return what was skipped as JSON has it."""
    return [{"ref": str(each.ref), "reason": each.reason, "next_step": each.next_step} for each in skipped]


class Places:
    """Where bindings and roles are told, and how answers write them."""

    def __init__(self, found: Authority, inventory: Inventory) -> None:
        self._entries = found.entries
        self._inventory = inventory

    def binding(self, binding: Binding) -> dict[str, Any]:
        """Return a binding as JSON has it."""
        return self._record(binding.kind, binding.namespace, binding.name)

    def role(self, binding: Binding) -> dict[str, Any]:
        """Return the role of a binding as JSON has it."""
        return self._record(binding.role_kind, *binding.role_key)

    def _record(self, kind: str, namespace: str, name: str, *path: str | int) -> dict[str, Any]:
        made: dict[str, Any] = {"kind": kind, "namespace": namespace, "name": name}
        entry = self._entries.get((kind, namespace, name))
        if entry is not None and entry.origin.file:
            place = self._inventory.locate(entry, path)
            made |= {"file": place.file, "line": place.line}
        return made

    def explained(self, found: Authority, grant: Grant) -> list[str]:
        """Return binding and role of a grant in a line each, with their places, the role's at the rule that allows it."""
        binding = grant.binding
        rules = found.authorizer.policy.roles[binding.role_key].rules
        number = rules.index(grant.rule)
        role = self._record(binding.role_kind, *binding.role_key, "rules", number)
        return [_placed(self.binding(binding), ""), _placed(role, f", rules[{number}]")]


def _placed(record: Mapping[str, Any], part: str) -> str:
    name = "/".join(filter(None, (record["namespace"], record["name"])))
    place = f"  {record['file']}:{record['line']}" if "file" in record else ""
    return f"{record['kind']} {name}{part}{place}"


# what is asked


def add_question_arguments(parser: Parser) -> None:
    """Add what narrows a question."""
    parser.add_argument("-n", "--namespace", metavar="NS", help="in this namespace")
    parser.add_argument("--subresource", metavar="NAME", help="about a subresource: exec, log, token …")


def question_of(
    found: Authority, verb: str, what: str, namespace: str | None, subresource: str | None, default: str = ""
) -> tuple[Question, bool]:
    """Return a question as typed, and whether what it is about lives in namespaces.

    what: a URL that begins with a slash, or RESOURCE[/NAME]. `pods/exec` is the subresource, unless --subresource says
    something, be it nothing. default: the namespace of a namespaced resource, where none is named.
    """
    from transom.kube.authorizer import Question

    if what.startswith("/"):
        if namespace or subresource:
            raise UsageError("a URL has no namespace and no subresource", "", "leave -n and --subresource out")
        return Question(verb, path=what), False
    word, _, name = what.partition("/")
    if not word:
        raise UsageError(f"{what!r} names no resource", "", "write it like secrets, deploy.apps/web or /metrics")
    group, resource, namespaced = _resolved(found, word)
    if subresource is None and name and found.resources.get(group, f"{resource}/{name}"):
        name, subresource = "", name
    if not namespaced:
        if namespace:
            remark(terminal.say("{} is cluster-wide: the namespace is left out").format(resource))
        namespace = default = name if resource == "namespaces" and not group else ""
    _check_verb(found, verb, group, f"{resource}/{subresource}" if subresource else resource)
    return Question(verb, group, resource, subresource or "", namespace or default, name), namespaced


SPECIAL_VERBS = ("*", "use", "bind", "escalate", "impersonate", "approve", "sign", "attest", "proxy")
"""Verbs that no discovery tells, and that authorizers and admission ask for."""


def _check_verb(found: Authority, verb: str, group: str, resource: str) -> None:
    """Say where a verb is none that this resource knows; the answer is right all the same."""
    known = found.resources.get(group, resource)
    if known and verb not in known.verbs and verb.partition(":")[0] not in (*SPECIAL_VERBS, "impersonate-on"):
        remark(terminal.say("{} knows no verb {}: {}").format(resource, verb, ", ".join(known.verbs)))


def _resolved(found: Authority, word: str) -> tuple[str, str, bool]:
    """Return group, resource and whether it is namespaced; one that is not known is taken as typed, and told."""
    resource = found.resources.find(word)
    if resource is not None:
        return resource.group, resource.name, resource.namespaced
    name, _, group = word.partition(".")
    if "*" not in word:
        remark(terminal.say("nothing is known of a resource {}: it is taken as typed").format(word))
    return group, name, True
