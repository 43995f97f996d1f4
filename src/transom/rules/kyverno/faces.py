"""What Kyverno's annotations say of a policy: title, severity, description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transom.model.findings import Rule
from transom.model.severity import SEVERITIES, Severity
from transom.rules.fields import PolicyError, map_field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transom.rules.sources import Source

ENGINE = "Kyverno"
PREFIX = "policies.kyverno.io/"
AUTOGEN = "pod-policies.kyverno.io/autogen-controllers"


def annotations_of(source: Source) -> Mapping[str, Any]:
    """Return the annotations of a policy; raises PolicyError where it has no name."""
    if not source.name:
        raise PolicyError("it has no name", ("metadata",), "name it")
    return map_field(map_field(source.value, "metadata", ()), "annotations", ("metadata",))


def face_of(rule: str, annotations: Mapping[str, Any], part: str = "") -> Rule:
    """Return the face of a rule; part: what its title says beside the policy's own. Without a severity it is medium."""
    title = _line(annotations.get(PREFIX + "title"))
    label = str(annotations.get(PREFIX + "severity", "")).strip().lower()
    return Rule(
        id=rule,
        title=f"{title} ({part})" if title and part else title or rule,
        severity=SEVERITIES.get(label, Severity.MEDIUM),
        why=_line(annotations.get(PREFIX + "description")),
    )


def with_plain_messages(value: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """Return a map whose list of validations has messages of one line: Kyverno takes any, the API server does not."""
    validations = value.get(field)
    if not isinstance(validations, list):
        return value
    plain = [
        {**each, "message": _line(each["message"])}
        if isinstance(each, dict) and isinstance(each.get("message"), str)
        else each
        for each in validations
    ]
    return {**value, field: plain}


def _line(text: Any) -> str:
    return " ".join(text.split()) if isinstance(text, str) else ""
