"""The native form of policies: what the scan reaches, an API server reaches by the policy alone."""

from __future__ import annotations

import pytest

from transom.kube.kinds import SERVED_GROUPS, TEMPLATE_PATHS, kind_of
from transom.lang.cel.parser import parse
from transom.lang.cel.unparse import unparse
from transom.rules.evaluate import evaluate
from transom.rules.match import could_match
from transom.rules.native import native_policy

EXPAND = {"transom.dev/expand": "true"}
SERVED = [
    (group, kind, path)
    for (group, kind), path in TEMPLATE_PATHS.items()
    if path and group in SERVED_GROUPS - {"extensions"}
]


def workload(group, kind, path, pod):
    value = {"metadata": pod["metadata"], "spec": pod["spec"]}
    for step in reversed(path):
        value = {step: value}
    return {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "metadata": {"name": "w"}, **value}


@pytest.fixture
def native(policy):
    """Compile a policy that expands; return its native form."""

    def build(*expressions, **fields):
        return native_policy(policy(*expressions, annotations=EXPAND, **fields))

    return build


@pytest.mark.parametrize(("group", "kind", "path"), SERVED)
@pytest.mark.parametrize("expression", ["object.spec.hostPID", "object.kind == 'Pod' && object.apiVersion == 'v1'"])
def test_every_kind_with_a_template_is_judged_as_its_pod(native, subject, pod, group, kind, path, expression):
    rule = native(expression + " == true")
    assert could_match(rule.match, kind_of(f"{group}/v1" if group else "v1", kind))
    good = workload(group, kind, path, pod(hostPID=True))
    assert evaluate(rule, subject(good)).failures == ()
    assert evaluate(rule, subject(pod(hostPID=True))).failures == ()
    if "hostPID" in expression:
        assert evaluate(rule, subject(workload(group, kind, path, pod(hostPID=False)))).failures


def test_a_policy_that_does_not_expand_stays_as_it_is(policy):
    loaded = policy("object.spec.hostPID == true")
    assert native_policy(loaded) is loaded


def test_a_policy_about_other_kinds_stays_as_it_is(policy):
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}]
    loaded = policy("true", annotations=EXPAND, matchConstraints={"resourceRules": rules})
    assert native_policy(loaded) is loaded


def test_a_kind_that_the_policy_names_itself_is_judged_as_it_is(native, subject, deployment):
    rules = [
        {
            "apiGroups": ["", "apps"],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["pods", "deployments"],
        }
    ]
    rule = native("object.kind != 'Deployment'", matchConstraints={"resourceRules": rules})
    assert evaluate(rule, subject(deployment())).failures
    assert evaluate(rule, subject({**deployment(), "kind": "StatefulSet"})).failures == ()


def test_variables_messages_and_conditions_are_about_the_pod(native, subject, deployment):
    rule = native(
        variables=[{"name": "pod", "expression": "object.spec"}],
        matchConditions=[{"name": "c", "expression": "object.kind == 'Pod' && has(object.spec.hostPID)"}],
        validations=[
            {"expression": "variables.pod.hostPID == true", "messageExpression": "'of a ' + string(object.kind)"}
        ],
    )
    (failure,) = evaluate(rule, subject(deployment(hostPID=False))).failures
    assert failure.message == "of a Pod"
    assert not evaluate(rule, subject(deployment())).applies


def test_a_macro_variable_called_object_is_left_alone(native, subject, deployment):
    rule = native(
        "['a'].all(object, object == 'a') && [1].exists(i, object, object == 1) && object.spec.hostPID == true"
    )
    assert evaluate(rule, subject(deployment(hostPID=True))).failures == ()


def test_the_old_object_becomes_a_pod_too(native, subject, deployment):
    rule = native("oldObject == null || oldObject.spec.hostPID == object.spec.hostPID")
    new, old = deployment(hostPID=True), deployment(hostPID=False)
    assert evaluate(rule, subject(new)).failures == ()
    assert evaluate(rule, subject(new, operation="UPDATE", old_object=old)).failures
    assert evaluate(rule, subject(new, operation="UPDATE", old_object=new)).failures == ()


def test_workloads_are_matched_in_the_operations_of_pods(native):
    rules = [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods"]},
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["services"]},
    ]
    rule = native("true", matchConstraints={"resourceRules": rules})
    added = [each for each in rule.match.include if "deployments" in each.resources]
    assert [each.operations for each in added] == [("UPDATE",)]


def test_deleted_objects_have_no_pod(native, subject, deployment):
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]
    rule = native("object == null || object.kind == 'Pod'", matchConstraints={"resourceRules": rules})
    assert evaluate(rule, subject(None, of=deployment(), operation="DELETE")).failures == ()
    assert evaluate(rule, subject(deployment())).failures == ()


@pytest.mark.parametrize(("group", "kind", "path"), SERVED)
def test_a_missing_template_fails_and_never_passes(native, subject, group, kind, path):
    rule = native("object.spec.hostPID == true")
    value = {"apiVersion": f"{group}/v1" if group else "v1", "kind": kind, "metadata": {"name": "w"}}
    assert evaluate(rule, subject(value)).failures


def test_native_expressions_are_written_plainly(native):
    rule = native("object.spec.hostPID == true")
    for variable in rule.variables:
        assert unparse(parse(variable.program.source)) == unparse(variable.program.node)
    assert rule.validations[0].program.source == "variables.pod.spec.hostPID == true"
