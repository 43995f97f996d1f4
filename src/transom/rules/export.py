"""Policies as manifests that an API server takes as they are: expanded, with parameters and bindings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from transom.kube.kinds import kind_of
from transom.rules.fixes import EXPRESSION_FIELDS, SAFE_WHEN
from transom.rules.native import native_fix, native_policy
from transom.rules.parse import GROUP, PREFIX
from transom.rules.policy import Binding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from transom.rules.fixes import Fix
    from transom.rules.policy import Expression, Match, Policy, ResourceRule, Validation

OURS = "transom.dev"  # the group of what is judged in files only
ACTIONS = ("Deny", "Warn", "Audit")
SYSTEM_NAMESPACE = "kube-system"
"""Where the cluster's own pods run, which new bindings leave alone, and where parameters go that name no namespace."""

_PLAIN = re.compile(r"[A-Za-z][-A-Za-z0-9_./()' ,]*[A-Za-z0-9)]\Z")
_OTHER_MEANING = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_DROPPED = frozenset(("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"))


def export(policies: Sequence[Policy], actions: Sequence[str] = ("Deny",)) -> Iterator[dict[str, Any]]:
    """Yield the objects that an API server takes: each policy, its parameters and their namespace, its bindings.

    Policies about Dockerfiles are left out. A policy that comes without a binding gets one that leaves out kube-system, or
    it would stop the cluster's own pods; one that comes with bindings keeps where they hold. actions: what every binding
    does.
    """
    homes = {SYSTEM_NAMESPACE}
    for policy in filter(is_exported, policies):
        yield _policy_object(native_policy(policy))
        for param in map(_param_object, policy.params):
            home = param["metadata"].get("namespace", SYSTEM_NAMESPACE)
            if home not in homes:
                homes.add(home)
                yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}}
            yield param
        for binding in policy.bindings or (Binding(f"{policy.id}-binding", policy.id),):
            yield _binding_object(policy, binding, actions)


def export_fixes(fixes: Iterable[Fix]) -> Iterator[dict[str, Any]]:
    """Yield the fixes as an API server takes them: each with its parameters and a binding that leaves out kube-system.

    Those of what no API server sees, such as Dockerfiles, are left out.
    """
    for fix in filter(lambda each: is_exported(each.policy), fixes):
        native = native_fix(fix)
        yield _fix_object(native)
        yield from map(_param_object, native.policy.params)
        binding = next(iter(native.policy.bindings), Binding(f"{fix.id}-binding", fix.id))
        made = _binding_object(native.policy, binding, ())
        spec = {key: value for key, value in made["spec"].items() if key != "validationActions"}
        spec.setdefault("matchResources", _outside_the_system())
        yield _object("MutatingAdmissionPolicyBinding", made["metadata"], spec)


def _fix_object(fix: Fix) -> dict[str, Any]:
    made = _policy_object(fix.policy)
    spec = {key: value for key, value in made["spec"].items() if key != "validations"}
    spec["reinvocationPolicy"] = "IfNeeded" if fix.reinvoke else "Never"
    spec["mutations"] = [
        {"patchType": each.patch_type, EXPRESSION_FIELDS[each.patch_type]: {"expression": each.program.source}}
        for each in fix.mutations
    ]
    annotations = {key: text for key, text in (fix.policy.annotations or {}).items() if key != SAFE_WHEN}
    return _object("MutatingAdmissionPolicy", {"name": fix.id, "annotations": annotations}, spec)


def is_exported(policy: Policy) -> bool:
    """Tell whether an API server can judge what a policy is about: it never sees a Dockerfile."""
    return any(rule.groups != (OURS,) for rule in policy.match.include)


def write_yaml(objects: Iterable[Mapping[str, Any]]) -> str:
    """Return objects as one stream of YAML in which every text is read as text by YAML 1.1 and 1.2 alike."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Lists of words in one line, blocks for expressions, quotes around whatever is not plain words."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=_style(value))

    def sequence(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
        words = all(isinstance(each, str) for each in value)
        return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=words)

    Dumper.add_representer(str, text)
    Dumper.add_representer(list, sequence)
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 10_000, "explicit_start": True}
    return str(yaml.dump_all(objects, Dumper=Dumper, **options))


def _style(value: str) -> str | None:
    if _PLAIN.match(value) and value.lower() not in _OTHER_MEANING:
        return None
    lines = value.split("\n")
    in_block = ('"' in value or len(lines) > 1) and lines[0] and not lines[0].startswith(" ")
    return "|" if in_block and all(line.isprintable() and line == line.rstrip() for line in lines) else '"'


def _policy_object(policy: Policy) -> dict[str, Any]:
    spec: dict[str, Any] = {"failurePolicy": "Fail" if policy.fail else "Ignore"}
    if policy.param_kind:
        spec["paramKind"] = dict(zip(("apiVersion", "kind"), policy.param_kind, strict=True))
    spec["matchConstraints"] = _match_object(policy.match)
    if policy.conditions:
        spec["matchConditions"] = _expression_objects(policy.conditions)
    if policy.variables:
        spec["variables"] = _expression_objects(policy.variables)
    if policy.validations:
        spec["validations"] = [_validation_object(each) for each in policy.validations]
    if policy.audit:
        spec["auditAnnotations"] = [{"key": each.name, "valueExpression": each.program.source} for each in policy.audit]
    metadata: dict[str, Any] = {"name": policy.id}
    if policy.labels:
        metadata["labels"] = dict(policy.labels)
    metadata["annotations"] = _annotations(policy)
    return _object("ValidatingAdmissionPolicy", metadata, spec)


def _object(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _annotations(policy: Policy) -> dict[str, str]:
    """Return the annotations, with the severity as settings changed it, and without the wish that is now fulfilled."""
    kept = {key: str(text) for key, text in (policy.annotations or {}).items() if key != f"{PREFIX}expand"}
    return {**kept, f"{PREFIX}severity": policy.face.severity.label}


def _expression_objects(expressions: Iterable[Expression]) -> list[dict[str, str]]:
    return [{"name": each.name, "expression": each.program.source} for each in expressions]


def _validation_object(validation: Validation) -> dict[str, Any]:
    made = {"expression": validation.program.source, "message": validation.message, "reason": validation.reason}
    if validation.tell:
        made["messageExpression"] = validation.tell.source
    return {field: text for field, text in made.items() if text}


def _match_object(match: Match) -> dict[str, Any]:
    made: dict[str, Any] = {
        "matchPolicy": "" if match.equivalent else "Exact",
        "namespaceSelector": match.namespace_selector,
        "objectSelector": match.object_selector,
        "resourceRules": [_rule_object(rule) for rule in match.include],
        "excludeResourceRules": [_rule_object(rule) for rule in match.exclude],
    }
    return {field: value for field, value in made.items() if value}


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


def _param_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter object as it may be created, in a namespace where its kind lives in one."""
    metadata = {key: each for key, each in value["metadata"].items() if key not in _DROPPED}
    if kind_of(value["apiVersion"], value["kind"]).namespaced:
        metadata.setdefault("namespace", SYSTEM_NAMESPACE)
    return {**value, "metadata": metadata}


def _binding_object(policy: Policy, binding: Binding, actions: Sequence[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {"policyName": policy.id, "validationActions": list(actions)}
    if policy.param_kind:
        spec["paramRef"] = _param_ref(policy, binding)
    if binding.match:
        spec["matchResources"] = _match_object(binding.match)
    elif not policy.bindings:
        spec["matchResources"] = _outside_the_system()
    return _object("ValidatingAdmissionPolicyBinding", {"name": binding.name}, spec)


def _outside_the_system() -> dict[str, Any]:
    name = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [SYSTEM_NAMESPACE]}
    return {"namespaceSelector": {"matchExpressions": [name]}}


def _param_ref(policy: Policy, binding: Binding) -> dict[str, Any]:
    """Return the binding's reference to parameters, else one to all that stand beside the policy."""
    if binding.param_ref:
        reference = dict(binding.param_ref)
    elif len(policy.params) == 1:
        reference = {"name": policy.params[0]["metadata"]["name"], "parameterNotFoundAction": "Deny"}
    else:
        reference = {"selector": {}, "parameterNotFoundAction": "Deny"}
    namespaces = {_param_object(each)["metadata"].get("namespace") for each in policy.params} - {None}
    if len(namespaces) == 1:
        reference.setdefault("namespace", namespaces.pop())
    return reference
