"""What differs between two objects, as changes of one into the other."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from transom.kube.rendering import same
from transom.model.patches import Change
from transom.model.places import Path


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Change]:
    """Yield the changes that make `new` of `old`: as deep as they go, lists of another length as a whole."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old:
            if key not in new:
                yield Change((*path, key), removed=True)
        for key, value in new.items():
            if key not in old:
                yield Change((*path, key), value)
            else:
                yield from differences(old[key], value, (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, (*path, index))
    elif not same(old, new):
        yield Change(path, new)


def applied(value: Any, changes: Iterable[Change]) -> Any:
    """Return a copy of a value with changes made; maps on their way that are null, or not there, come to be."""
    result = copy.deepcopy(value)
    for change in changes:
        if not change.path:
            result = copy.deepcopy(change.value)
            continue
        parent = result
        for step in change.path[:-1]:
            if isinstance(parent, dict) and parent.get(str(step)) is None:
                parent[str(step)] = {}
            parent = parent[step]
        if change.removed:
            parent.pop(change.path[-1], None)
        else:
            parent[change.path[-1]] = copy.deepcopy(change.value)
    return result


def touches(change: Change, path: Path) -> bool:
    """Tell whether a change is of a path, of something below it, or of something around it."""
    length = min(len(change.path), len(path))
    return change.path[:length] == path[:length]
