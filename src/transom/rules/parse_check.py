"""Checks from their files: kind Check of transom.dev/v1, its texts in the annotations that policies have too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.rules.check import Check
from transom.rules.fields import PolicyError, known_fields, map_field, texts_field
from transom.rules.parse import PREFIX, face

if TYPE_CHECKING:
    from transom.rules.sources import Source

GROUP, KIND, API_VERSION = "transom.dev", "Check", "transom.dev/v1"
_SPEC = ("spec",)


def is_check(source: Source) -> bool:
    """Tell whether an object is meant as a check."""
    return source.group == GROUP and source.kind == KIND


def read_check(source: Source, version: tuple[int, int], ours: bool) -> Check:
    """Return a check; raises PolicyError for one that is not whole, and for one of others, which has no function."""
    if not ours:
        raise PolicyError("only checks that come with Transom have a function", ("kind",), "write a policy instead")
    known_fields(source.value, ("apiVersion", "kind", "metadata", "spec"), ())
    if source.value["apiVersion"] != API_VERSION:
        raise PolicyError(f"{source.value['apiVersion']} is no version that is known", ("apiVersion",))
    annotations = map_field(map_field(source.value, "metadata", ()), "annotations", ("metadata",))
    spec = map_field(source.value, "spec", ())
    known_fields(spec, ("judges", "reads", "parameters"), _SPEC)
    parameters = map_field(spec, "parameters", _SPEC)
    if not all(isinstance(value, str) for value in parameters.values()):
        raise PolicyError("a parameter is no text", (*_SPEC, "parameters"), "put it in quotes")
    made = replace(face(source.name, annotations), window=source.file.parent.name)
    if f"{PREFIX}applies-zh" in annotations:
        chinese = {**made.texts.get("zh-CN", {}), "applies": str(annotations[f"{PREFIX}applies-zh"])}
        made = replace(made, texts={**made.texts, "zh-CN": chinese})
    return Check(
        face=made,
        judges=texts_field(spec, "judges", _SPEC, required=True),
        reads=texts_field(spec, "reads", _SPEC),
        applies=str(annotations.get(f"{PREFIX}applies", "")),
        expect=str(annotations.get(f"{PREFIX}expect", "")),
        parameters=dict(parameters),
        version=version,
        file=str(source.file),
    )
