"""Arguments about live clusters: kubectl's own names and meanings, the same for every command."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.model.errors import TransomError
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.inventory.cluster import ClusterOptions
    from transom.kube.client import Access

DURATION = re.compile(r"(\d+)(ms|s|m|h)?\Z")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}
UNVERIFIED = mark(
    "the certificate of the API server is not verified: whoever sits between can read the credentials, "
    "and make up what is reported"
)


def add_cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how to reach a cluster, and how much of it to read."""
    group = parser.add_argument_group("cluster")
    group.add_argument("--kubeconfig", metavar="FILE", default="", help="in place of KUBECONFIG and ~/.kube/config")
    group.add_argument("--as", dest="as_user", metavar="USER", default="", help="act as this user")
    group.add_argument(
        "--as-group", dest="as_groups", metavar="GROUP", action="append", default=[], help="and this group (repeatable)"
    )
    group.add_argument(
        "--request-timeout", metavar="TIME", type=seconds, default=0.0, help="of each request, like 30s (default: none)"
    )
    group.add_argument(
        "--insecure-skip-tls-verify", action="store_true", help="do not verify the API server's certificate (unsafe)"
    )
    group.add_argument(
        "--secrets", action="store_true", help="list Secrets too: their names, types and keys, never their values"
    )


def seconds(text: str) -> float:
    """Read `30`, `30s`, `2m`, `500ms` as seconds."""
    found = DURATION.match(text)
    if found is None or len(found[1]) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write it like 30s")
    return int(found[1]) * SECONDS[found[2]]


def names_cluster(targets: Sequence[str]) -> bool:
    """Tell whether one of the targets is a live cluster."""
    return any(target.partition(":")[0] == "cluster" for target in targets)


def access(arguments: argparse.Namespace, target: str = "cluster") -> Access:
    """Return how a person asks to reach the cluster that a target (`cluster[:CONTEXT]`) names."""
    from transom.kube.client import Access

    return Access(
        context=target.partition(":")[2],
        kubeconfig=arguments.kubeconfig,
        as_user=arguments.as_user,
        as_groups=tuple(arguments.as_groups),
        request_timeout_s=arguments.request_timeout,
        insecure_skip_tls_verify=arguments.insecure_skip_tls_verify,
    )


def cluster_options(arguments: argparse.Namespace, namespace: str | None = None) -> ClusterOptions:
    """Return what to read of a cluster; warns on stderr where its certificate will not be verified."""
    from transom.inventory.cluster import ClusterOptions

    if arguments.insecure_skip_tls_verify:
        sys.stderr.write(f"{terminal.say('warning:')} {terminal.say(UNVERIFIED)}\n")
    return ClusterOptions(access(arguments), namespace, arguments.secrets)


def told_version(arguments: argparse.Namespace, targets: Sequence[str]) -> str:
    """Return the version of the first cluster among the targets, live or in a snapshot; "" where none tells one.

    A cluster that does not answer is no error here: reading it will say so.
    """
    from transom.inventory.snapshot import clusters_of

    for target in targets:
        try:
            if names_cluster((target,)):
                from transom.inventory.cluster import server_version

                return server_version(access(arguments, target))
            facts = clusters_of(target)
            if facts:
                return next(iter(facts.values())).version
        except TransomError:
            continue
    return ""
