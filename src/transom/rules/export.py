"""Our policies for an API server: what the scan reaches from pods, written into the policy itself.

In the exported form a first variable holds the pod that an object makes, whatever its kind; every `object` in the
expressions becomes that variable, and the workloads' resources are matched too. So one file judges pods and templates
alike, and the API server needs to know nothing of Transom.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.kinds import Kind
from transom.lang.cel import Program, compile_expression
from transom.lang.cel.environment import CURRENT, kubernetes_environment
from transom.lang.cel.parser import parse
from transom.lang.cel.syntax import Bind, Comprehension, Ident, Node, Select
from transom.lang.cel.types import BOOL, STRING, Type
from transom.lang.cel.unparse import unparse
from transom.rules.match import could_match
from transom.rules.parse import GROUP, PREFIX
from transom.rules.policy import Binding, Expression, Match, Policy, ResourceRule, Validation

VARIABLE = "transomPod"
POD_OF_OBJECT = (
    "object.kind == 'Pod' ? object : "
    "object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template : "
    "object.kind == 'PodTemplate' ? object.template : object.spec.template"
)
WORKLOADS = (
    ("", ("podtemplates", "replicationcontrollers")),
    ("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")),
    ("batch", ("cronjobs", "jobs")),
)
ACTIONS = ("Deny", "Warn", "Audit")


def exported_policy(policy: Policy, version: tuple[int, int] = CURRENT) -> Policy:
    """Return a policy in the form in which it is exported: expanded where ours expands, else as it is."""
    if not policy.expands or not could_match(policy.match, _POD):
        return policy
    variables = [Expression(VARIABLE, _compiled(POD_OF_OBJECT, version, {}, None))]
    types: dict[str, Type] = {VARIABLE: variables[0].program.type}
    for variable in policy.variables:
        program = _rewritten(variable.program, version, types, None)
        types[variable.name] = program.type
        variables.append(Expression(variable.name, program))
    validations = tuple(
        Validation(
            _rewritten(each.program, version, types, BOOL),
            each.message,
            _rewritten(each.tell, version, types, STRING) if each.tell else None,
        )
        for each in policy.validations
    )
    conditions = tuple(
        Expression(each.name, _compiled(_source(each.program, inline=True), version, {}, BOOL))
        for each in policy.conditions
    )
    return replace(
        policy,
        match=_widened(policy.match),
        variables=tuple(variables),
        validations=validations,
        conditions=conditions,
        expands=False,
    )


_POD = Kind("", "v1", "Pod", "pods", True)


def _widened(match: Match) -> Match:
    """Add the workloads' resources to those of pods, for the same operations."""
    operations = tuple(
        dict.fromkeys(word for rule in match.include if "pods" in rule.resources for word in rule.operations)
    )
    rules = tuple(ResourceRule((group,), ("v1",), operations, resources) for group, resources in WORKLOADS)
    return replace(match, include=match.include + rules)


@lru_cache(4096)
def _compile(
    source: str, version: tuple[int, int], types: tuple[tuple[str, Type], ...], expect: Type | None
) -> Program:
    return compile_expression(source, kubernetes_environment(version, typed_variables=dict(types)), expect)


def _compiled(source: str, version: tuple[int, int], types: Mapping[str, Type], expect: Type | None) -> Program:
    return _compile(source, version, tuple(types.items()), expect)


def _rewritten(program: Program, version: tuple[int, int], types: Mapping[str, Type], expect: Type | None) -> Program:
    return _compiled(_source(program), version, types, expect)


def _source(program: Program, inline: bool = False) -> str:
    """Return an expression with every `object` replaced; inline: by the expression itself, where variables are unknown."""
    pod: Node = parse(POD_OF_OBJECT) if inline else Select(operand=Ident(name="variables"), field=VARIABLE)
    return unparse(_replaced(parse(program.source), pod, frozenset()))


def _replaced(node: Any, pod: Node, bound: frozenset[str]) -> Any:
    """Return a node with `object` replaced wherever no macro's variable hides it."""
    if isinstance(node, tuple):
        return tuple(_replaced(each, pod, bound) for each in node)
    if not isinstance(node, Struct):
        return node
    if isinstance(node, Ident):
        return pod if node.name == "object" and "object" not in bound else node
    inner = bound
    if isinstance(node, Comprehension):
        inner = bound | {node.var, node.var2}
    elif isinstance(node, Bind):
        inner = bound | {node.var}
    outside = ("range", "value") if isinstance(node, Comprehension | Bind) else ()
    changes = {
        field: _replaced(getattr(node, field), pod, bound if field in outside else inner)
        for field in node.__struct_fields__
        if field not in ("start", "end")
    }
    return replace(node, **changes)


# to objects


def export(policies: Sequence[Policy], actions: Sequence[str] = ("Deny",)) -> Iterator[dict[str, Any]]:
    """Yield the objects that an API server takes: each policy, its parameters, its binding."""
    for policy in policies:
        yield _policy_object(exported_policy(policy))
        yield from policy.params
        bindings = policy.bindings or (Binding(policy.id, policy.id),)
        for binding in bindings:
            yield _binding_object(policy, binding, actions)


def _policy_object(policy: Policy) -> dict[str, Any]:
    spec: dict[str, Any] = {"failurePolicy": "Fail" if policy.fail else "Ignore"}
    if policy.param_kind:
        spec["paramKind"] = dict(zip(("apiVersion", "kind"), policy.param_kind, strict=True))
    spec["matchConstraints"] = _match_object(policy.match)
    if policy.conditions:
        spec["matchConditions"] = [{"name": each.name, "expression": each.program.source} for each in policy.conditions]
    if policy.variables:
        spec["variables"] = [{"name": each.name, "expression": each.program.source} for each in policy.variables]
    spec["validations"] = [_validation_object(each) for each in policy.validations]
    metadata = {"name": policy.id, "annotations": _annotations(policy)}
    return {"apiVersion": f"{GROUP}/v1", "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": spec}


def _annotations(policy: Policy) -> dict[str, str]:
    face = policy.face
    texts = {"title": face.title, "severity": face.severity.label, "why": face.why, "fix": face.fix}
    texts |= {f"{name}-zh": text for name, text in face.texts.get("zh-CN", {}).items()}
    return {PREFIX + name: text for name, text in texts.items() if text}


def _validation_object(validation: Validation) -> dict[str, Any]:
    made: dict[str, Any] = {"expression": validation.program.source}
    if validation.message:
        made["message"] = validation.message
    if validation.tell:
        made["messageExpression"] = validation.tell.source
    return made


def _match_object(match: Match) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceRules": [_rule_object(rule) for rule in match.include]}
    if match.exclude:
        made["excludeResourceRules"] = [_rule_object(rule) for rule in match.exclude]
    if not match.equivalent:
        made["matchPolicy"] = "Exact"
    if match.namespace_selector:
        made["namespaceSelector"] = match.namespace_selector
    if match.object_selector:
        made["objectSelector"] = match.object_selector
    return made


def _rule_object(rule: ResourceRule) -> dict[str, Any]:
    made: dict[str, Any] = {
        "apiGroups": list(rule.groups),
        "apiVersions": list(rule.versions),
        "operations": list(rule.operations),
        "resources": list(rule.resources),
    }
    if rule.names:
        made["resourceNames"] = list(rule.names)
    if rule.scope != "*":
        made["scope"] = rule.scope
    return made


def _binding_object(policy: Policy, binding: Binding, actions: Sequence[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {"policyName": policy.id, "validationActions": list(actions)}
    if binding.param_ref:
        spec["paramRef"] = binding.param_ref
    if binding.match:
        spec["matchResources"] = _match_object(binding.match)
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": binding.name or policy.id},
        "spec": spec,
    }
