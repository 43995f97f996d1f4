"""What a test says that a cluster and a registry would answer: Kyverno's Context of its tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transom.kube.kinds import kind_of
from transom.lang.cel.errors import CannotKnow, EvaluationError
from transom.lang.cel.library.kyverno import Answers
from transom.rules.evaluate import ANSWERS

if TYPE_CHECKING:
    from collections.abc import Mapping


def answers_of(context: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what Kyverno's functions find; context: the spec of a Context, empty where a test has none."""
    if not context:
        return ANSWERS
    resources = _maps(context.get("resources"))
    images = {str(each.get("image")): each for each in _maps(context.get("images"))}

    def cluster(method: str, *args: Any) -> Any:
        texts = [each for each in args if isinstance(each, str)]
        if method == "Get" and len(texts) == len(args) == 4:
            found = [each for each in _of_kind(resources, texts[0], texts[1]) if _is_at(each, texts[2], texts[3])]
            if not found:
                raise EvaluationError(f"{texts[1]} {texts[3]} not found")
            return found[0]
        if method == "List" and len(texts) == len(args) and len(args) in (2, 3):
            namespace = texts[2] if len(texts) == 3 else ""
            return {"items": [each for each in _of_kind(resources, texts[0], texts[1]) if _is_at(each, namespace, "")]}
        raise CannotKnow(f"what the cluster answers to resource.{method}")

    def registry(method: str, *args: Any) -> Any:
        image = images.get(str(args[0])) if args else None
        if image is None:
            raise EvaluationError(f"{method}: the test says nothing of image {args[0] if args else ''}")
        return image

    return {**ANSWERS, "resource": Answers(cluster), "image": Answers(registry)}


def _maps(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _of_kind(resources: list[dict[str, Any]], api_version: str, plural: str) -> list[dict[str, Any]]:
    return [
        each
        for each in resources
        if each.get("apiVersion") == api_version and kind_of(api_version, str(each.get("kind"))).plural == plural
    ]


def _is_at(value: dict[str, Any], namespace: str, name: str) -> bool:
    """Tell whether an object is in a namespace and has a name; "" stands for any."""
    metadata = value.get("metadata") or {}
    return namespace in ("", metadata.get("namespace")) and name in ("", metadata.get("name"))
