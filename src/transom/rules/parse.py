"""Policies and bindings from their objects: what the API server would refuse is refused, expressions are compiled.

Followed: ValidateValidatingAdmissionPolicy and ValidateValidatingAdmissionPolicyBinding of Kubernetes 1.36.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.lang.cel import Program, compile_expression
from transom.lang.cel.environment import Environment, kubernetes_environment
from transom.lang.cel.errors import CelSourceError
from transom.lang.cel.lexer import RESERVED
from transom.lang.cel.types import BOOL, STRING, Type
from transom.model.findings import Rule
from transom.model.severity import SEVERITIES, Severity
from transom.rules.fields import (
    PolicyError,
    known_fields,
    map_field,
    maps_field,
    one_of,
    required_text,
    selector_field,
    text_field,
    texts_field,
)
from transom.rules.policy import Binding, Expression, Match, Policy, ResourceRule, Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from transom.model.places import Path
    from transom.rules.sources import Source

PREFIX = "transom.dev/"
GROUP = "admissionregistration.k8s.io"
VERSIONS = frozenset(f"{GROUP}/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
TEXTS = ("title", "why", "fix")
MAX_MATCH_CONDITIONS = 64  # the API server's limit

_OBJECT_FIELDS = frozenset(("apiVersion", "kind", "metadata", "spec", "status"))
_POLICY_FIELDS = frozenset(("paramKind", "matchConstraints", "failurePolicy", "matchConditions", "variables")) | {
    "validations",
    "auditAnnotations",
}
_BINDING_FIELDS = frozenset(("policyName", "paramRef", "matchResources", "validationActions"))
_MATCH_FIELDS = frozenset(
    ("namespaceSelector", "objectSelector", "resourceRules", "excludeResourceRules", "matchPolicy")
)
_RULE_FIELDS = frozenset(("resourceNames", "operations", "apiGroups", "apiVersions", "resources", "scope"))
_VALIDATION_FIELDS = frozenset(("expression", "message", "reason", "messageExpression"))
_PARAM_REF_FIELDS = frozenset(("name", "namespace", "selector", "parameterNotFoundAction"))
_OPERATIONS = ("*", "CREATE", "UPDATE", "DELETE", "CONNECT")
_REASONS = ("Unauthorized", "Forbidden", "Invalid", "RequestEntityTooLarge")
_ACTIONS = ("Deny", "Warn", "Audit")
_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*\Z")
_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_SPEC: Path = ("spec",)


class Scope(Struct, frozen=True):
    """What the expressions of one policy may name: variables only where types is set, params where there is a kind.

    extend: what other engines than the API server's offer beside, or instead of, what it does; mutation: whether they
    may make the literals of mutating policies.
    """

    version: tuple[int, int]
    params: bool
    types: Mapping[str, Type] | None = None
    extend: Callable[[Environment], Environment] | None = None
    mutation: bool = False

    def environment(self, authorizer: bool) -> Environment:
        """Return the environment of an expression; authorizer: whether it may ask the authorizer."""
        env = kubernetes_environment(self.version, typed_variables=self.types or {}, mutation=self.mutation)
        if self.extend is not None:
            env = self.extend(env)
        hidden = {
            *(() if self.params else ("params",)),
            *(() if authorizer else ("authorizer", "authorizer.requestResource")),
            *(("variables",) if self.types is None else ()),
        }
        return replace(env, variables={name: of for name, of in env.variables.items() if name not in hidden})


def read_policy(source: Source, version: tuple[int, int], ours: bool) -> Policy:
    """Return a compiled policy; raises PolicyError for what the API server would refuse."""
    annotations = object_annotations(source)
    spec = map_field(source.value, "spec", ())
    known_fields(spec, _POLICY_FIELDS, _SPEC)
    match = match_field(map_field(spec, "matchConstraints", _SPEC), (*_SPEC, "matchConstraints"))
    if not match.include:
        raise PolicyError("matchConstraints has no resourceRules", (*_SPEC, "matchConstraints"))
    kind = param_kind(spec, _SPEC)
    outside = Scope(version, kind is not None)
    variables, scope = variables_field(spec, _SPEC, outside)
    validations = tuple(validations_field(spec, "validations", _SPEC, scope))
    if not validations and not spec.get("auditAnnotations"):
        raise PolicyError("it has neither validations nor auditAnnotations", _SPEC)
    return Policy(
        face=face(source.name, annotations),
        match=match,
        validations=validations,
        conditions=conditions_field(spec, "matchConditions", _SPEC, outside),
        variables=variables,
        param_kind=kind,
        fail=one_of(spec, "failurePolicy", ("Fail", "Ignore"), _SPEC, "Fail") == "Fail",
        expands=annotations.get(f"{PREFIX}expand", "true" if ours else "false") == "true",
        ours=ours,
        expect=str(annotations.get(f"{PREFIX}expect", "")),
        audit=tuple(audit_field(spec, _SPEC, scope)),
        annotations=annotations,
        labels=map_field(source.value["metadata"], "labels", ("metadata",)),
        file=str(source.file),
    )


def object_annotations(source: Source) -> Mapping[str, Any]:
    """Check what policies and bindings have in common; return the annotations."""
    known_fields(source.value, _OBJECT_FIELDS, ())
    if source.value["apiVersion"] not in VERSIONS:
        step = f"write it for {GROUP}/v1"
        raise PolicyError(f"{source.value['apiVersion']} is no version that is known", ("apiVersion",), step)
    if not _SUBDOMAIN.match(source.name):
        reason = f"{source.name!r} is no name for it" if source.name else "it has no name"
        raise PolicyError(reason, ("metadata",), "name it in lower-case words joined by hyphens")
    return map_field(map_field(source.value, "metadata", ()), "annotations", ("metadata",))


def face(name: str, annotations: Mapping[str, Any]) -> Rule:
    """Return the face of a rule from the annotations that hold its texts; raises PolicyError."""
    label = annotations.get(f"{PREFIX}severity")
    if label is not None and label not in SEVERITIES:
        path = ("metadata", "annotations", f"{PREFIX}severity")
        raise PolicyError(f"{label!r} is no severity", path, f"choose from {', '.join(SEVERITIES)}")
    severity = SEVERITIES[label] if label is not None else Severity.MEDIUM
    texts = {field: str(annotations.get(PREFIX + field, "")) for field in TEXTS}
    keys = {field: f"{PREFIX}{field}-zh" for field in TEXTS}
    chinese = {field: str(annotations[key]) for field, key in keys.items() if key in annotations}
    return Rule(
        id=name,
        title=texts["title"] or name,
        severity=severity,
        why=texts["why"],
        fix=texts["fix"],
        texts={"zh-CN": chinese} if chinese else {},
    )


def read_binding(source: Source) -> Binding:
    """Return a binding; raises PolicyError for what the API server would refuse."""
    object_annotations(source)
    spec = map_field(source.value, "spec", ())
    known_fields(spec, _BINDING_FIELDS, _SPEC)
    actions = texts_field(spec, "validationActions", _SPEC, required=True)
    if not set(actions) <= set(_ACTIONS) or len(set(actions)) < len(actions) or {"Deny", "Warn"} <= set(actions):
        reason = f"validationActions are {', '.join(actions)}"
        raise PolicyError(reason, (*_SPEC, "validationActions"), "Deny or Warn, each once, and Audit if wanted")
    resources = map_field(spec, "matchResources", _SPEC)
    return Binding(
        name=source.name,
        policy=required_text(spec, "policyName", _SPEC),
        actions=actions,
        param_ref=param_ref(spec, _SPEC),
        match=match_field(resources, (*_SPEC, "matchResources")) if resources else None,
    )


# parts of a policy


def param_ref(spec: Mapping[str, Any], around: Path) -> Any:
    """Return a paramRef as it stands, None where there is none."""
    reference = map_field(spec, "paramRef", around)
    path = (*around, "paramRef")
    if not reference:
        return None
    known_fields(reference, _PARAM_REF_FIELDS, path)
    if bool(text_field(reference, "name", path)) is (selector_field(reference, "selector", path) is not None):
        raise PolicyError("paramRef needs either a name or a selector", path)
    text_field(reference, "namespace", path)
    one_of(reference, "parameterNotFoundAction", ("Allow", "Deny"), path)
    return reference


def match_field(value: Mapping[str, Any], path: Path) -> Match:
    """Return which requests a map of resourceRules and selectors is about."""
    known_fields(value, _MATCH_FIELDS, path)
    return Match(
        include=tuple(_resource_rules(value, "resourceRules", path)),
        exclude=tuple(_resource_rules(value, "excludeResourceRules", path)),
        equivalent=one_of(value, "matchPolicy", ("Exact", "Equivalent"), path, "Equivalent") == "Equivalent",
        namespace_selector=selector_field(value, "namespaceSelector", path),
        object_selector=selector_field(value, "objectSelector", path),
    )


def _resource_rules(value: Mapping[str, Any], field: str, path: Path) -> Iterator[ResourceRule]:
    for here, rule in maps_field(value, field, path, _RULE_FIELDS):
        operations = texts_field(rule, "operations", here, required=True)
        for operation in operations:
            if operation not in _OPERATIONS:
                raise PolicyError(f"{operation} is no operation", (*here, "operations"), ", ".join(_OPERATIONS))
        yield ResourceRule(
            groups=texts_field(rule, "apiGroups", here, required=True),
            versions=texts_field(rule, "apiVersions", here, required=True),
            operations=operations,
            resources=texts_field(rule, "resources", here, required=True),
            names=texts_field(rule, "resourceNames", here),
            scope=one_of(rule, "scope", ("*", "Namespaced", "Cluster"), here, "*"),
        )


def variables_field(
    spec: Mapping[str, Any], around: Path, outside: Scope, given: Mapping[str, str] = MappingProxyType({})
) -> tuple[tuple[Expression, ...], Scope]:
    """Return the variables of a policy, and the scope of what may read them; each may read those before it.

    given: variables that stand before those of the policy, as expressions by name.
    """
    found: list[Expression] = []
    types: dict[str, Type] = {}
    for name, source in given.items():
        program = compile_expression(source, replace(outside, types=types).environment(authorizer=True))
        found.append(Expression(name, program))
        types = {**types, name: program.type}
    for path, variable in maps_field(spec, "variables", around, ("name", "expression")):
        name = required_text(variable, "name", path)
        if not _IDENTIFIER.match(name) or name in RESERVED:
            raise PolicyError(f"{name!r} cannot be the name of a variable", (*path, "name"))
        if name in types:
            raise PolicyError(f"there is another variable {name}", (*path, "name"), "rename one of the two")
        program = compiled(variable, "expression", path, replace(outside, types=types))
        found.append(Expression(name, program))
        types = {**types, name: program.type}
    return tuple(found), replace(outside, types=types)


def conditions_field(spec: Mapping[str, Any], field: str, around: Path, scope: Scope) -> tuple[Expression, ...]:
    """Return the match conditions that a list holds."""
    found = maps_field(spec, field, around, ("name", "expression"))
    if len(found) > MAX_MATCH_CONDITIONS:
        raise PolicyError(f"there are more than {MAX_MATCH_CONDITIONS} {field}", (*around, field))
    conditions: dict[str, Expression] = {}
    for path, condition in found:
        name = required_text(condition, "name", path)
        if name in conditions:
            raise PolicyError(f"there is another match condition {name}", (*path, "name"), "rename one of the two")
        conditions[name] = Expression(name, compiled(condition, "expression", path, scope, BOOL))
    return tuple(conditions.values())


def validations_field(
    spec: Mapping[str, Any], field: str, around: Path, scope: Scope, others: Collection[str] = ()
) -> Iterator[Validation]:
    """Yield the validations that a list holds; others: fields of theirs that say nothing of the verdict."""
    for path, validation in maps_field(spec, field, around, _VALIDATION_FIELDS.union(others)):
        program = compiled(validation, "expression", path, scope, BOOL)
        tell = None
        if text_field(validation, "messageExpression", path):
            tell = compiled(validation, "messageExpression", path, scope, STRING, authorizer=False)
        message = text_field(validation, "message", path)
        if "\n" in message.strip() or (message and not message.strip()):
            raise PolicyError("message is empty, or has more than one line", (*path, "message"))
        yield Validation(program, message, tell, one_of(validation, "reason", ("", *_REASONS), path, ""))


def audit_field(spec: Mapping[str, Any], around: Path, scope: Scope) -> Iterator[Expression]:
    """Yield what a policy tells the audit log."""
    for path, annotation in maps_field(spec, "auditAnnotations", around, ("key", "valueExpression")):
        yield Expression(required_text(annotation, "key", path), compiled(annotation, "valueExpression", path, scope))


def param_kind(spec: Mapping[str, Any], around: Path) -> tuple[str, str] | None:
    """Return apiVersion and kind of a policy's parameters, None where it has none."""
    path = (*around, "paramKind")
    value = map_field(spec, "paramKind", around)
    if not value:
        return None
    known_fields(value, ("apiVersion", "kind"), path)
    return required_text(value, "apiVersion", path), required_text(value, "kind", path)


def translated(source: str, env: Environment, path: Path) -> Program:
    """Return the program of a condition into which a field was translated; path: of the field."""
    try:
        return compile_expression(source, env, BOOL)
    except CelSourceError as error:
        raise PolicyError("it names too much to be judged", path, "split it into several policies") from error


def compiled(
    value: Mapping[str, Any], field: str, path: Path, scope: Scope, expect: Type | None = None, authorizer: bool = True
) -> Program:
    """Return the program of an expression that a field holds; expect: the type that it must have, None for any."""
    source = required_text(value, field, path)
    try:
        return compile_expression(source, scope.environment(authorizer), expect)
    except CelSourceError as error:
        step = "mend the expression"
        raise PolicyError(error.message, (*path, field), step, source, error.offset) from error
