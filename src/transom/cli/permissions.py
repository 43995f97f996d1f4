"""transom permissions: the least that a command may do in a cluster, as a role to bind."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from transom.cli.arguments import Parser, add_rule_arguments, command_parser
from transom.cli.clusters import access, add_cluster_arguments, names_cluster
from transom.model.errors import UsageError
from transom.model.exits import Exit

if TYPE_CHECKING:
    from transom.rules.check import Check
    from transom.rules.policy import Policy

JUDGING = ("scan", "explain", "diff", "snapshot")
ASKING = ("who-can", "can", "rbac", "paths")
WATCHING = ("watch",)
IMAGES = ("scan",)  # may fetch what runs with the pull secrets of its pods
EVERY_PROFILE = ("explain", "snapshot")  # read what any rule reads, whichever are chosen later
Name = tuple[str, str]
"""API group and plural of a resource."""

EXAMPLES = """\
  transom permissions scan | kubectl apply -f -
  transom permissions scan --from cluster              only what this cluster serves
  transom permissions scan -n shop                     a Role, for one namespace
  transom permissions scan --pull-secrets              for scan cluster --images --pull-secrets
  transom permissions who-can
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("permissions", "Print the least role that a command needs in a cluster, as YAML.", EXAMPLES)
    named = ", ".join((*JUDGING, *WATCHING, *ASKING))
    made.add_argument("command", metavar="COMMAND", nargs="?", default="scan", help=f"{named} (default: scan)")
    made.add_argument(
        "--from",
        dest="cluster",
        metavar="cluster[:CONTEXT]",
        help="name just what this cluster serves, its custom kinds with pod templates too "
        "(default: what Kubernetes serves, and what rules name beyond)",
    )
    made.add_argument("-n", "--namespace", metavar="NS", help="a Role for this namespace, in place of a ClusterRole")
    made.add_argument("--only", metavar="WINDOW", action="append", default=[], help="for this window only (repeatable)")
    made.add_argument(
        "--pull-secrets", action="store_true", help="of scan --images --pull-secrets: it reads Secrets by their names"
    )
    add_rule_arguments(made)
    add_cluster_arguments(made)
    made.set_defaults(
        pod_security=None, no_exceptions=False, exclude=[], values=[], selector=None, all_namespaces=False
    )
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print the role."""
    from transom.rules.export import write_yaml

    known = (*JUDGING, *WATCHING, *ASKING)
    if arguments.command not in known:
        raise UsageError(
            f"{arguments.command} asks nothing of a cluster", "", f"choose from {', '.join(known)}; others need no role"
        )
    names = sorted(set(_served(arguments) if arguments.cluster else _anywhere(arguments)))
    sys.stdout.write(write_yaml([_role(arguments, names)]))
    return Exit.CLEAN


def _role(arguments: argparse.Namespace, names: Sequence[Name]) -> dict[str, Any]:
    """Return the role that lets its holder list, or watch, resources."""
    verbs = ["list", "watch"] if arguments.command in WATCHING else ["list"]
    by_group: dict[str, list[str]] = {}
    for group, plural in names:
        by_group.setdefault(group, []).append(plural)
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": plurals, "verbs": verbs} for group, plurals in by_group.items()
    ]
    if arguments.pull_secrets and arguments.command in IMAGES:
        rules.append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]})
    metadata = {"name": f"transom-{arguments.command}"}
    if arguments.namespace:
        metadata["namespace"] = arguments.namespace
        own = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": [arguments.namespace], "verbs": ["get"]}
        rules.insert(0, own)
    kind = "Role" if arguments.namespace else "ClusterRole"
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules}


def _served(arguments: argparse.Namespace) -> Iterator[Name]:
    """Yield what the command lists of the cluster that is named."""
    from transom.inventory.cluster import DEFINITION, ClusterOptions, custom, wanted
    from transom.kube.client import connect, discover, list_all

    if not names_cluster((arguments.cluster,)):
        raise UsageError(f"{arguments.cluster} is no cluster", "", "write it like cluster, or cluster:CONTEXT")
    reads, _ = _reads(arguments)
    options = ClusterOptions(namespace=arguments.namespace, secrets=arguments.secrets, reads=reads)
    with connect(access(arguments, arguments.cluster)) as client:
        served = discover(client)
        found = wanted(served, options)
        definitions = [each for each in found if (each.group, each.kind) == DEFINITION]
        found += custom(served, [e for each in definitions for e in list_all(client, each).objects], found, options)
    yield from ((each.group, each.plural) for each in found)


def _anywhere(arguments: argparse.Namespace) -> Iterator[Name]:
    """Yield what the command lists of any cluster: of what Kubernetes serves, and what rules name beyond."""
    from transom.inventory.cluster import ClusterOptions, wanted
    from transom.kube.client import Resource, Served
    from transom.kube.kinds import is_namespaced
    from transom.kube.resources import Resources
    from transom.rules.reads import named

    reads, rules = _reads(arguments)
    options = ClusterOptions(namespace=arguments.namespace, secrets=arguments.secrets, reads=reads)
    shipped = [
        Resource(each.group, "v1", each.kind, each.name, each.namespaced, each.verbs)
        for each in Resources().all
        if "/" not in each.name
    ]
    yield from ((each.group, each.plural) for each in wanted(Served(tuple(shipped)), options))
    own = {each.group for each in shipped}
    yield from (
        name for name in named(rules) if name[0] not in own and (not arguments.namespace or is_namespaced(*name))
    )


def _reads(arguments: argparse.Namespace) -> tuple[Callable[[str, str], bool], Sequence[Policy | Check]]:
    """Return what tells whether the command reads a kind, and the rules that it reads it for."""
    from transom.cli.authority import is_read, is_read_for_paths

    if arguments.command in ASKING:
        return is_read_for_paths if arguments.command == "paths" else is_read, ()
    from transom.cli.selection import scan_options

    arguments.targets = [arguments.cluster or "cluster"]
    if not arguments.cluster:
        arguments.kubernetes_version = arguments.kubernetes_version or "1.36"  # no cluster is asked where none is named
    options = scan_options(arguments, every_profile=arguments.command in EVERY_PROFILE)
    assert options.cluster is not None
    rules_read = options.cluster.reads
    if arguments.command != "snapshot":
        return rules_read, options.rules

    def kept(api_version: str, kind: str) -> bool:
        return rules_read(api_version, kind) or is_read_for_paths(api_version, kind)

    return kept, options.rules
