"""Shortest ways: how many there are, one of them, some of them, and the vertices that most of them go through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from transom.paths.graph import Graph


class Ways(Struct, frozen=True):
    """All shortest ways from some entries to some sinks, as a graph without circles: many ways take no room in it.

    distances: from each vertex; counts: by vertex, the shortest ways from it; entries: those that reach a sink, nearest
    first.
    """

    graph: Graph
    distances: Sequence[int]
    counts: dict[int, int]
    entries: tuple[int, ...]

    def count(self, entry: int) -> int:
        """Return how many shortest ways there are from an entry."""
        return self.counts[entry]

    def listed(self, entry: int) -> Iterator[list[int]]:
        """Yield the shortest ways of an entry, each as its edges; there may be very many."""
        if self.distances[entry] == 0:
            yield []
            return
        for edge in self.graph.nearer(entry, self.distances):
            for rest in self.listed(self.graph.targets[edge]):
                yield [edge, *rest]

    def through(self, vertex: int) -> tuple[list[int], list[int]]:
        """Return the entries whose shortest ways go through a vertex, nearest first, and one such way of the first."""
        entries = set(self.entries)
        next_edge: dict[int, int] = {}
        frontier, found = [vertex], [vertex] if vertex in entries else []
        while frontier:
            reached = []
            for here in frontier:
                for edge in self.graph.into[here]:
                    source = self.graph.sources[edge]
                    if source in self.counts and source not in next_edge and self._goes_on(source, here):
                        next_edge[source] = edge
                        reached.append(source)
            found += [each for each in reached if each in entries]
            frontier = reached
        way, here = [], found[0]
        while here != vertex:
            way.append(next_edge[here])
            here = self.graph.targets[next_edge[here]]
        return found, way + next(self.listed(vertex))

    def _goes_on(self, source: int, target: int) -> bool:
        return self.distances[source] == self.distances[target] + 1

    def passages(self) -> dict[int, int]:
        """Return, by vertex, how many of the shortest ways of all entries go through it."""
        through: dict[int, int] = dict.fromkeys(self.entries, 1)
        for vertex in sorted(self.counts, key=lambda each: -self.distances[each]):
            arriving = through.get(vertex, 0)
            if arriving:
                for edge in self.graph.nearer(vertex, self.distances):
                    target = self.graph.targets[edge]
                    through[target] = through.get(target, 0) + arriving
        return {vertex: arriving * self.counts[vertex] for vertex, arriving in through.items()}


def ways(graph: Graph, entries: Sequence[int], sinks: Sequence[int]) -> Ways:
    """Return the shortest ways from entries to sinks."""
    distances = graph.distances(sinks)
    reached = sorted((entry for entry in entries if distances[entry] >= 0), key=lambda each: (distances[each], each))
    return Ways(graph, distances, _counts(graph, reached, distances), tuple(reached))


def _counts(graph: Graph, entries: Sequence[int], distances: Sequence[int]) -> dict[int, int]:
    """Return the numbers of shortest ways of every vertex that lies on one."""
    found = set(entries)
    frontier = list(entries)
    while frontier:
        vertex = frontier.pop()
        for edge in graph.nearer(vertex, distances):
            target = graph.targets[edge]
            if target not in found:
                found.add(target)
                frontier.append(target)
    counts: dict[int, int] = {}
    for vertex in sorted(found, key=distances.__getitem__):
        nearer = (counts[graph.targets[edge]] for edge in graph.nearer(vertex, distances))
        counts[vertex] = sum(nearer) if distances[vertex] else 1
    return counts
