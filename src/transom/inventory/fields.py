"""Which fields of two objects of one kind differ, once what the API server writes by itself is told from what people wrote.

Elements of lists are matched by their names (or what stands for one), so that an inserted container is one difference,
not one for each container behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from transom.kube.defaults import ASSIGNED, NOTHING_KNOWN, QUANTITY, SERVERS, Shape, is_added_by_admission, shape_of
from transom.kube.kinds import is_built_in, template_path
from transom.lang.quantity import QuantityError, parse_quantity
from transom.model.places import Path, path_text

MAX_ALIKE = 100  # elements without names on each side that are compared each with each; longer lists by their text only
MAX_COMPARED = 300_000  # values of two objects; an honest pair has thousands, more are compared in their order only
CHARS_A_VALUE = 16  # of JSON: what it costs to write it, beside comparing two values
MAX_KEY_CHARS = 60  # of an element's name within a path

ORDERED = frozenset(("command", "args"))  # lists of Kubernetes' own whose order is their meaning
KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "hostAliases": (("ip",),),
    "subjects": (("kind", "namespace", "name"),),
    "matchExpressions": (("key",),),
    "tolerations": (("key", "effect"),),
}
"""What the elements of a list are known by, where that is not their name."""

_NAME = (("name",),)
_PLAIN = re.compile(r"[A-Za-z0-9_./:-]+\Z")

OPERATION = frozenset(
    f"spec.{field}"
    for field in (
        *("replicas", "minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit", "paused", "strategy"),
        *("updateStrategy", "podManagementPolicy", "persistentVolumeClaimRetentionPolicy", "ordinals"),
        *("schedule", "timeZone", "suspend", "startingDeadlineSeconds", "concurrencyPolicy"),
        *("successfulJobsHistoryLimit", "failedJobsHistoryLimit", "completions", "parallelism", "backoffLimit"),
        *("backoffLimitPerIndex", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "completionMode"),
        *("podFailurePolicy", "podReplacementPolicy", "minReplicas", "maxReplicas", "metrics", "behavior"),
    )
)
_TIMES = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
POD_OPERATION = frozenset(
    f"spec.{field}"
    for field in (
        *("affinity", "topologySpreadConstraints", "terminationGracePeriodSeconds", "readinessGates"),
        *("containers.terminationMessagePath", "containers.terminationMessagePolicy"),
        *(f"containers.{probe}.{time}" for probe in _PROBES for time in _TIMES),
    )
)
"""Fields that say how a workload is run and scaled, never what it may do; every other one may matter to its security."""


class _Missing:
    """The value of a field that is not there."""

    def __repr__(self) -> str:
        return "not set"


MISSING: Any = _Missing()


class Difference(Struct, frozen=True):
    """One field that differs. before and after: its values, MISSING where there is none; text: its path as people write
    it, elements of lists by their names; before_path and after_path: the ways to it, or as far as they go; security:
    whether it may matter to security."""

    text: str
    before: Any
    after: Any
    before_path: Path
    after_path: Path
    security: bool


class _Spot(Struct, frozen=True):
    """Where a comparison stands: the ways to it on both sides, and the same as text."""

    before: Path = ()
    after: Path = ()
    text: str = ""

    def field(self, name: str) -> _Spot:
        plain = path_text((name,))
        dot = "." if self.text and not plain.startswith("[") else ""
        return _Spot((*self.before, name), (*self.after, name), f"{self.text}{dot}{plain}")

    def element(self, before: int | None, after: int | None, name: str) -> _Spot:
        left = self.before if before is None else (*self.before, before)
        right = self.after if after is None else (*self.after, after)
        return _Spot(left, right, f"{self.text}[{name}]")


def differences(before: Mapping[str, Any], after: Mapping[str, Any], group: str, kind: str) -> Iterator[Difference]:
    """Yield the fields in which two objects of a kind differ, in the order of the first."""
    yield from _Comparison(group, kind).of(before, after, shape_of(group, kind), _Spot())


class _Comparison:
    """A comparison of two objects of one kind."""

    def __init__(self, group: str, kind: str) -> None:
        self._built_in = is_built_in(group, kind)
        template = template_path(group, kind)
        self._template = tuple(str(step) for step in template) if template is not None else None
        self._left = MAX_COMPARED

    def of(self, before: Any, after: Any, shape: Shape, spot: _Spot) -> Iterator[Difference]:
        """Yield the differences of two values, MISSING where one is not there."""
        self._left -= 1
        if before is after or shape.mark is SERVERS or _is_alike(before, after, shape):
            return
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self._maps(before, after, shape, spot)
        elif isinstance(before, list | _Missing) and isinstance(after, list | _Missing):
            yield from self._lists(before, after, shape, spot)
        elif isinstance(before, dict | _Missing) and isinstance(after, dict | _Missing):
            yield from self._lone_map(before, after, shape, spot)
        else:
            yield self._difference(before, after, spot)

    def _maps(self, before: Any, after: Any, shape: Shape, spot: _Spot) -> Iterator[Difference]:
        left, right = shape.completed(before), shape.completed(after)
        for name in {**left, **right}:
            if isinstance(name, str):
                one, other = left.get(name, MISSING), right.get(name, MISSING)
                yield from self.of(one, other, shape.child(name), spot.field(name))

    def _lone_map(self, before: Any, after: Any, shape: Shape, spot: _Spot) -> Iterator[Difference]:
        """Yield what a map that the other side lacks says; the map itself where it says nothing of its own."""
        empty: dict[str, Any] = {}
        left, right = (empty if each is MISSING else each for each in (before, after))
        found = list(self._maps(left, right, shape, spot)) if left or right else []
        yield from found or [self._difference(before, after, spot)]

    def _lists(self, old: Any, new: Any, shape: Shape, spot: _Spot) -> Iterator[Difference]:
        before, after = ([] if each is MISSING else each for each in (old, new))
        field = next((step for step in reversed(spot.before) if isinstance(step, str)), "")
        plain = [not isinstance(each, dict | list) for each in (*before, *after)]
        if all(plain) or any(plain):
            if before != after and (field in ORDERED or not self._built_in or not all(plain)):
                yield self._difference(old, new, spot)
            else:
                yield from self._sets(before, after, spot)
            return
        of_elements = shape.elements or NOTHING_KNOWN
        for keys in (*KEYS.get(field, ()), *_NAME):
            left, right = _by_key(before, keys, of_elements), _by_key(after, keys, of_elements)
            if left is not None and right is not None:
                yield from self._matched(left, right, of_elements, spot)
                if field == "initContainers" and _order(left, right) != _order(right, left):
                    yield self._difference(_names(before), _names(after), spot)
                return
        yield from self._unnamed(before, after, of_elements, spot)

    def _sets(self, before: list[Any], after: list[Any], spot: _Spot) -> Iterator[Difference]:
        """Yield the texts and numbers that only one of two lists has; their order says nothing."""
        for index, value in enumerate(before):
            if value not in after:
                yield self._difference(value, MISSING, spot.element(index, None, ""))
        for index, value in enumerate(after):
            if value not in before:
                yield self._difference(MISSING, value, spot.element(None, index, ""))

    def _matched(
        self, before: dict[str, tuple[int, Any]], after: dict[str, tuple[int, Any]], shape: Shape, spot: _Spot
    ) -> Iterator[Difference]:
        for key in {**before, **after}:
            index, one = before.get(key, (None, MISSING))
            other_index, other = after.get(key, (None, MISSING))
            here = spot.element(index, other_index, key)
            if one is not MISSING and other is not MISSING:
                yield from self.of(one, other, shape, here)
            elif not is_added_by_admission(other if one is MISSING else one):
                yield self._difference(one, other, here)

    def _unnamed(self, before: list[Any], after: list[Any], shape: Shape, spot: _Spot) -> Iterator[Difference]:
        """Match elements that have no names: those that are the same wherever they stand, the others in their order."""
        left, right = dict(enumerate(before)), dict(enumerate(after))
        if self._left > 0:
            texts, other_texts = list(map(_text, before)), list(map(_text, after))
            self._left -= sum(map(len, texts + other_texts)) // CHARS_A_VALUE
            left, right = _without_same(left, right, texts, other_texts)
        if self._built_in and len(left) <= MAX_ALIKE and len(right) <= MAX_ALIKE:
            for index, one in list(left.items()):
                others = right.items() if self._left > 0 else ()
                same = next((i for i, other in others if not any(self.of(one, other, shape, spot))), None)
                if same is not None:
                    del left[index], right[same]
        pairs = zip(left.items(), right.items(), strict=False)
        for (index, one), (other_index, other) in pairs:
            yield from self.of(one, other, shape, spot.element(index, other_index, str(other_index)))
        for index, one in list(left.items())[len(right) :]:
            yield self._difference(one, MISSING, spot.element(index, None, str(index)))
        for index, other in list(right.items())[len(left) :]:
            yield self._difference(MISSING, other, spot.element(None, index, str(index)))

    def _difference(self, before: Any, after: Any, spot: _Spot) -> Difference:
        return Difference(spot.text, before, after, spot.before, spot.after, not self._is_operation(spot.before))

    def _is_operation(self, path: Path) -> bool:
        names = [step for step in path if isinstance(step, str)]
        if _starts_with(names, OPERATION) and self._built_in:
            return True
        template = self._template
        if template is None or tuple(names[: len(template)]) != template:
            return False
        names = ["containers" if name in ("initContainers", "ephemeralContainers") else name for name in names]
        return _starts_with(names[len(template) :], POD_OPERATION)


def _starts_with(names: Sequence[str], fields: frozenset[str]) -> bool:
    return any(".".join(names[:count]) in fields for count in range(1, len(names) + 1))


def _is_alike(before: Any, after: Any, shape: Shape) -> bool:
    if before is MISSING or after is MISSING:
        there = after if before is MISSING else before
        return there is MISSING or shape.mark is ASSIGNED or (isinstance(there, list) and not there)
    if shape.mark is QUANTITY:
        return bool(_amount(before) == _amount(after))
    return type(before) is type(after) and not isinstance(before, dict | list) and bool(before == after)


def _amount(value: Any) -> Any:
    """Return an amount that compares by what it means; what is none, as it is written."""
    try:
        return parse_quantity(str(value))
    except QuantityError:
        return value


def _by_key(elements: list[Any], keys: Sequence[str], shape: Shape) -> dict[str, tuple[int, Any]] | None:
    """Return elements and their indexes by their key as text; None where one has no key, or two have the same."""
    found: dict[str, tuple[int, Any]] = {}
    for index, element in enumerate(elements):
        if not isinstance(element, dict):
            return None
        completed = shape.completed(element)
        values = [completed.get(key) for key in keys]
        if values[-1 if keys[-1] == "name" else 0] is None or any(isinstance(each, dict | list) for each in values):
            return None
        found[_key_text(keys, values)] = (index, element)
    return found if len(found) == len(elements) else None


def _key_text(keys: Sequence[str], values: Sequence[Any]) -> str:
    return ",".join(
        f"{key}={_quoted(str(value))}" for key, value in zip(keys, values, strict=True) if value is not None
    )


def _quoted(text: str) -> str:
    shown = text if len(text) <= MAX_KEY_CHARS else text[:MAX_KEY_CHARS] + "…"
    return shown if _PLAIN.match(text) else json.dumps(shown, ensure_ascii=False)


def _order(these: Mapping[str, object], those: Mapping[str, object]) -> list[str]:
    return [key for key in these if key in those]


def _names(elements: list[Any]) -> list[Any]:
    return [element.get("name") for element in elements]


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _without_same(
    before: dict[int, Any], after: dict[int, Any], texts: Sequence[str], other_texts: Sequence[str]
) -> tuple[dict[int, Any], dict[int, Any]]:
    """Return the elements of both lists, by index, whose texts have no equal on the other side."""
    left, right = dict(before), dict(after)
    waiting: dict[str, list[int]] = {}
    for index, text in enumerate(other_texts):
        waiting.setdefault(text, []).append(index)
    for index, text in enumerate(texts):
        same = waiting.get(text)
        if same:
            del left[index], right[same.pop(0)]
    return left, right
