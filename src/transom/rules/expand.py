"""From a kind with a pod template to the pod that it makes: the object that policies about pods are judged on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, json

from transom.kube.kinds import Kind, kind_of, template_path

if TYPE_CHECKING:
    from transom.model.places import Path

POD = kind_of("v1", "Pod")


class View(Struct, frozen=True):
    """An object to judge, and where it stands in the object that was read; it shares that object's parts."""

    object: dict[str, Any]
    kind: Kind
    prefix: Path = ()


def pod_view(value: dict[str, Any], group: str, kind: str) -> View | None:
    """Return the pod that an object of a kind with a template makes; None for other kinds, and for Pods themselves.

    A template that is missing or no map gives a pod without a spec.
    """
    prefix = template_path(group, kind)
    if not prefix:
        return None
    template: Any = value
    for step in prefix:
        template = template.get(step) if isinstance(template, dict) else None
    template = template if isinstance(template, dict) else {}
    metadata = template.get("metadata")
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata if isinstance(metadata, dict) else {},
    }
    if "spec" in template:
        pod["spec"] = template["spec"]
    return View(pod, POD, prefix)


def without_nulls(value: Any) -> Any:
    """Return a value as the API server decodes it for its own kinds: entries that are null are not there.

    The value itself is returned where it has none, so that its parts keep their identity.
    """
    return _stripped(value) if _has_null(value) else value


def _has_null(value: Any) -> bool:
    """Tell whether there may be null entries: by the text of its JSON, which is ten times as fast as a walk."""
    try:
        return b":null" in json.encode(value)
    except (TypeError, ValueError, RecursionError):
        return True  # text that is no Unicode, numbers beyond 64 bits


def _stripped(value: Any, field: str = "") -> Any:
    if isinstance(value, dict):
        if field in TEXT_MAPS:
            return {key: "" if each is None else each for key, each in value.items()}
        return {key: _stripped(each, key) for key, each in value.items() if each is not None}
    return [_stripped(each) for each in value] if isinstance(value, list) else value


TEXT_MAPS = frozenset(("annotations", "data", "labels", "matchLabels", "nodeSelector", "stringData"))
"""Maps of texts, in which the API server takes null for an empty text."""


def pod_problem(pod: dict[str, Any]) -> str:
    """Return why an object cannot be judged as a pod, "" where it can: what every rule about pods relies on."""
    spec = pod.get("spec")
    if not isinstance(spec, dict):
        return "its pod has no spec" if spec is None else "the spec of its pod is no map"
    for field in ("containers", "initContainers", "ephemeralContainers"):
        containers = spec.get(field, [])
        if not isinstance(containers, list) or not all(isinstance(each, dict) for each in containers):
            return f"{field} of its pod is no list of maps"
    return "" if spec.get("containers") else "its pod has no containers"
