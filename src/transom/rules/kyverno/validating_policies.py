"""Kyverno's ValidatingPolicy and NamespacedValidatingPolicy: the policy itself, and those for what makes pods.

They have the form of a ValidatingAdmissionPolicy, with Kyverno's functions in its expressions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transom.lang.cel.library.kyverno_environment import kyverno_environment
from transom.rules.fields import PolicyError, Unsupported, map_field, one_of, text_field
from transom.rules.kyverno.autogen import expanded_specs
from transom.rules.kyverno.faces import ENGINE, annotations_of, face_of, with_plain_messages
from transom.rules.kyverno.filters import quoted
from transom.rules.parse import (
    Scope,
    audit_field,
    conditions_field,
    match_field,
    translated,
    validations_field,
    variables_field,
)
from transom.rules.policy import Expression, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transom.rules.sources import Source

KINDS = ("ValidatingPolicy", "NamespacedValidatingPolicy")
_SPEC = ("spec",)
_TITLES = {"defaults": "pod controllers", "cronjobs": "CronJobs"}


def read_validating_policy(source: Source, version: tuple[int, int]) -> Iterator[Policy | PolicyError]:
    """Yield the policy and those that Kyverno generates from it."""
    annotations = annotations_of(source)
    spec = with_plain_messages(map_field(source.value, "spec", ()), "validations")
    mode = map_field(spec, "evaluation", _SPEC).get("mode")
    if mode not in (None, "Kubernetes"):
        reason = f"it judges what is sent as {mode}, not objects of Kubernetes"
        raise Unsupported(reason, (*_SPEC, "evaluation", "mode"), source.name)
    yield _policy(source, spec, annotations, "", version)
    for name, expanded in expanded_specs(spec):
        yield _policy(source, expanded, annotations, name, version)


def _policy(
    source: Source, spec: Mapping[str, Any], annotations: Mapping[str, Any], expansion: str, version: tuple[int, int]
) -> Policy:
    namespace = _namespace(source)
    match = match_field(map_field(spec, "matchConstraints", _SPEC), (*_SPEC, "matchConstraints"))
    if not match.include:
        raise PolicyError("matchConstraints has no resourceRules", (*_SPEC, "matchConstraints"))
    outside = Scope(version, params=False, extend=kyverno_environment)
    variables, scope = variables_field(spec, _SPEC, outside)
    rule_id = ".".join(filter(None, (namespace, source.name, expansion and f"autogen-{expansion}")))
    validations = tuple(validations_field(spec, "validations", _SPEC, scope, ("identifier",)))
    if not validations and not spec.get("auditAnnotations"):
        raise PolicyError("it has neither validations nor auditAnnotations", _SPEC)
    return Policy(
        face=face_of(rule_id, annotations, _TITLES.get(expansion, "")),
        match=match,
        validations=validations,
        conditions=_confined(namespace, outside) + conditions_field(spec, "matchConditions", _SPEC, outside),
        variables=variables,
        fail=one_of(spec, "failurePolicy", ("Fail", "Ignore"), _SPEC, "Fail") == "Fail",
        audit=tuple(audit_field(spec, _SPEC, scope)),
        annotations=annotations,
        labels=map_field(source.value["metadata"], "labels", ("metadata",)),
        file=str(source.file),
        engine=ENGINE,
    )


def _namespace(source: Source) -> str:
    """Return the namespace that a NamespacedValidatingPolicy is confined to, "" for one of the whole cluster."""
    if source.kind == "ValidatingPolicy":
        return ""
    return text_field(map_field(source.value, "metadata", ()), "namespace", ("metadata",)) or "default"


def _confined(namespace: str, scope: Scope) -> tuple[Expression, ...]:
    if not namespace:
        return ()
    source = f"request.namespace == {quoted(namespace)}"
    return (Expression("namespace", translated(source, scope.environment(authorizer=False), ("metadata",))),)
