"""Distances, counts and cuts are those of a search through everything."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from transom.model.edges import Edge, Vertex
from transom.paths.cut import smallest_cut
from transom.paths.graph import Graph
from transom.paths.search import ways

SIZE = 7
_EDGES = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), min_size=1, max_size=16)


def vertex(number: int) -> Vertex:
    return Vertex("x", "", str(number))


def graph_of(pairs: list[tuple[int, int]], removable: set[int]) -> Graph:
    return Graph(Edge(vertex(a), vertex(b), "p", removable=b in removable) for a, b in pairs if a != b)


def brute(pairs: list[tuple[int, int]], start: int, end: int, without: frozenset[int] = frozenset()) -> list[list[int]]:
    """Return all ways without circles."""
    found, waiting = [], [[start]]
    while waiting:
        way = waiting.pop()
        if way[-1] == end:
            found.append(way)
            continue
        for a, b in sorted(set(pairs)):
            if a == way[-1] and b not in way and b not in without:
                waiting.append([*way, b])
    return found


@settings(deadline=None)
@given(_EDGES)
def test_shortest_ways_are_counted_and_listed(pairs: list[tuple[int, int]]) -> None:
    graph = graph_of(pairs, set())
    if not {vertex(0), vertex(1)} <= set(graph.ids):
        return
    start, end = graph.ids[vertex(0)], graph.ids[vertex(1)]
    expected = brute([pair for pair in pairs if pair[0] != pair[1]], 0, 1)
    found = ways(graph, [start], [end])
    assert bool(found.entries) is bool(expected)
    if expected:
        shortest = [way for way in expected if len(way) == min(map(len, expected))]
        assert found.count(start) == len(shortest) == len(list(found.listed(start)))
        assert {len(way) for way in found.listed(start)} == {len(shortest[0]) - 1}
        for number, passages in found.passages().items():
            name = int(graph.vertices[number].name)
            assert passages == sum(name in way for way in shortest)


@settings(deadline=None)
@given(_EDGES, st.sets(st.integers(2, SIZE - 1)))
def test_cut_is_the_smallest_that_there_is(pairs: list[tuple[int, int]], removable: set[int]) -> None:
    graph = graph_of(pairs, removable)
    if not {vertex(0), vertex(1)} <= set(graph.ids):
        return
    cut = smallest_cut(graph, [graph.ids[vertex(0)]], [graph.ids[vertex(1)]])
    sizes = [
        size
        for size in range(len(removable) + 1)
        if any(not brute(pairs, 0, 1, frozenset(chosen)) for chosen in combinations(sorted(removable), size))
    ]
    assert cut.whole is bool(sizes)
    if sizes:
        assert len(cut.vertices) == sizes[0]
        assert not brute(pairs, 0, 1, frozenset(int(graph.vertices[each].name) for each in cut.vertices))
