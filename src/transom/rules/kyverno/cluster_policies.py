"""Kyverno's ClusterPolicy and Policy: each rule that is written in CEL becomes a policy of its own.

Followed: Kyverno judges `validate.cel` with the API server's own evaluator, so expressions mean what they mean in a
ValidatingAdmissionPolicy. Rules in other languages (patterns, JMESPath, mutation, images) are refused one by one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from transom.lang.cel.environment import OBJECTS, kubernetes_environment
from transom.lang.cel.types import STRING, ListType
from transom.rules.fields import PolicyError, Unsupported, map_field, required_text, text_field
from transom.rules.kyverno.autogen import expanded_rules
from transom.rules.kyverno.faces import ENGINE, annotations_of, face_of, with_plain_messages
from transom.rules.kyverno.filters import filtered
from transom.rules.parse import (
    Scope,
    audit_field,
    conditions_field,
    param_kind,
    param_ref,
    translated,
    validations_field,
    variables_field,
)
from transom.rules.policy import Binding, Expression, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transom.lang.cel.environment import Environment
    from transom.model.places import Path
    from transom.rules.sources import Source

KINDS = ("ClusterPolicy", "Policy")
MATCH = "match"
"""The name of the condition into which match and exclude are translated."""

_ELSEWHERE = {
    "mutate": "it changes objects instead of judging them",
    "generate": "it makes objects instead of judging them",
    "verifyImages": "it verifies signatures of images, which needs their registry",
}
_LANGUAGES = {
    "pattern": "a pattern",
    "anyPattern": "patterns",
    "deny": "JMESPath conditions",
    "foreach": "a loop over patterns",
    "podSecurity": "a Pod Security level",
    "assert": "an assertion tree",
    "manifests": "signatures of manifests",
}


def read_cluster_policy(source: Source, version: tuple[int, int]) -> Iterator[Policy | PolicyError]:
    """Yield a policy for each rule and for each that Kyverno generates from it, or what is wrong with it."""
    annotations = annotations_of(source)
    spec = map_field(source.value, "spec", ())
    rules = spec.get("rules")
    if not isinstance(rules, list) or not rules or not all(isinstance(each, dict) for each in rules):
        raise PolicyError("it has no rules", ("spec", "rules") if "rules" in spec else ("spec",))
    namespace = _namespace(source)
    broken: set[str] = set()
    for index, rule in enumerate(rules):
        try:
            yield _policy(source, rule, ("spec", "rules", index), annotations, namespace, version)
        except PolicyError as error:
            broken.add(str(rule.get("name", "")))
            yield error
    for rule in expanded_rules([each for each in rules if str(each.get("name", "")) not in broken], annotations):
        try:
            yield _policy(source, rule, ("spec", "rules"), annotations, namespace, version)
        except PolicyError as error:
            yield error


def _namespace(source: Source) -> str:
    """Return the namespace that a Policy is confined to, "" for a ClusterPolicy."""
    if source.kind == "ClusterPolicy":
        return ""
    return text_field(map_field(source.value, "metadata", ()), "namespace", ("metadata",)) or "default"


def _policy(
    source: Source, rule: Mapping[str, Any], path: Path, annotations: Mapping[str, Any], namespace: str, version: Any
) -> Policy:
    name = required_text(rule, "name", path)
    rule_id = ".".join(filter(None, (namespace, source.name, name)))
    validate, here = _validate(rule, path, rule_id)
    cel, around = with_plain_messages(map_field(validate, "cel", here), "expressions"), (*here, "cel")
    about = filtered(rule, path, namespace)
    kind = param_kind(cel, around)
    reference = param_ref(cel, around)
    outside = Scope(version, kind is not None)
    variables, scope = variables_field(cel, around, outside)
    validations = tuple(validations_field(cel, "expressions", around, scope))
    if not validations:
        raise PolicyError("it has no expressions", around)
    message = " ".join(text_field(validate, "message", here).split())
    conditions = _match_condition(about.condition, path, version) + conditions_field(
        rule, "celPreconditions", path, outside
    )
    return Policy(
        face=face_of(rule_id, annotations, name),
        match=about.match,
        validations=tuple(each if each.message else replace(each, message=message) for each in validations),
        conditions=conditions,
        variables=variables,
        param_kind=kind,
        bindings=(Binding(f"{rule_id}-params", rule_id, param_ref=reference),) if reference else (),
        audit=tuple(audit_field(cel, around, scope)),
        annotations=annotations,
        labels=map_field(source.value["metadata"], "labels", ("metadata",)),
        file=str(source.file),
        engine=ENGINE,
    )


def _validate(rule: Mapping[str, Any], path: Path, rule_id: str) -> tuple[Mapping[str, Any], Path]:
    """Return a rule's validate block, which must be in CEL."""
    for field, reason in _ELSEWHERE.items():
        if rule.get(field):
            raise Unsupported(f"rule {rule.get('name')}: {reason}", (*path, field), rule_id)
    validate, here = map_field(rule, "validate", path), (*path, "validate")
    for field, language in _LANGUAGES.items():
        if validate.get(field):
            raise Unsupported(f"rule {rule.get('name')} is written as {language}, not in CEL", (*here, field), rule_id)
    if rule.get("preconditions"):
        reason = f"rule {rule.get('name')} has preconditions in JMESPath"
        raise Unsupported(reason, (*path, "preconditions"), rule_id, "write them as celPreconditions")
    if "cel" not in validate:
        raise Unsupported(f"rule {rule.get('name')} judges nothing", path, rule_id)
    return validate, here


def _match_condition(source: str, path: Path, version: tuple[int, int]) -> tuple[Expression, ...]:
    if not source:
        return ()
    return (Expression(MATCH, translated(source, _environment(version), (*path, "match"))),)


def _environment(version: tuple[int, int]) -> Environment:
    """Return what match and exclude may name: the roles of the user too, which Kyverno looks up."""
    env = kubernetes_environment(version)
    roles = {"roles": ListType(STRING), "clusterRoles": ListType(STRING)}
    user = {**OBJECTS["kubernetes.UserInfo"], **roles}
    return replace(env, objects={**env.objects, "kubernetes.UserInfo": user})
