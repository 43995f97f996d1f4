"""The smallest set of things to take away, so that no entry reaches a sink: a minimum vertex cut (Dinic's algorithm).

Only what a person may take away has a price, of 1: bindings, and what lets a pod out to its node. Where several bindings
of one identity stand for one vertex, taking away any of them is enough, and one binding may stand in several: then the cut
is the smallest that was found, else it is the minimum.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from msgspec import Struct

from transom.model.edges import TOGETHER
from transom.paths.graph import Graph

ENDLESS = 1 << 30


class Cut(Struct, frozen=True):
    """Vertices to take away. whole: whether no entry reaches a sink any more; else none that can be taken away suffices.

    minimum: whether each vertex stands for one thing, so that no fewer things could do.
    """

    vertices: tuple[int, ...]
    whole: bool
    minimum: bool = False


def smallest_cut(graph: Graph, entries: Collection[int], sinks: Collection[int]) -> Cut:
    """Return the smallest cut between entries and sinks; none where an entry reaches a sink by nothing removable."""
    distances = graph.distances(sinks)
    between = {vertex for vertex in graph.reached_from(entries) if distances[vertex] >= 0}
    flow = _Flow(
        graph, between, [each for each in entries if each in between], [each for each in sinks if each in between]
    )
    if flow.run() >= ENDLESS:
        return Cut((), whole=False)
    minimum = all(graph.vertices[vertex].kind != TOGETHER for vertex in between)
    return Cut(tuple(sorted(flow.cut())), whole=True, minimum=minimum)


class _Flow:
    """Every vertex is an arrival (2n) and a departure (2n+1) with an arc between them, which has the vertex's price."""

    def __init__(self, graph: Graph, between: set[int], entries: Sequence[int], sinks: Sequence[int]) -> None:
        self.graph = graph
        self.numbers = {vertex: number for number, vertex in enumerate(sorted(between))}
        self.heads: list[int] = []
        self.room: list[int] = []
        self.arcs: list[list[int]] = [[] for _ in range(2 * len(self.numbers) + 2)]
        self.source, self.sink = len(self.arcs) - 2, len(self.arcs) - 1
        for vertex, number in self.numbers.items():
            self._add(2 * number, 2 * number + 1, 1 if vertex in graph.removable else ENDLESS)
            for edge in graph.out[vertex]:
                target = self.numbers.get(graph.targets[edge])
                if target is not None:
                    self._add(2 * number + 1, 2 * target, ENDLESS)
        for vertex in entries:
            self._add(self.source, 2 * self.numbers[vertex], ENDLESS)
        for vertex in sinks:
            self._add(2 * self.numbers[vertex] + 1, self.sink, ENDLESS)

    def _add(self, tail: int, head: int, room: int) -> None:
        self.arcs[tail].append(len(self.heads))
        self.heads.append(head)
        self.room.append(room)
        self.arcs[head].append(len(self.heads))
        self.heads.append(tail)
        self.room.append(0)

    def run(self) -> int:
        """Return the greatest flow; ENDLESS or more where nothing that has a price stands between."""
        total = 0
        while total < ENDLESS and (levels := self._levels())[self.sink] >= 0:
            waiting = [0] * len(self.arcs)
            while pushed := self._push(levels, waiting):
                total += pushed
                if total >= ENDLESS:
                    break
        return total

    def _levels(self) -> list[int]:
        levels = [-1] * len(self.arcs)
        levels[self.source] = 0
        queue = deque((self.source,))
        while queue:
            tail = queue.popleft()
            for arc in self.arcs[tail]:
                head = self.heads[arc]
                if self.room[arc] and levels[head] < 0:
                    levels[head] = levels[tail] + 1
                    queue.append(head)
        return levels

    def _push(self, levels: list[int], waiting: list[int]) -> int:
        """Push along one way that goes up level by level; waiting: by vertex, the first arc that may still lead on."""
        way: list[int] = []
        vertex = self.source
        while vertex != self.sink:
            arcs = self.arcs[vertex]
            while waiting[vertex] < len(arcs) and not self._leads_on(arcs[waiting[vertex]], vertex, levels):
                waiting[vertex] += 1
            if waiting[vertex] < len(arcs):
                way.append(arcs[waiting[vertex]])
                vertex = self.heads[way[-1]]
            elif way:
                vertex = self.heads[way.pop() ^ 1]
                waiting[vertex] += 1
            else:
                return 0
        pushed = min(self.room[arc] for arc in way)
        for arc in way:
            self.room[arc] -= pushed
            self.room[arc ^ 1] += pushed
        return pushed

    def _leads_on(self, arc: int, tail: int, levels: list[int]) -> bool:
        return bool(self.room[arc]) and levels[self.heads[arc]] == levels[tail] + 1

    def cut(self) -> list[int]:
        """Return the vertices whose price was paid: reached in their arrival, not in their departure."""
        levels = self._levels()
        return [
            vertex for vertex, number in self.numbers.items() if levels[2 * number] >= 0 and levels[2 * number + 1] < 0
        ]
