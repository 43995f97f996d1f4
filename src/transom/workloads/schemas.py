"""Objects beside the schemas of the release of Kubernetes that is judged for: fields it does not know, of wrong types, missing.

The schemas are those of the package kubernetes-validate, from Kubernetes' own OpenAPI documents; jsonschema-rs judges. Both
come with the extra `schemas`; without it nothing is judged, and `transom doctor` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from transom.inventory import Entry, Inventory
from transom.kube.kinds import is_built_in
from transom.model.language import mark
from transom.rules.check import Answer, Check, Fault
from transom.rules.expand import without_nulls
from transom.rules.place import witness_of

if TYPE_CHECKING:
    from pathlib import Path

PACKAGE, VALIDATOR = "kubernetes_validate", "jsonschema_rs"
DEFINITIONS = "json-schema:///api/_definitions.json"
MAX_ERRORS = 100  # of one object; a file of the wrong kind altogether has as many as fields
NAMELESS = frozenset(("SubjectAccessReview", "TokenReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview")) | {
    "LocalSubjectAccessReview",
    "SelfSubjectReview",
}
"""Kinds that are asked and answered, and never kept."""


def invalid(entry: Entry, _: Inventory, check: Check) -> Answer:
    """An object that its schema refuses, or that has no name."""
    if not is_built_in(entry.ref.group, entry.ref.kind) or not is_installed():
        return None
    validator = _validator(check.version, entry.api_version, entry.ref.kind)
    return _faults(entry, validator) if validator is not None else None


@lru_cache(maxsize=1)
def is_installed() -> bool:
    """Tell whether the packages of the extra are there."""
    from importlib.util import find_spec

    return find_spec(PACKAGE) is not None and find_spec(VALIDATOR) is not None


def _faults(entry: Entry, validator: Any) -> Iterator[Fault]:
    if not entry.ref.name and entry.ref.kind not in NAMELESS:
        yield Fault("the object has no name", ("metadata", "name"), "name")
    for number, error in enumerate(validator.iter_errors(without_nulls(entry.object))):
        if number == MAX_ERRORS:
            return
        path = tuple(error.instance_path)
        for field, message in _told(error):
            where = (*path, field) if field else path
            container, key = witness_of(entry, where)
            fields = ".".join(step for step in where if isinstance(step, str))
            yield Fault(message, where, f"{key}/{fields}", container)


def _told(error: Any) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, with the field that is meant where it is one of the place; values are never told."""
    kind = error.kind.as_dict()
    if error.kind.name == "additionalProperties":
        yield from ((field, mark(f"the release knows no field {field}")) for field in kind["unexpected"])
    elif error.kind.name == "required":
        field = str(kind["property"]).strip('"')
        yield "", f"the required field {field} is missing"
    elif error.kind.name == "type":
        yield "", f"it is not of type {' or '.join(sorted(set(kind['types']) - {'null'}))}"
    elif error.kind.name == "enum":
        yield "", "it is none of the words that may stand here"
    elif error.kind.name in ("oneOf", "anyOf"):
        yield "", "it has none of the types that may stand here"
    else:
        yield "", f"it does not fit the schema: {error.kind.name}"


@lru_cache(maxsize=512)
def _validator(release: tuple[int, int], api_version: str, kind: str) -> Any:
    """Return what validates objects of a kind, None where the release has no such kind."""
    import jsonschema_rs

    registry, names = _registry(release)
    name = names.get((api_version, kind))
    if name is None:
        return None
    root = {"$id": "json-schema:///object", "$ref": f"{DEFINITIONS}#/$defs/{name}"}
    return jsonschema_rs.validator_for(root, registry=registry)


@lru_cache(maxsize=2)
def _registry(release: tuple[int, int]) -> tuple[Any, Mapping[tuple[str, str], str]]:
    """Return the definitions of a release, or of the nearest that is told, and their names by API version and kind."""
    import jsonschema_rs

    definitions = msgspec.json.decode(_file(release).read_bytes())
    names: dict[tuple[str, str], str] = {}
    for name, schema in definitions["$defs"].items():
        for each in schema.get("x-kubernetes-group-version-kind", ()):
            group, version = each["group"], each["version"]
            names[f"{group}/{version}" if group else version, each["kind"]] = name
    return jsonschema_rs.Registry([(DEFINITIONS, definitions)]), names


def _file(release: tuple[int, int]) -> Path:
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema"
    told = {_release(each.name): each for each in folder.glob("v*-local-strict")}
    return told[min(told, key=lambda each: (abs(each[1] - release[1]), each))] / "_definitions.json"


def _release(name: str) -> tuple[int, int]:
    major, minor, _ = name.removeprefix("v").split(".", 2)
    return int(major), int(minor)
