"""Gatekeeper's templates that carry CEL: with each of their constraints they are a policy.

Followed: Gatekeeper's K8sNativeValidation engine and how it makes ValidatingAdmissionPolicies. Templates in Rego alone
are refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.kinds import SERVED_GROUPS, guess_plural, kind_of
from transom.lang.cel.environment import kubernetes_environment
from transom.model.findings import Rule
from transom.model.severity import SEVERITIES, Severity
from transom.rules.fields import (
    PolicyError,
    Unsupported,
    map_field,
    maps_field,
    one_of,
    required_text,
    selector_field,
    text_field,
    texts_field,
)
from transom.rules.parse import Scope, conditions_field, translated, validations_field, variables_field
from transom.rules.policy import Expression, Match, Policy, ResourceRule, Validation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transom.model.places import Path
    from transom.rules.sources import Source

ENGINE = "K8sNativeValidation"
GIVEN = {
    "params": "!has(params.spec) ? null : (!has(params.spec.parameters) ? null : params.spec.parameters)",
    "anyObject": "request.operation == 'DELETE' && object == null ? oldObject : object",
}
"""The variables that every template may read, as Gatekeeper defines them."""

_SPEC: Path = ("spec",)
_MATCH: Path = ("spec", "match")
_MATCH_FIELDS = frozenset(
    ("kinds", "namespaces", "excludedNamespaces", "labelSelector", "namespaceSelector", "scope", "name", "source")
)
_GLOB = re.compile(r"(\*|\*-)?[a-z0-9]([-:a-z0-9]*[a-z0-9])?(\*|-\*)?\Z")


class Template(Struct, frozen=True):
    """What a template gives to all of its constraints; title and description are of its annotations."""

    kind: str
    title: str
    description: str
    annotations: Any
    validations: tuple[Validation, ...]
    conditions: tuple[Expression, ...]
    variables: tuple[Expression, ...]
    fail: bool


def constraint_kind(source: Source) -> str:
    """Return the kind of the constraints that a template defines, its own name where that is not told."""
    value: Any = source.value
    for field in ("spec", "crd", "spec", "names", "kind"):
        value = value.get(field) if isinstance(value, dict) else None
    return value if isinstance(value, str) else source.name


def read_template(source: Source, version: tuple[int, int]) -> Template:
    """Return a template with its expressions compiled; raises PolicyError, Unsupported where it has no CEL."""
    annotations = map_field(map_field(source.value, "metadata", ()), "annotations", ("metadata",))
    code, path = _code(source)
    outside = Scope(version, params=True)
    variables, scope = variables_field(code, path, outside, GIVEN)
    validations = tuple(validations_field(code, "validations", path, scope))
    if not validations:
        raise PolicyError("it has no validations", path)
    return Template(
        kind=constraint_kind(source),
        title=str(annotations.get("metadata.gatekeeper.sh/title") or ""),
        description=" ".join(str(annotations.get("description") or "").split()),
        annotations=annotations,
        validations=validations,
        conditions=conditions_field(code, "matchCondition", path, outside)
        + conditions_field(code, "matchConditions", path, outside),
        variables=variables,
        fail=one_of(code, "failurePolicy", ("Fail", "Ignore"), path, "Fail") == "Fail",
    )


def _code(source: Source) -> tuple[Mapping[str, Any], Path]:
    """Return the CEL of a template, and where it stands."""
    spec = map_field(source.value, "spec", ())
    targets = spec.get("targets")
    if not isinstance(targets, list) or len(targets) != 1 or not isinstance(targets[0], dict):
        raise PolicyError("it must have one target", (*_SPEC, "targets") if "targets" in spec else _SPEC)
    target, path = targets[0], (*_SPEC, "targets", 0)
    codes = target.get("code") or []
    for index, code in enumerate(codes if isinstance(codes, list) else []):
        if isinstance(code, dict) and code.get("engine") == ENGINE:
            here = (*path, "code", index)
            return map_field(code, "source", here), (*here, "source")
    step = "use a template that carries CEL too, or leave it to Gatekeeper"
    raise Unsupported("the template is written in Rego, not in CEL", path, constraint_kind(source), step)


def read_constraint(source: Source, template: Template | None, version: tuple[int, int]) -> Policy:
    """Return the policy that a constraint and its template make; raises PolicyError."""
    if template is None:
        raise PolicyError(f"there is no template of {source.kind}", ("kind",), "add the template's file")
    if not source.name:
        raise PolicyError("it has no name", ("metadata",), "name it")
    spec = map_field(source.value, "spec", ())
    match = map_field(spec, "match", _SPEC)
    for field in match:
        if field not in _MATCH_FIELDS:
            raise PolicyError(f"unknown field {field}", (*_MATCH, field), "remove it, or correct its name")
    annotations = map_field(map_field(source.value, "metadata", ()), "annotations", ("metadata",))
    rule_id = f"{template.kind.lower()}.{source.name}"
    return Policy(
        face=_face(rule_id, template, annotations),
        match=_match(match),
        validations=template.validations,
        conditions=(*_conditions(match, version), *template.conditions),
        variables=template.variables,
        param_kind=(source.value["apiVersion"], source.kind),
        params=(source.value,),
        fail=template.fail,
        annotations=annotations,
        labels=map_field(map_field(source.value, "metadata", ()), "labels", ("metadata",)),
        file=str(source.file),
        engine="Gatekeeper",
    )


def _face(rule: str, template: Template, annotations: Mapping[str, Any]) -> Rule:
    label = str(annotations.get("transom.dev/severity") or template.annotations.get("transom.dev/severity") or "")
    return Rule(rule, template.title or rule, SEVERITIES.get(label, Severity.MEDIUM), template.description)


def _match(match: Mapping[str, Any]) -> Match:
    return Match(
        include=tuple(_resource_rules(match)),
        equivalent=False,
        namespace_selector=selector_field(match, "namespaceSelector", _MATCH),
        object_selector=selector_field(match, "labelSelector", _MATCH),
    )


def _resource_rules(match: Mapping[str, Any]) -> Iterator[ResourceRule]:
    scopes = ("*", "Cluster", "Namespaced")
    scope = one_of(match, "scope", scopes, _MATCH, "*")
    source = one_of(match, "source", ("All", "Original", "Generated"), _MATCH, "All")
    if source == "Generated":
        raise Unsupported("it is about objects that Gatekeeper makes from others only", (*_MATCH, "source"))
    entries = maps_field(match, "kinds", _MATCH, ("apiGroups", "kinds"))
    for path, entry in entries or [(_MATCH, {})]:
        groups = texts_field(entry, "apiGroups", path) or ("*",)
        kinds = texts_field(entry, "kinds", path) or ("*",)
        resources = tuple(sorted({plural for kind in kinds for plural in _plurals(kind, groups)}))
        yield ResourceRule(groups, ("*",), ("CREATE", "UPDATE"), resources, scope=scope)


def _plurals(kind: str, groups: tuple[str, ...]) -> set[str]:
    if kind == "*":
        return {"*"}
    known = SERVED_GROUPS if "*" in groups else groups
    return {kind_of(f"{group}/v1", kind).plural for group in known} | {guess_plural(kind)}


def _conditions(match: Mapping[str, Any], version: tuple[int, int]) -> Iterator[Expression]:
    """Yield what resource rules and selectors cannot say; objects of the whole cluster are in no namespace."""
    env = kubernetes_environment(version)
    for name, source in _condition_texts(match):
        yield Expression(name, translated(source, env, (*_MATCH, name)))


def _condition_texts(match: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    namespaces = texts_field(match, "namespaces", _MATCH)
    if namespaces:
        yield "namespaces", f"request.namespace == '' || {_like('request.namespace', namespaces, 'namespaces')}"
    excluded = texts_field(match, "excludedNamespaces", _MATCH)
    if excluded:
        like = _like("request.namespace", excluded, "excludedNamespaces")
        yield "excludedNamespaces", f"request.namespace == '' || !{like}"
    if text_field(match, "name", _MATCH):
        name = required_text(match, "name", _MATCH)
        generated = f" || {_like('''object.metadata.?generateName.orValue('')''', (name,), 'name')}"
        likes = _like("object.metadata.?name.orValue('')", (name,), "name")
        yield "name", likes + (generated if name.endswith("*") else "")


def _like(text: str, globs: tuple[str, ...], field: str) -> str:
    for glob in globs:
        if glob != "*" and not _GLOB.match(glob):
            raise PolicyError(f"{glob!r} is no name", (*_MATCH, field), "a * may stand at its beginning and end")
    plain = [glob for glob in globs if "*" not in glob]
    patterns = [re.escape(glob).replace("\\*", ".*") for glob in globs if "*" in glob]
    likes = [f"{text}.matches({json.dumps(f'^{pattern}$')})" for pattern in patterns]
    return f"({' || '.join([*([f'{text} in {json.dumps(plain)}'] if plain else []), *likes])})"
