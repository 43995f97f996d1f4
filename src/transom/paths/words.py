"""What a person calls a jewel, and what somebody gains on the way to it."""

from __future__ import annotations

from collections.abc import Callable

from transom.model.edges import CAN, Vertex
from transom.model.language import mark

TITLES = {
    "admin": mark("everything in the cluster"),
    "node": mark("a node"),
    "secrets": mark("all Secrets"),
    "cloud": mark("a cloud role"),
}
GAINS = {
    "admin": (mark("everything"), ""),
    "namespace": (mark("everything in all namespaces"), mark("everything in {}")),
    "users": (mark("any user"), ""),
    "accounts": (mark("any account in all namespaces"), mark("any account in {}")),
    "secrets": (mark("Secrets in all namespaces"), mark("Secrets in {}")),
    "workloads": (mark("new pods in all namespaces"), mark("new pods in {}")),
    "pods": (mark("any pod in all namespaces"), mark("any pod in {}")),
    "node": (mark("any node"), ""),
    "kubelets": (mark("the kubelet of any node"), ""),
    "a-node": (mark("its node"), ""),
}
"""What each gain is called: everywhere, and in one namespace."""


def told(vertex: Vertex, say: Callable[[str], str] = str) -> str:
    """Return what a person calls a vertex; say: translates."""
    if vertex.kind == CAN:
        anywhere, somewhere = GAINS[vertex.name]
        return say(somewhere).format(vertex.namespace) if vertex.namespace else say(anywhere)
    if vertex.kind == "role":
        where = f" ({vertex.namespace})" if vertex.namespace else ""
        return say("what ClusterRole {} allows").format(vertex.name) + where
    return vertex.short
