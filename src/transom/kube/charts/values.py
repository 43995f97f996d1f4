"""The values of a chart: who set each, and which of them decide a rendered field, proven by rendering with another.

Precedence is Helm's: a subchart's own values.yaml, then its parent's, then the files that a user names, in their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from transom.kube.charts.files import VALUES_FILE, Chart, read_map
from transom.kube.documents import Document, positions
from transom.kube.reading import at
from transom.model.places import Locator, Path, path_text

MAX_CANDIDATES = 12  # renderings that one field may cost: what decides it is mentioned near it, or has its name
FAR = 100_000  # lines: what named templates mention is as far away as can be
TEMPLATES_KEPT = 64  # a chart's findings come template by template
PROBE = "probe"
_MENTION = re.compile(rb"\.Values((?:\.\w+)+)")


class Layer(Struct, frozen=True):
    """One values file. prefix: where its keys stand in the values of the whole chart (a subchart's name); path: to open
    the file, "" where it stands in an archive; folder: the chart's, "" for a file that the user names.
    """

    document: Document
    prefix: Path = ()
    path: str = ""
    folder: str = ""


def layers(chart: Chart, files: Mapping[str, bytes]) -> list[Layer]:
    """Return every values file, weakest first; raises TransomError where one cannot be read.

    files: those that the user names, by the name that people see.
    """
    found: list[Layer] = []
    for path in sorted(chart.files, key=lambda each: -each.count("/")):
        folder, _, name = path.rpartition("/")
        if name == VALUES_FILE and _is_chart_folder(folder):
            document = read_map(chart.files[path], chart.shown_file(path))
            opened = f"{chart.folder}/{path}" if chart.folder else ""
            found.append(Layer(document, _names(folder), opened, chart.folder))
    return found + [Layer(read_map(content, shown), (), shown) for shown, content in files.items()]


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
    layer = setter(found, path)
    if layer is None:
        return None
    below = path[len(layer.prefix) :]
    at = positions(layer.document).find(below)
    return Locator(at.file, at.line, at.column, at.start, at.end, path_text(below))


def setter(found: Sequence[Layer], path: Path) -> Layer | None:
    """Return the strongest layer that sets a value."""
    for layer in reversed(found):
        if path[: len(layer.prefix)] == layer.prefix and _has(layer.document.value, path[len(layer.prefix) :]):
            return layer
    return None


def _has(value: Any, path: Path) -> bool:
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return bool(path)


class Field(Struct, frozen=True):
    """A rendered field: its template within the chart and the line there, its path, what stands there (None: missing)."""

    template: str
    line: int
    path: Path
    observed: Any


def candidates(chart: Chart, values: Mapping[str, Any], field: Field) -> list[Path]:
    """Return the values that may decide a field, the likeliest first, at most MAX_CANDIDATES.

    They are those that its template mentions, the nearest to its line first, then those that the chart's named templates
    mention; before all of them one of the field's own name.
    """
    folder = field.template.rpartition("templates/")[0]
    prefix = _names(folder.rstrip("/"))
    distances: dict[Path, int] = {}
    for mention, distance in _mentioned(chart, folder, field):
        whole = mention if mention[:1] == ("global",) else prefix + mention
        for leaf in _below(at(values, *whole), whole, field.observed is None):
            distances[leaf] = min(distance, distances.get(leaf, distance))
    name = next((step for step in reversed(field.path) if isinstance(step, str)), "")
    return sorted(distances, key=lambda leaf: (leaf[-1] != name, distances[leaf]))[:MAX_CANDIDATES]


def _mentioned(chart: Chart, folder: str, field: Field) -> Iterator[tuple[Path, int]]:
    """Yield each value that is mentioned, and how many lines from the field."""
    for mention, line in _mentions(chart.files.get(field.template, b"")):
        yield mention, abs(field.line - line)
    for path, content in chart.files.items():
        if path.startswith(f"{folder}templates/") and path.rpartition("/")[2].startswith("_"):
            yield from ((mention, FAR) for mention, _ in _mentions(content))


@lru_cache(TEMPLATES_KEPT)
def _mentions(template: bytes) -> Sequence[tuple[Path, int]]:
    """Return each value that a template mentions, with the line."""
    found = []
    line, end = 1, 0
    for match in _MENTION.finditer(template):
        line += template.count(b"\n", end, match.start())
        end = match.start()
        found.append((tuple(match[1].decode().split(".")[1:]), line))
    return found


def _below(value: Any, path: Path, maps: bool) -> Iterator[Path]:
    """Yield the leaves at and below a path; maps: also the maps, to which a missing field could be added."""
    if isinstance(value, dict):
        if maps or not value:
            yield path
        for key, each in value.items():
            yield from _below(each, (*path, key), maps)
    else:
        yield path


def changed(values: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return values in which one leaf is another of its type; a map has the key PROBE more."""
    value = at(values, *path)
    other: Any
    if isinstance(value, bool):
        other = not value
    elif isinstance(value, int | float):
        other = value + 1
    elif isinstance(value, dict):
        other = {**value, PROBE: True}
    elif isinstance(value, list):
        other = [*value, *value[-1:]] if value else [PROBE]
    else:
        other = f"{value or ''}{PROBE}"
    return replaced(values, path, other)


def replaced(values: Mapping[str, Any], path: Path, other: Any) -> dict[str, Any]:
    """Return values in which another one stands at a path; maps on the way that are not there come to be."""
    first, rest = str(path[0]), path[1:]
    inner = values.get(first)
    return {**values, first: replaced(inner if isinstance(inner, dict) else {}, rest, other) if rest else other}
