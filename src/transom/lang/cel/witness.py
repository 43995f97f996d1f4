"""Why an expression had its outcome: the elements that decided, and what was read of them.

`Program.witnesses` returns Witness values; `places` turns one into object paths. A caller that has one object does:

    index = index_paths(pod)                                  # once per object
    for witness in program.witnesses(activation, False):
        for root, path in places(witness, {"object": pod}, {"object": index}):
            ...                                               # ("object", ("spec", "containers", 1, "securityContext"))
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.model.places import Path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Read = tuple[object, Path]
"""What was read: (root, path). root is the name of a variable of the activation ("object", "params"), or the very map
or list of the input (told by identity) that the path starts from. path may lead to something absent."""

MAX_WITNESSES = 1_000  # a person reads the first few; 1,000 failing elements tell no more

INPUT, CONSTANTS, COMPUTED = "input", "constants", "computed"
"""Where the elements of a list come from: all from the input, all written in the expression, or anything else."""

Place = tuple[str, Path]
"""A full path: the name of a variable of the activation, and the way from there."""


class Witness(Struct, frozen=True):
    """One reason why an expression had its outcome.

    elements: what the deciding comprehensions stood at, outermost first: maps and lists are the input's own objects, so
    that they can be told apart by identity; scalars are there for messages only. Empty where no comprehension decided.
    reads: what the deciding comparison read, in source order, each once. Where it read an element that is a scalar, the
    read is that element's own place, (`{"securityContext": …}` of a container, ("capabilities", "add", 2)).
    """

    elements: tuple[object, ...] = ()
    reads: tuple[Read, ...] = ()


def each_once(witnesses: list[Witness]) -> list[Witness]:
    """Drop repeated witnesses, the later ones."""
    if len(witnesses) < 2:
        return witnesses
    seen: dict[tuple[object, ...], Witness] = {}
    for each in witnesses:
        roots = tuple((root if isinstance(root, str) else id(root), path) for root, path in each.reads)
        seen.setdefault((*map(id, each.elements), *roots), each)
    return list(seen.values())


def together(reasons: list[list[Witness]], elements: tuple[object, ...]) -> list[Witness]:
    """Join reasons that only hold together: reads at this level are shared by every witness of a deeper one."""
    everything = list(chain.from_iterable(reasons))
    deeper = [each for each in everything if len(each.elements) > len(elements)]
    shared = tuple(chain.from_iterable(each.reads for each in everything if len(each.elements) <= len(elements)))
    if not deeper:
        return [Witness(elements, distinct(shared))]
    return [Witness(each.elements, distinct((*each.reads, *shared))) for each in deeper]


def distinct(found: tuple[Read, ...]) -> tuple[Read, ...]:
    """Drop repeated reads, the later ones."""
    if len(found) < 2:
        return found
    seen: dict[tuple[object, Path], Read] = {}
    for root, path in found:
        seen.setdefault((root if isinstance(root, str) else id(root), path), (root, path))
    return tuple(seen.values())


def index_paths(root: dict[str, Any] | list[Any]) -> dict[int, Path]:
    """Return where each map and list below root stands, by id(); the first place of what stands in several."""
    found: dict[int, Path] = {id(root): ()}
    waiting: list[tuple[Path, Any]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        for step, child in node.items() if node.__class__ is dict else enumerate(node):
            if (child.__class__ is dict or child.__class__ is list) and id(child) not in found:
                found[id(child)] = below = (*path, step)
                waiting.append((below, child))
    return found


def places(witness: Witness, roots: Mapping[str, object], indexes: Mapping[str, Mapping[int, Path]]) -> list[Place]:
    """Return the full paths of what a witness read, the deepest that exists first, then by how far each exists.

    roots: the values of the variables that paths may start from; indexes: index_paths of each. Reads of other variables
    are left out. Where nothing of a root was read, the innermost element that is part of one; the list may be empty.
    """
    if len(witness.reads) == 1:  # as most have: nothing to sort by
        place = _rooted(*witness.reads[0], roots, indexes)
        if place is not None:
            return [place]
    found = _depths(witness.reads, roots, indexes)
    found = found or _depths([(element, ()) for element in reversed(witness.elements)], roots, indexes)
    if len(found) < 2:
        return list(found)
    return sorted(found, key=lambda place: (len(place[1]) != found[place], -found[place]))


def _depths(
    reads: Iterable[Read], roots: Mapping[str, object], indexes: Mapping[str, Mapping[int, Path]]
) -> dict[Place, int]:
    """Return how far each place of the roots exists, in the order of the reads."""
    found: dict[Place, int] = {}
    for root, path in reads:
        place = _rooted(root, path, roots, indexes)
        if place is not None:
            found.setdefault(place, depth(roots[place[0]], place[1]))
    return found


def _rooted(
    root: object, path: Path, roots: Mapping[str, object], indexes: Mapping[str, Mapping[int, Path]]
) -> Place | None:
    if isinstance(root, str):
        return (root, path) if root in roots else None
    if not isinstance(root, (dict, list)):
        return None
    for name, index in indexes.items():
        start = index.get(id(root))
        if start is not None:
            return (name, (*start, *path))
    return None


def depth(node: Any, path: Path) -> int:
    """Return how many steps of a path exist below a node."""
    for taken, step in enumerate(path):
        inside = step in node if isinstance(node, dict) else isinstance(node, list) and step in range(len(node))
        if not inside:
            return taken
        node = node[step]
    return len(path)
