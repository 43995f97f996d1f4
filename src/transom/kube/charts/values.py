"""The values of a chart: who set each, and which of them decide a rendered field, proven by rendering with another.

Precedence is Helm's: a subchart's own values.yaml, then its parent's, then the files that a user names, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from transom.kube.charts.files import VALUES_FILE, Chart, read_map
from transom.kube.documents import Document, positions
from transom.kube.reading import at
from transom.model.places import Locator, Path, path_text

MAX_CANDIDATES = 40  # renderings that one field may cost; a template seldom mentions more values
_MENTION = re.compile(rb"\.Values((?:\.\w+)+)")


class Layer(Struct, frozen=True):
    """One values file. prefix: where its keys stand in the values of the whole chart (a subchart's name)."""

    document: Document
    prefix: Path = ()


def layers(chart: Chart, files: Mapping[str, bytes]) -> list[Layer]:
    """Return every values file, weakest first; raises TransomError where one cannot be read.

    files: those that the user names, by the name that people see.
    """
    found: list[Layer] = []
    for path in sorted(chart.files, key=lambda each: -each.count("/")):
        folder, _, name = path.rpartition("/")
        if name == VALUES_FILE and _is_chart_folder(folder):
            found.append(Layer(read_map(chart.files[path], chart.shown_file(path)), _names(folder)))
    return found + [Layer(read_map(content, shown)) for shown, content in files.items()]


def _is_chart_folder(folder: str) -> bool:
    parts = folder.split("/") if folder else []
    return len(parts) % 2 == 0 and all(part == "charts" for part in parts[::2])


def _names(folder: str) -> Path:
    return tuple(folder.split("/")[1::2]) if folder else ()


def merged(found: Sequence[Layer]) -> dict[str, Any]:
    """Return the layers laid over each other: maps merge, anything else replaces."""
    values: dict[str, Any] = {}
    for layer in found:
        below: dict[str, Any] = {}
        inner = below
        for step in layer.prefix:
            inner[str(step)] = inner = {}
        inner.update(layer.document.value)
        _merge(values, below)
    return values


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        kept = below.get(key)
        if isinstance(value, dict):
            below[key] = copy = dict(kept) if isinstance(kept, dict) else {}
            _merge(copy, value)
        else:
            below[key] = value


def place(found: Sequence[Layer], path: Path) -> Locator | None:
    """Return where a value is set: in the strongest layer that has it."""
    for layer in reversed(found):
        below = path[len(layer.prefix) :]
        if path[: len(layer.prefix)] == layer.prefix and _has(layer.document.value, below):
            at = positions(layer.document).find(below)
            return Locator(at.file, at.line, at.column, at.start, at.end, path_text(below))
    return None


def _has(value: Any, path: Path) -> bool:
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return bool(path)


def candidates(chart: Chart, template: str, values: Mapping[str, Any], field: Path, observed: Any) -> list[Path]:
    """Return the values that may decide a rendered field, the likeliest first, at most MAX_CANDIDATES.

    They are those that its template mentions, then those that its chart's named templates mention. field: the path in
    the rendered object; observed: what stands there, None where the field is missing.
    """
    prefix = _names(template.rpartition("templates/")[0].rstrip("/"))
    mentioned = list(_mentions(chart.files.get(template, b"")))
    folder = template.rpartition("templates/")[0] + "templates/"
    for path, content in chart.files.items():
        if path.startswith(folder) and path.rpartition("/")[2].startswith("_"):
            mentioned += _mentions(content)
    found: dict[Path, None] = {}
    for mention in mentioned:
        whole = mention if mention[:1] == ("global",) else prefix + mention
        found.update(dict.fromkeys(_below(at(values, *whole), whole, observed is None)))
    name = next((step for step in reversed(field) if isinstance(step, str)), "")

    def rank(path: Path) -> tuple[bool, bool]:
        return path[-1] != name, observed is not None and at(values, *path) != observed

    return sorted(found, key=rank)[:MAX_CANDIDATES]


def _mentions(template: bytes) -> Iterator[Path]:
    for match in dict.fromkeys(_MENTION.findall(template)):
        yield tuple(match.decode().split(".")[1:])


def _below(value: Any, path: Path, maps: bool) -> Iterator[Path]:
    """Yield the leaves at and below a path; maps: also the maps, to which a missing field could be added."""
    if isinstance(value, dict):
        if maps or not value:
            yield path
        for key, each in value.items():
            yield from _below(each, (*path, key), maps)
    else:
        yield path


def changed(values: Mapping[str, Any], path: Path, missing: Path) -> dict[str, Any]:
    """Return values in which one leaf is another; missing: the keys to add where the leaf is a map."""
    value = at(values, *path)
    other: Any
    if isinstance(value, bool):
        other = not value
    elif isinstance(value, int | float):
        other = value + 1
    elif isinstance(value, dict):
        other = _added(value, missing)
    elif isinstance(value, list):
        other = [*value, *value[-1:]] if value else ["probe"]
    else:
        other = f"{value or ''}probe"
    return _replaced(values, path, other)


def _added(value: Mapping[str, Any], missing: Path) -> dict[str, Any]:
    steps = [step for step in missing if isinstance(step, str)] or ["probe"]
    if len(steps) == 1:
        return {**value, steps[0]: True}
    inner = value.get(steps[0])
    return {**value, steps[0]: _added(inner if isinstance(inner, dict) else {}, tuple(steps[1:]))}


def _replaced(values: Mapping[str, Any], path: Path, other: Any) -> dict[str, Any]:
    first, rest = str(path[0]), path[1:]
    return {**values, first: _replaced(values[first], rest, other) if rest else other}
