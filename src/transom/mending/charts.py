"""Fixes of rendered objects: as values of their charts, each proven to make the wanted field by rendering with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from transom.inventory.charts import RenderedChart, RenderedSource, is_same
from transom.kube.charts import values as chart_values
from transom.kube.charts.renderer import RenderError
from transom.kube.charts.values import PROBE
from transom.kube.edits import EditError
from transom.kube.reading import at
from transom.kube.rendering import same
from transom.mending.differences import applied
from transom.mending.files import FileEdit, whole_edit
from transom.mending.steps import Left, Proposal, Step
from transom.model.language import mark
from transom.model.patches import Change
from transom.model.places import Path, path_text
from transom.rules.expand import without_nulls
from transom.rules.place import CONTAINER_LISTS

if TYPE_CHECKING:
    from transom.inventory import Entry, Inventory
    from transom.kube.charts.values import Layer

NO_VALUE = mark(
    "it is made by {}, and no value of the chart decides it: change the template, or patch what comes out with --patch"
)
PACKED = mark("it is made by {} from a packed chart: unpack the chart, or lay a values file over it with --values")
OTHERWISE = mark("another fix needs another value of {}")

Refused = tuple[Proposal, str, str]
"""An object, a rule whose fix values cannot make, and why."""


class Edited(Struct):
    """What fixes make of charts: edits of values files by their names, the charts as they render then, by the id of
    what they were, and those of which more changes than the fixes say."""

    edits: dict[str, FileEdit] = field(default_factory=dict)
    charts: dict[int, RenderedChart] = field(default_factory=dict)
    reaching: set[int] = field(default_factory=set)


class _Wish(Struct, frozen=True):
    """One value to set. layer: the file that is to set it; path: within that file."""

    layer: Layer
    path: Path
    value: Any


class ChartFixes:
    """The charts of an inventory, and what was proven of them so far."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.known: dict[tuple[int, Path, str], list[_Wish]] = {}
        self.edited = Edited()

    def narrow(self, proposal: Proposal) -> Iterator[Left]:
        """Keep of each step what values make where the rest is about other containers; yield the findings that stay."""
        for index, step in enumerate(proposal.steps):
            beyond = [change for change in step.changes if not self._wishes(proposal.entry, change)]
            containers = {path_text(_container(change.path)) for change in beyond}
            if not beyond or len(beyond) == len(step.changes) or "" in containers:
                continue
            lost = [each for each in step.mends if each.place.path.startswith(tuple(containers))]
            kept = tuple(each for each in step.mends if each not in lost)
            changes = tuple(each for each in step.changes if each not in beyond)
            proposal.steps[index] = replace(step, changes=changes, mends=kept)
            yield from (Left(each, NO_VALUE.format(proposal.entry.origin.renderer)) for each in lost)

    def edit(self, proposals: Sequence[Proposal]) -> list[Refused]:
        """Make of the steps of proposals what values can make; return the steps that they cannot, all others done."""
        self.edited = Edited()
        wishes: dict[tuple[str, Path], _Wish] = {}
        refused: list[Refused] = []
        for proposal, step in ((each, step) for each in proposals for step in each.steps):
            reason = self._take(proposal.entry, step, wishes)
            if reason:
                refused.append((proposal, step.rule, reason))
        return refused or self._written(proposals, wishes)

    def _take(self, entry: Entry, step: Step, wishes: dict[tuple[str, Path], _Wish]) -> str:
        """Note which values make a step; return "", or why none do."""
        found: list[_Wish] = []
        for change in step.changes:
            made = self._wishes(entry, change)
            if not made:
                return NO_VALUE.format(entry.origin.renderer)
            found += made
        for wish in found:
            if not wish.layer.path:
                return PACKED.format(entry.origin.renderer)
            other = wishes.get((wish.layer.document.file, wish.path))
            if other is not None and not same(other.value, wish.value):
                return OTHERWISE.format(path_text(wish.path))
        wishes.update(((wish.layer.document.file, wish.path), wish) for wish in found)
        return ""

    def _written(self, proposals: Sequence[Proposal], wishes: dict[tuple[str, Path], _Wish]) -> list[Refused]:
        by_file: dict[str, list[_Wish]] = {}
        for (file, _), wish in wishes.items():
            by_file.setdefault(file, []).append(wish)
        for file, of_file in by_file.items():
            layer = of_file[0].layer
            wanted = applied(layer.document.value, [Change(wish.path, wish.value) for wish in of_file])
            try:
                self.edited.edits[file] = whole_edit(layer.document, layer.path, layer.folder or layer.path, wanted)
            except EditError as error:
                return list(self._using(file, proposals, str(error)))
        for rendered in {id(chart): chart for chart in map(_chart, proposals)}.values():
            try:
                self._render(rendered, by_file, proposals)
            except RenderError as error:
                return [(e, step.rule, str(error)) for e in proposals if _chart(e) is rendered for step in e.steps]
        return []

    def _using(self, file: str, proposals: Iterable[Proposal], reason: str) -> Iterator[Refused]:
        """Yield the steps that need a values file."""
        for each in proposals:
            for step in each.steps:
                wishes = (wish for change in step.changes for wish in self._wishes(each.entry, change))
                if any(wish.layer.document.file == file for wish in wishes):
                    yield each, step.rule, reason

    def _render(self, rendered: RenderedChart, by_file: dict[str, list[_Wish]], proposals: Sequence[Proposal]) -> None:
        layers = []
        for layer in rendered.layers:
            changes = [Change(wish.path, wish.value) for wish in by_file.get(layer.document.file, ())]
            document = replace(layer.document, value=applied(layer.document.value, changes))
            layers.append(replace(layer, document=document))
        made = rendered.with_layers(layers)
        self.edited.charts[id(rendered)] = made
        if not self._says_no_more(rendered, made, proposals):
            self.edited.reaching.add(id(rendered))

    def _says_no_more(self, rendered: RenderedChart, made: RenderedChart, proposals: Sequence[Proposal]) -> bool:
        """Tell whether a chart renders to what its fixes make, and to nothing else."""
        changes = {each.entry: [change for step in each.steps for change in step.changes] for each in proposals}
        for entry in self.inventory.entries():
            source = entry.source
            if not isinstance(source, RenderedSource) or source.rendered is not rendered:
                continue
            now = [each for each in made.objects_of(source.template) if is_same(each, entry)]
            expected = applied(without_nulls(entry.object), changes.get(entry, ()))
            if not any(same(without_nulls(each), expected) for each in now):
                return False
        return True

    # which values make a change

    def _wishes(self, entry: Entry, change: Change) -> list[_Wish]:
        """Return the values that make a change of a rendered object; none where no value does."""
        key = (id(entry), change.path, repr((change.value, change.removed)))
        if key not in self.known:
            self.known[key] = self._found(entry, change)
        return self.known[key]

    def _found(self, entry: Entry, change: Change) -> list[_Wish]:
        source = entry.source
        assert isinstance(source, RenderedSource)
        rendered = source.rendered
        observed = at(entry.object, *change.path)
        line = self.inventory.locate(entry, change.path).line
        asked = chart_values.Field(source.template, line, change.path, observed)
        for leaf in chart_values.candidates(rendered.chart, rendered.values, asked):
            for changed in rendered.objects_with(leaf, source.template):
                values = _values(rendered, leaf, changed, change, observed) if is_same(changed, entry) else {}
                if values and _makes(source, entry, values, change):
                    return list(_placed(rendered, leaf, values))
        return []


def _container(path: Path) -> Path:
    """Return the path of the container that a path is in; nothing where it is in none."""
    for index, step in enumerate(path[:-1]):
        if step in CONTAINER_LISTS and isinstance(path[index + 1], int):
            return path[: index + 2]
    return ()


def _chart(proposal: Proposal) -> RenderedChart:
    source = proposal.entry.source
    assert isinstance(source, RenderedSource)
    return source.rendered


def _values(
    rendered: RenderedChart, leaf: Path, changed: dict[str, Any], change: Change, observed: Any
) -> dict[Path, Any]:
    """Return which values would make a change, as far as the probe of one leaf tells; changed: the object with it."""
    value = at(rendered.values, *leaf)
    if observed is not None:
        if same(at(changed, *change.path), observed):
            return {}
        if change.removed:
            empty: Any = False if isinstance(value, bool) else []
            return {leaf: empty} if isinstance(value, bool | list) and value else {}
        return {leaf: change.value} if same(value, observed) else {}
    if isinstance(value, dict):
        for depth in range(1, len(change.path) + 1):
            step, below = at(changed, *change.path[:depth]), change.path[depth:]
            if isinstance(step, dict) and PROBE in step and all(isinstance(each, str) for each in below):
                return dict(_leaves(change.value, (*leaf, *below)))
        return {}
    if at(changed, *change.path) is None:
        return {}
    if isinstance(value, bool):
        return {leaf: not value}  # it switches the field on
    alike = value is None or type(value) is type(change.value)
    return {leaf: change.value} if alike else {}


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    else:
        yield path, value


def _makes(source: RenderedSource, entry: Entry, values: dict[Path, Any], change: Change) -> bool:
    """Tell whether a chart with other values renders an object that has the change."""
    changed: dict[str, Any] = dict(source.rendered.values)
    for path, value in values.items():
        changed = chart_values.replaced(changed, path, value)
    for each in source.rendered.objects_of_values(changed, source.template):
        if is_same(each, entry):
            seen = at(each, *change.path)
            return not seen if change.removed else _has(seen, change.value)
    return False


def _has(seen: Any, wanted: Any) -> bool:
    """Tell whether a field is as it is wanted; a map may hold more, which other fixes added or the template has."""
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return all(key in seen and _has(seen[key], value) for key, value in wanted.items())
    return same(seen, wanted)


def _placed(rendered: RenderedChart, leaf: Path, values: dict[Path, Any]) -> Iterator[_Wish]:
    """Yield values with the file that is to set them: the one that does so now, for a subchart's own the whole chart's."""
    layer = chart_values.setter(rendered.layers, leaf)
    if layer is not None and layer.prefix:
        layer = next((each for each in rendered.layers if not each.prefix), None)
    if layer is not None:
        yield from (_Wish(layer, path, value) for path, value in values.items())
