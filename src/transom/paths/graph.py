"""The graph: vertices as numbers, edges in arrays, searched backwards from what is to be protected."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence

from transom.model.edges import Edge, Vertex
from transom.model.refs import Ref

UNREACHED = -1


class Graph:
    """All edges of one cluster. Equal edges between two vertices are kept once: the first told is the best known."""

    def __init__(self, edges: Iterable[Edge]) -> None:
        self.ids: dict[Vertex, int] = {}
        self.vertices: list[Vertex] = []
        self.edges: list[Edge] = []
        self.sources, self.targets = array("i"), array("i")
        self.into: list[list[int]] = []
        self.out: list[list[int]] = []
        self.removable: set[int] = set()
        seen: set[tuple[int, int]] = set()
        for edge in edges:
            pair = (self._number(edge.source), self._number(edge.target))
            if edge.removable:
                self.removable.add(pair[1])
            if pair not in seen and pair[0] != pair[1]:
                seen.add(pair)
                self._add(edge, *pair)

    def _number(self, vertex: Vertex) -> int:
        found = self.ids.get(vertex)
        if found is None:
            found = self.ids[vertex] = len(self.vertices)
            self.vertices.append(vertex)
            self.into.append([])
            self.out.append([])
        return found

    def _add(self, edge: Edge, source: int, target: int) -> None:
        self.into[target].append(len(self.edges))
        self.out[source].append(len(self.edges))
        self.edges.append(edge)
        self.sources.append(source)
        self.targets.append(target)

    def via(self, vertex: int) -> tuple[Ref, ...]:
        """Return what to change to take away a vertex that leads on: any one of these is enough."""
        return next(self.edges[edge].via for edge in self.into[vertex])

    def numbers(self, vertices: Iterable[Vertex]) -> list[int]:
        """Return the numbers of those vertices that are there."""
        return [self.ids[vertex] for vertex in dict.fromkeys(vertices) if vertex in self.ids]

    def distances(self, sinks: Collection[int]) -> array[int]:
        """Return, for each vertex, the number of edges to the nearest sink; UNREACHED from where none is reached."""
        found = array("i", [UNREACHED]) * len(self.vertices)
        for sink in sinks:
            found[sink] = 0
        into, sources, frontier, distance = self.into, self.sources, list(sinks), 0
        while frontier:
            distance += 1
            reached = []
            for vertex in frontier:
                for edge in into[vertex]:
                    source = sources[edge]
                    if found[source] < 0:
                        found[source] = distance
                        reached.append(source)
            frontier = reached
        return found

    def reached_from(self, entries: Collection[int]) -> set[int]:
        """Return every vertex that somebody reaches who holds the entries."""
        found, frontier = set(entries), list(entries)
        while frontier:
            vertex = frontier.pop()
            for edge in self.out[vertex]:
                target = self.targets[edge]
                if target not in found:
                    found.add(target)
                    frontier.append(target)
        return found

    def nearer(self, vertex: int, distances: Sequence[int]) -> Iterator[int]:
        """Yield the edges of a vertex that lie on a shortest way to a sink."""
        wanted = distances[vertex] - 1
        for edge in self.out[vertex]:
            if distances[self.targets[edge]] == wanted >= 0:
                yield edge
