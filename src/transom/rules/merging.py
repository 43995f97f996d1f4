"""Structured merge, as server-side apply does it: an object and the fields that an ApplyConfiguration wants in it.

Lists of Kubernetes' own types are merged by the keys of their elements (containers by name, ports by number and
protocol); which list is merged how is data, in content/schemas/merging.yaml. What is atomic may not be touched, as the
API server refuses it too: fields that a policy did not name would vanish with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from transom.kube.kinds import template_path

TABLE = Path(__file__).parent.parent / "content" / "schemas" / "merging.yaml"
ATOMIC, SET = "atomic", "set"
COMMON = "*"
How = str | Sequence[str]
Rules = Mapping[str, How]


class MergeError(ValueError):
    """Fields that cannot be merged into an object; the message says where."""


def merged(value: Any, wanted: Any, group: str, kind: str) -> Any:
    """Return an object with the wanted fields merged in; neither is changed. Raises MergeError."""
    return _maps(value, wanted, rules_of(group, kind), "")


@cache
def rules_of(group: str, kind: str) -> Rules:
    """Return how lists and maps of a kind are merged, by path; a kind that is not Kubernetes' own has none."""
    table = _table()
    own = table.get(f"{group}/{kind}" if group else kind, {})
    template = template_path(group, kind)
    prefix = "".join(f"{step}." for step in template or ())
    of_pods = {f"{prefix}{path}": how for path, how in table["Pod"].items()} if template else {}
    return {**table[COMMON], **of_pods, **own}


@cache
def _table() -> dict[str, Rules]:
    import yaml

    found: dict[str, Rules] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return found


def _merged(value: Any, wanted: Any, rules: Rules, path: str) -> Any:
    how = rules.get(path)
    if isinstance(wanted, list):
        return _lists(value if isinstance(value, list) else [], wanted, rules, path, how or ATOMIC)
    if isinstance(wanted, dict):
        if how == ATOMIC:
            raise MergeError(f"{path} is atomic: its fields cannot be set one by one")
        return _maps(value if isinstance(value, dict) else {}, wanted, rules, path)
    return wanted


def _maps(value: Mapping[str, Any], wanted: Mapping[str, Any], rules: Rules, path: str) -> dict[str, Any]:
    changed = {
        field: _merged(value.get(field), each, rules, f"{path}.{field}" if path else field)
        for field, each in wanted.items()
    }
    return {**value, **changed}


def _lists(value: list[Any], wanted: list[Any], rules: Rules, path: str, how: How) -> list[Any]:
    if how == ATOMIC:
        raise MergeError(f"{path} is an atomic list: its elements cannot be set one by one")
    if isinstance(how, str):
        return value + [each for each in wanted if each not in value]
    places = _by_key(value, how, path, twice=True)
    result = list(value)
    for key, each in _by_key(wanted, how, path, twice=False).items():
        index = places.get(key)
        if index is None:
            result.append(_maps({}, wanted[each], rules, path))
        else:
            result[index] = _maps(result[index], wanted[each], rules, path)
    return result


def _by_key(elements: list[Any], keys: Sequence[str], path: str, twice: bool) -> dict[tuple[Any, ...], int]:
    """Return the index of each element by its keys; twice: whether the object may already repeat what is not touched."""
    found: dict[tuple[Any, ...], int] = {}
    for index, element in enumerate(elements):
        key = _key(element, keys)
        if key is None:
            raise MergeError(f"an element of {path} has no {' and '.join(each.partition('=')[0] for each in keys)}")
        if key in found and not twice:
            raise MergeError(f"{path} names {', '.join(map(str, key))} twice")
        found.setdefault(key, index)
    return found


def _key(element: Any, keys: Sequence[str]) -> tuple[Any, ...] | None:
    if not isinstance(element, dict):
        return None
    found = []
    for spec in keys:
        name, _, default = spec.partition("=")
        each = element.get(name, default or None)
        if not isinstance(each, str | int):
            return None
        found.append(each)
    return tuple(found)
