"""From an inventory to attack paths: entries, jewels, the ways between them, choke points and what to take away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from msgspec import Struct

from transom.identity import escalation
from transom.identity.escalation.halves import divided
from transom.inventory import Entry, Inventory
from transom.inventory.authority import Authority, authority
from transom.inventory.exposure import Exposure
from transom.inventory.placement import is_static, workload_of
from transom.kube.authorizer.questions import service_account
from transom.kube.authorizer.versions import LATEST, Version
from transom.model.edges import A_NODE, ADMIN, ALL_SECRETS, ANY_NODE, ESCAPE, TOGETHER, Edge, Vertex
from transom.model.errors import UsageError
from transom.model.refs import Ref
from transom.paths.cut import smallest_cut
from transom.paths.graph import Graph
from transom.paths.search import Ways, ways
from transom.paths.together import joined
from transom.workloads import edges as workload_edges

JEWELS = ("admin", "node", "secrets", "cloud")
MAX_CUTS = 5  # rounds of cutting what a round left, by bindings that serve together; honest clusters take one
CHOKE_POINTS = 10
INNER = ("RoleBinding", "ClusterRoleBinding", TOGETHER, ESCAPE)
"""Kinds of vertices that a person sees as how a step is made, not as who has made it."""


class Step(Struct, frozen=True):
    """Who gains what, by which primitive, through which objects."""

    who: Vertex
    gains: Vertex
    primitive: str
    through: tuple[Ref, ...]


class Reached(Struct, frozen=True):
    """An entry that reaches a jewel. listed: some of its shortest ways, at least one; ways: how many there are."""

    entry: Vertex
    exposures: tuple[Exposure, ...]
    listed: tuple[tuple[Step, ...], ...]
    ways: int


class Choke(Struct, frozen=True):
    """Something to take away that many shortest ways go through. share: of all of them, from 0 to 1."""

    vertex: Vertex
    through: tuple[Ref, ...]
    share: float


class Removal(Struct, frozen=True):
    """What to take away so that fewer entries reach the jewel. left: how many still do, found by looking again without it.

    proven: whether no smaller set does the same.
    """

    refs: tuple[Ref, ...]
    left: int
    proven: bool


class Story(Struct, frozen=True):
    """What is found of one jewel. entries: how many were looked at."""

    jewel: str
    entries: int
    reached: tuple[Reached, ...]
    chokes: tuple[Choke, ...]


class Field(Struct, frozen=True):
    """The graph of a cluster, and what leads in. exposures: by vertex of each workload that the outside reaches."""

    inventory: Inventory
    authority: Authority
    graph: Graph
    exposures: dict[Vertex, tuple[Exposure, ...]]


def field_of(inventory: Inventory, version: Version = LATEST, known: Authority | None = None) -> Field:
    """Return the graph of an inventory."""
    found = known or authority(inventory, version)
    exposed: dict[Vertex, tuple[Exposure, ...]] = {}
    for entry in exposed_workloads(inventory):
        vertex = workload_of(inventory, entry)
        exposed[vertex] = tuple(dict.fromkeys((*exposed.get(vertex, ()), *inventory.exposures[id(entry)])))
    return Field(inventory, found, _graph(inventory, found, ()), exposed)


def exposed_workloads(inventory: Inventory) -> Iterator[Entry]:
    """Yield what the outside reaches; not the control plane's own pods, since whoever holds these needs no path."""
    return (entry for entry in inventory.entries() if id(entry) in inventory.exposures and not is_static(entry))


def _graph(inventory: Inventory, known: Authority, without: Sequence[Ref]) -> Graph:
    return joined(_edges(inventory, known, without), list(divided(inventory, known, without)))


def _edges(inventory: Inventory, known: Authority, without: Sequence[Ref]) -> Iterator[Edge]:
    yield from escalation.edges(inventory, known, without)
    yield from workload_edges.edges(inventory, without)


# entries and jewels


def entries_of(field: Field, words: Sequence[str]) -> list[Vertex]:
    """Return what an attacker starts from: `exposed` (the default), `pods`, `subjects`, or somebody by name."""
    found: list[Vertex] = []
    for word in words or ("exposed",):
        if word == "exposed":
            found += field.exposures
        elif word == "pods":
            found += [edge.source for edge in field.graph.edges if edge.primitive == "token-mounted"]
        elif word == "subjects":
            found += _own_subjects(field)
        else:
            found.append(named(word))
    return list(dict.fromkeys(found))


def _own_subjects(field: Field) -> Iterable[Vertex]:
    """Yield whom bindings name that are no part of the bootstrap policy."""
    removable = field.graph.removable
    for number, edge in enumerate(field.graph.edges):
        if edge.primitive == "bound" and field.graph.targets[number] in removable and edge.target.kind != ESCAPE:
            yield edge.source


def named(word: str) -> Vertex:
    """Return the vertex of somebody by name: alice, group:devs, sa:shop/web, node:worker-1, Deployment/shop/web."""
    from transom.identity.subjects import parse_subject

    parts = word.split("/")
    if len(parts) == 3 and parts[0][:1].isupper():
        return Vertex(*parts)
    if word.startswith("node:"):
        return Vertex("Node", "", word.removeprefix("node:"))
    user = parse_subject(word)
    account = service_account(user.name)
    if account:
        return Vertex("ServiceAccount", *account)
    return Vertex("User", "", user.name) if user.name else Vertex("Group", "", user.groups[0])


def sinks_of(graph: Graph, jewel: str) -> list[int]:
    """Return the vertices that are a jewel: admin, node, secrets, cloud, or something by name; raises UsageError."""
    if jewel == "admin":
        return graph.numbers([ADMIN])
    if jewel == "secrets":
        return graph.numbers([ALL_SECRETS, ADMIN])
    if jewel in ("node", "cloud"):
        kind = "Node" if jewel == "node" else "CloudRole"
        found = [vertex for vertex in graph.vertices if vertex.kind == kind]
        return graph.numbers([*found, ANY_NODE, A_NODE, ADMIN] if jewel == "node" else found)
    vertex = named(jewel)
    if vertex not in graph.ids:
        raise UsageError(f"there is no {jewel} to reach", "", f"choose from {', '.join(JEWELS)}, or name a thing")
    return graph.numbers([vertex])


# what is found


def story(field: Field, entries: Sequence[Vertex], jewel: str, listed: int = 1) -> Story:
    """Return what is found of one jewel; listed: how many ways of each entry are told, of those that are the shortest."""
    found = shortest_ways(field.graph, entries, jewel)
    reached = tuple(_reached(field, found, entry, listed) for entry in found.entries)
    return Story(jewel, len(entries), reached, tuple(_chokes(found)))


def _reached(field: Field, found: Ways, entry: int, listed: int) -> Reached:
    vertex = field.graph.vertices[entry]
    told = tuple(tuple(steps(field.graph, way)) for way in islice(found.listed(entry), listed))
    return Reached(vertex, field.exposures.get(vertex, ()), told, found.count(entry))


def shortest_ways(graph: Graph, entries: Sequence[Vertex], jewel: str) -> Ways:
    """Return all shortest ways from entries to a jewel."""
    sinks = sinks_of(graph, jewel)
    starts = [each for each in graph.numbers(entries) if each not in set(sinks)]
    return ways(graph, starts, sinks)


def steps(graph: Graph, way: Sequence[int]) -> Iterator[Step]:
    """Yield the steps of a way; how a binding or an escape is come by is one step with what it gains."""
    who: Vertex | None = None
    through: tuple[Ref, ...] = ()
    for number in way:
        edge = graph.edges[number]
        who = who or edge.source
        through = tuple(dict.fromkeys((*through, *edge.via)))
        if edge.target.kind not in INNER:
            yield Step(who, edge.target, edge.primitive, through)
            who, through = None, ()


def _chokes(found: Ways) -> Iterator[Choke]:
    total = sum(found.count(entry) for entry in found.entries)
    removable = found.graph.removable
    passages = {vertex: count for vertex, count in found.passages().items() if vertex in removable}
    for vertex in sorted(passages, key=lambda each: (-passages[each], each))[:CHOKE_POINTS]:
        yield Choke(found.graph.vertices[vertex], found.graph.via(vertex), passages[vertex] / total)


# what to take away


def removal(field: Field, entries: Sequence[Vertex], jewel: str, most: int) -> Removal | None:
    """Return what to take away so that no entry reaches the jewel, or, where that is more than `most`, the best of these.

    Verified by making the graph again without them. None where nothing that can be taken away stands between.
    """
    refs: dict[Ref, None] = {}
    graph, rounds, proven = field.graph, 0, False
    while rounds < MAX_CUTS:
        found = shortest_ways(graph, entries, jewel)
        if not found.entries:
            break
        cut = smallest_cut(graph, found.entries, sinks_of(graph, jewel))
        if not cut.whole:
            return None
        proven = rounds == 0 and cut.minimum
        refs |= dict.fromkeys(_chosen(graph, cut.vertices))
        graph, rounds = _without(field, list(refs)), rounds + 1
    if len(refs) > most:
        refs, proven = dict.fromkeys(_best(field, entries, jewel, list(refs), most)), False
        graph = _without(field, list(refs))
    return Removal(tuple(refs), len(shortest_ways(graph, entries, jewel).entries), proven)


def _chosen(graph: Graph, vertices: Sequence[int]) -> list[Ref]:
    """Return one object for each vertex of a cut: that which serves most of them."""
    offered = [graph.via(vertex) for vertex in vertices]
    counts: dict[Ref, int] = {}
    for refs in offered:
        for ref in refs:
            counts[ref] = counts.get(ref, 0) + 1
    return [max(refs, key=lambda ref: (counts[ref], ref)) for refs in offered if refs]


def _without(field: Field, refs: Sequence[Ref]) -> Graph:
    return _graph(field.inventory, field.authority, refs)


def _best(field: Field, entries: Sequence[Vertex], jewel: str, refs: Sequence[Ref], most: int) -> list[Ref]:
    """Return those of a cut that the most shortest ways go through."""
    found = shortest_ways(field.graph, entries, jewel)
    passages: dict[Ref, int] = {}
    for vertex, count in found.passages().items():
        if vertex in field.graph.removable:
            for ref in field.graph.via(vertex):
                passages[ref] = passages.get(ref, 0) + count
    return sorted(refs, key=lambda ref: (-passages.get(ref, 0), ref))[:most]
