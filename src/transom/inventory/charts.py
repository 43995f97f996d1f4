"""Helm charts as a source: rendered objects become entries whose places are lines of the templates they came from."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory.entries import Entry, Origin, Places
from transom.inventory.inventory import Inventory
from transom.inventory.unrendered import CHART, unrendered
from transom.kube.charts import values as chart_values
from transom.kube.charts.files import Chart, absent_dependencies, packed, read_chart
from transom.kube.charts.marks import marked, template_lines
from transom.kube.charts.renderer import INSTALL, Renderer, RenderError, find_renderer
from transom.kube.charts.values import PROBE
from transom.kube.comments import Comment, comments
from transom.kube.documents import Document, positions, read_documents
from transom.kube.files import FoundChart
from transom.kube.objects import objects
from transom.kube.reading import at
from transom.model.errors import TransomError
from transom.model.findings import Evidence, Finding, NotApplicable, Provenance, Result, Skipped, Told
from transom.model.places import Locator, Path, parse_path, path_text
from transom.model.refs import file_ref

DECIDES = "changing this value changes what was seen"
MAX_CAUSES = 3  # an image has a registry, a name and a tag
_TEMPLATE_LINE = re.compile(r"([\w./-]+\.(?:ya?ml|tpl|txt)):(\d+)(?::(\d+))?")


class RenderedChart(Struct, frozen=True, eq=False):
    """A chart and the values it was rendered with.

    archive: the chart as the renderer reads it; plain: what its templates became; probes: what they became with one
    value changed; parsed: the objects of those that are not as before.
    """

    chart: Chart
    layers: Sequence[chart_values.Layer]
    values: Mapping[str, Any]
    renderer: Renderer
    archive: bytes
    plain: Mapping[str, bytes]
    probes: dict[Path, dict[str, bytes]] = {}
    parsed: dict[tuple[Path, str], list[dict[str, Any]]] = {}

    def objects_with(self, leaf: Path, template: str) -> Sequence[dict[str, Any]]:
        """Return the objects of a template when one leaf of the values is another; none where that changes nothing."""
        name = f"{self.chart.name}/{template}"
        made = self._rendered_with(leaf).get(name)
        if made is None or made == self.plain.get(name):
            return ()
        if (leaf, template) not in self.parsed:
            self.parsed[leaf, template] = list(_objects(made))
        return self.parsed[leaf, template]

    def objects_of(self, template: str) -> Sequence[dict[str, Any]]:
        """Return what a template rendered to."""
        return list(_objects(self.plain.get(f"{self.chart.name}/{template}", b"")))

    def objects_of_values(self, values: Mapping[str, Any], template: str) -> Sequence[dict[str, Any]]:
        """Return what a template renders to with other values; none where it does not render."""
        try:
            return replace(self, plain=self.renderer.render(self.archive, values)).objects_of(template)
        except RenderError:
            return ()

    def with_layers(self, layers: Sequence[chart_values.Layer]) -> RenderedChart:
        """Return the chart rendered with other layers, which set no less than these; raises RenderError."""
        values = chart_values.merged(layers)
        plain = self.renderer.render(self.archive, values)
        return replace(self, layers=layers, values=values, plain=plain, probes={}, parsed={})

    def add_to(self, inventory: Inventory, target: str) -> None:
        """Add what it renders to, in lines of its templates that are not known."""
        for _ in _add_all(inventory, self, self.plain, {}, target):
            pass  # what is skipped now was skipped before, or is missed by whoever compares

    def _rendered_with(self, leaf: Path) -> dict[str, bytes]:
        if leaf not in self.probes:
            try:
                self.probes[leaf] = self.renderer.render(self.archive, chart_values.changed(self.values, leaf))
            except RenderError:
                self.probes[leaf] = {}
        return self.probes[leaf]


def _objects(text: bytes) -> Iterator[dict[str, Any]]:
    for document in read_documents(io.BytesIO(text), ""):
        if not isinstance(document, Skipped):
            yield from (item[1] for item in objects(document.value, document=document) if not isinstance(item, Skipped))


class RenderedSource(Struct, frozen=True, eq=False):
    """One rendered document, and which line of its template made each of its lines.

    template: the path within the chart; lines: from 0, those of the whole rendered template; 0 where none is known.
    """

    document: Document
    rendered: RenderedChart
    template: str
    lines: Sequence[int]

    def places(self) -> Places:
        """Return the places in the template."""
        return _TemplatePlaces(positions(self.document), self)

    def comments(self) -> Sequence[Comment]:
        """Return the comments addressed to Transom, at their lines of the template."""
        return [replace(each, line=self.line(each.line), column=1) for each in comments(self.document)]

    def line(self, rendered_line: int) -> int:
        """Return the template's line of a rendered one, both from 1."""
        return self.lines[rendered_line - 1] if 0 < rendered_line <= len(self.lines) else 0


class _TemplatePlaces(Struct, frozen=True):
    rendered: Places
    source: RenderedSource

    def find(self, path: Path) -> Locator:
        """Return the template's line of a node; its column where the template has the very same line."""
        found = self.rendered.find(path)
        line = self.source.line(found.line)
        template = self.source.rendered.chart.files.get(self.source.template, b"").split(b"\n")
        ours = self.source.document.text.split(b"\n")
        index = found.line - self.source.document.line
        same = (
            0 < line <= len(template) and 0 <= index < len(ours) and ours[index].strip() == template[line - 1].strip()
        )
        return Locator(self.source.document.file, line, found.column if same else min(line, 1))


def fill_from_charts(
    inventory: Inventory, charts: Sequence[FoundChart], target: str, value_files: Sequence[str] = ()
) -> Iterator[Told]:
    """Add what charts render to; a chart that does not render is a finding, and what it holds is Skipped.

    value_files: files laid over the values of each chart, the last one strongest.
    """
    over = {name: _values_file(name) for name in value_files}
    renderer = find_renderer()
    for found in charts:
        if renderer is None:
            yield Skipped(file_ref(found.shown), "it is a Helm chart, and nothing here renders charts", INSTALL)
        else:
            yield from _fill_from_chart(inventory, found, target, over, renderer)


def _fill_from_chart(
    inventory: Inventory, found: FoundChart, target: str, over: Mapping[str, bytes], renderer: Renderer
) -> Iterator[Told]:
    try:
        chart = read_chart(found.path, found.shown)
        layers = chart_values.layers(chart, over)
    except TransomError as error:
        shown = found.shown
        yield Skipped(file_ref(shown), f"{error.what}: {error.why}", error.next_step, locator=Locator(shown))
        return
    if chart.is_library:
        yield NotApplicable("library charts, which render nothing by themselves")
        return
    yield from _told_beforehand(chart)
    values, archive = chart_values.merged(layers), packed(chart)
    try:
        plain = renderer.render(archive, values)
    except RenderError as error:
        yield from _broken(chart, str(error))
        return
    rendered = RenderedChart(chart, layers, values, renderer, archive, plain, {}, {})
    yield Provenance(found.shown, f"rendered by {renderer.label}")
    inventory.rendered.append(rendered)
    yield from _add_all(inventory, rendered, plain, _with_marks(rendered), target)


def _values_file(name: str) -> bytes:
    try:
        with open(name, "rb") as stream:  # noqa: PTH123 - a path object is not needed
            return stream.read()
    except OSError as error:
        raise TransomError(f"cannot read {name}", error.strerror or str(error), "name another values file") from error


def _told_beforehand(chart: Chart) -> Iterator[Skipped]:
    for path in chart.outside:
        reason = "it leads out of the chart, or is no ordinary file"
        yield Skipped(file_ref(chart.shown_file(path)), reason, "put a copy into the chart")
    for name in absent_dependencies(chart):
        reason = f"the chart's dependency {name} is not in charts/"
        yield Skipped(file_ref(chart.shown), reason, f"helm dependency build {chart.shown}")


def _broken(chart: Chart, message: str) -> Iterator[Finding | Skipped]:
    match = _TEMPLATE_LINE.search(message)
    locator = Locator(chart.shown_file("Chart.yaml"), 1, 1)
    if match:
        within = match[1].partition("/")[2] if match[1].startswith(f"{chart.name}/") else match[1]
        locator = Locator(chart.shown_file(within), int(match[2]), int(match[3] or 1))
    yield from unrendered(CHART, chart.shown, message, locator)


def _with_marks(rendered: RenderedChart) -> Mapping[str, bytes]:
    chart = rendered.chart
    templates = {
        path: marked(content)
        for path, content in chart.files.items()
        if "templates/" in path and path.endswith((".yaml", ".yml", ".json"))
    }
    try:
        return rendered.renderer.render(packed(chart, templates), rendered.values)
    except RenderError:
        return {}


def _add_all(
    inventory: Inventory, rendered: RenderedChart, plain: Mapping[str, bytes], marks: Mapping[str, bytes], target: str
) -> Iterator[Skipped]:
    chart, label = rendered.chart, rendered.renderer.label
    for name in sorted(plain):
        template = name.partition("/")[2]
        if template.endswith("NOTES.txt") or not plain[name].strip():
            continue
        lines = template_lines(plain[name], marks.get(name), chart.files.get(template, b""))
        for document in read_documents(io.BytesIO(plain[name]), chart.shown_file(template)):
            if isinstance(document, Skipped):
                yield document
                continue
            source = RenderedSource(document, rendered, template, lines)
            for item in objects(document.value, document=document):
                if isinstance(item, Skipped):
                    yield item
                else:
                    origin = Origin(target, document.file, document.index, item[0], label)
                    inventory.add(item[1], origin, source)


def with_values(results: Iterable[Result], inventory: Inventory) -> Iterator[Result]:
    """Add to each finding of a rendered object which value of the chart decides it, where rendering proves one."""
    for result in results:
        yield _with_value(result, inventory) if isinstance(result, Finding) else result


def _with_value(finding: Finding, inventory: Inventory) -> Finding:
    for entry in inventory.with_ref(finding.ref):
        source = entry.source
        if isinstance(source, RenderedSource) and entry.origin.file == finding.place.file and finding.place.path:
            path = parse_path(finding.place.path)
            causes = islice(_causes(source, entry, path, finding.place.line, finding.evidence[0].observed), MAX_CAUSES)
            return replace(finding, evidence=(*finding.evidence, *causes))
    return finding


def _causes(source: RenderedSource, entry: Entry, path: Path, line: int, seen: str) -> Iterator[Evidence]:
    """Yield the values that decide a field: those whose change alone changes it, or that a missing field could join."""
    rendered = source.rendered
    observed = at(entry.object, *path)
    field = chart_values.Field(source.template, line, path, observed)
    for leaf in chart_values.candidates(rendered.chart, rendered.values, field):
        changed = rendered.objects_with(leaf, source.template)
        if not any(_decides(each, entry, path, observed) for each in changed if is_same(each, entry)):
            continue
        place = chart_values.place(rendered.layers, leaf)
        if place is not None:
            yield Evidence(place, _observed(rendered.values, leaf, seen), DECIDES)


def _decides(changed: dict[str, Any], entry: Entry, path: Path, observed: Any) -> bool:
    """Tell whether a field is another in an object; of one that is missing, whether the probe lies on the way to it."""
    if observed is not None:
        return bool(at(changed, *path) != observed)
    steps = [at(changed, *path[:depth]) for depth in range(1, len(path))]
    if any(isinstance(step, dict) and PROBE in step for step in steps):
        return True
    return at(changed, *path) is not None


def is_same(value: dict[str, Any], entry: Entry) -> bool:
    """Tell whether a rendered object is that of an entry, rendered otherwise."""
    metadata = value.get("metadata") or {}
    return value.get("kind") == entry.ref.kind and metadata.get("name") == entry.metadata.get("name")


def _observed(values: Mapping[str, Any], leaf: Path, seen: str) -> str:
    """Return a value in one short line; text is shown only as far as the finding shows it anyway."""
    name, value = path_text(leaf), at(values, *leaf)
    if isinstance(value, bool | int | float) or (isinstance(value, str) and value and value in seen):
        return f"{name}: {str(value).lower() if isinstance(value, bool) else value}"
    return name
