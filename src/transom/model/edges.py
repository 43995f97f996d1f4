"""Edges: what somebody who holds one thing gains of another. Windows tell them, `paths` joins them."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from transom.model.refs import Ref


class Vertex(NamedTuple):
    """A thing that an attacker may hold.

    kind: of an object (Pod, ServiceAccount, Node, Deployment …), of an identity (User, Group), of a binding, or `can`,
    which is a gain in a namespace, or everywhere where that is "".
    """

    kind: str
    namespace: str
    name: str

    @property
    def short(self) -> str:
        """What a person would call it."""
        return f"{self.kind} {'/'.join(part for part in self[1:] if part)}"


CAN = "can"
TOGETHER = "together"  # several bindings of one identity, which gain something only with each other
ESCAPE = "escape"  # a way out of a pod to its node


def gain(name: str, namespace: str = "") -> Vertex:
    """Return the vertex of a gain: all who hold it go through this one, so that no pair is ever spelled out."""
    return Vertex(CAN, namespace, name)


ADMIN = gain("admin")
ALL_SECRETS = gain("secrets")
ANY_NODE = gain("node")
A_NODE = gain("a-node")  # some node, where nobody tells which


class Edge(Struct, frozen=True):
    """Who holds source gains target. primitive: the id of how; via: the objects that allow it.

    removable: whether a person may take away the target itself, by changing what `via` names: a binding, an escape.
    All else is how Kubernetes works.
    """

    source: Vertex
    target: Vertex
    primitive: str
    via: tuple[Ref, ...] = ()
    removable: bool = False
