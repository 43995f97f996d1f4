"""What somebody gains who comes to hold several identities at once, none of which would be enough."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from transom.identity.escalation.halves import Divided
from transom.model.edges import TOGETHER, Edge, Vertex
from transom.model.refs import Ref
from transom.paths.graph import Graph

MAX_ROUNDS = 5  # what is gained together may lead to further identities; honest clusters take one


def joined(edges: Iterable[Edge], divided: Sequence[Divided]) -> Graph:
    """Return the graph of edges and of those that follow where one vertex leads to identities that meet all parts."""
    known = list(edges)
    graph = Graph(known)
    for _ in range(MAX_ROUNDS):
        added = [edge for each in divided for edge in _of(each, graph)]
        if not any(edge.source not in graph.ids or edge.target not in graph.ids for edge in added):
            break
        known += added
        graph = Graph(known)
    return graph


def _of(divided: Divided, graph: Graph) -> Iterator[Edge]:
    """Yield the edges from where both ways begin, the nearest first: what leads there leads on, too."""
    reaching = [_reaching(graph, graph.numbers(holders)) for holders in divided.parts]
    common = set.intersection(*map(set, reaching))
    covered: set[int] = set()
    for vertex in sorted(common, key=lambda each: (sum(steps[each] for steps in reaching), each)):
        if vertex in covered:
            continue
        covered.update(_reaching(graph, [vertex]))
        here = graph.vertices[vertex]
        if all(here in holders for holders in divided.parts):
            continue  # it is one identity, whose own bindings are joined elsewhere
        refs = tuple(dict.fromkeys(_first(divided, part, vertex, graph) for part in range(len(divided.parts))))
        together = Vertex(TOGETHER, divided.namespace, f"{here.short}: {divided.primitive}")
        yield Edge(here, together, "held-together", refs, removable=True)
        yield from (Edge(together, target, divided.primitive, refs) for target in divided.gains)


def _reaching(graph: Graph, holders: Collection[int]) -> dict[int, int]:
    """Return every vertex that leads to one of some, and by how many steps."""
    found, frontier, distance = dict.fromkeys(holders, 0), list(holders), 0
    while frontier:
        distance += 1
        reached = [graph.sources[edge] for vertex in frontier for edge in graph.into[vertex]]
        frontier = [vertex for vertex in dict.fromkeys(reached) if vertex not in found]
        found.update(dict.fromkeys(frontier, distance))
    return found


def _first(divided: Divided, part: int, vertex: int, graph: Graph) -> Ref:
    """Return the binding by which an identity that a vertex leads to meets a part."""
    reached = graph.reached_from([vertex])
    holders = divided.parts[part]
    return next(ref for each, ref in sorted(holders.items()) if graph.ids.get(each) in reached)
