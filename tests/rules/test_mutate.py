"""Mutating policies: what they may say, and what they make of an object."""

from __future__ import annotations

import json

import pytest

from transom.rules.fixes import Fix, read_fixes
from transom.rules.mutate import MutationError, is_safe, mutate, mutate_all

PODS = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}


@pytest.fixture
def load(tmp_path):
    """Read a mutating policy; expressions that begin with Object are applied, others are patches."""

    def build(*expressions, annotations=None, name="fix", reinvoke="Never", **spec):
        mutations = [
            {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": each}}
            if each.startswith("Object")
            else {"patchType": "JSONPatch", "jsonPatch": {"expression": each}}
            for each in expressions
        ]
        spec = {"matchConstraints": PODS, "reinvocationPolicy": reinvoke, "mutations": mutations, **spec}
        value = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name, "annotations": annotations or {}},
            "spec": spec,
        }
        (tmp_path / "a.fix.yaml").write_text(json.dumps(value))
        (found,) = read_fixes([tmp_path / "a.fix.yaml"])
        return found

    return build


def test_an_apply_configuration_is_merged(load, subject, pod):
    fix = load("Object{spec: Object.spec{containers: [Object.spec.containers{name: 'app', tty: true}]}}")
    assert mutate(fix, subject(pod()))["spec"]["containers"] == [{"name": "app", "image": "app:1", "tty": True}]


def test_a_patch_is_applied_and_keys_are_escaped(load, subject, pod):
    fix = load("[JSONPatch{op: 'add', path: '/metadata/labels', value: {jsonpatch.escapeKey('a/b'): 'c'}}]")
    assert mutate(fix, subject(pod()))["metadata"]["labels"] == {"a~1b": "c"}


def test_mutations_come_one_after_the_other_and_variables_are_new_for_each(load, subject, pod):
    fix = load(
        "[JSONPatch{op: 'add', path: '/spec/nodeName', value: 'x' + variables.name}]",
        "[JSONPatch{op: 'add', path: '/spec/nodeName', value: 'y' + variables.name}]",
        variables=[{"name": "name", "expression": "object.spec.?nodeName.orValue('0')"}],
    )
    assert mutate(fix, subject(pod()))["spec"]["nodeName"] == "yx0"


def test_match_conditions_are_asked_of_the_object_as_it_came(load, subject, pod):
    change = "[JSONPatch{op: 'add', path: '/spec/nodeName', value: 'x'}]"
    conditions = [{"name": "unplaced", "expression": "!has(object.spec.nodeName)"}]
    fix = load(change, "[JSONPatch{op: 'add', path: '/spec/hostname', value: 'y'}]", matchConditions=conditions)
    assert mutate(fix, subject(pod()))["spec"]["hostname"] == "y"
    placed = subject(pod(nodeName="n"))
    assert mutate(fix, placed) is placed.object


def test_an_object_of_another_kind_is_left_alone(load, subject):
    value = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    assert mutate(load("Object{spec: Object.spec{nodeName: 'x'}}"), subject(value)) is value


def test_a_test_that_fails_leaves_the_object_alone(load, subject, pod):
    fix = load("[JSONPatch{op: 'test', path: '/spec/x', value: 1}, JSONPatch{op: 'remove', path: '/spec/containers'}]")
    with pytest.raises(MutationError, match="no field x"):
        mutate(fix, subject(pod()))
    value = pod(x=2)
    assert mutate(fix, subject(value)) is value


def test_policies_that_ask_for_it_are_called_again_where_others_changed_the_object(load, subject, pod):
    label = "object.spec.?nodeName.orValue('none')"
    early = f"[JSONPatch{{op: 'add', path: '/metadata/labels', value: {{'node': {label}}}}}]"
    late = load("[JSONPatch{op: 'add', path: '/spec/nodeName', value: 'n'}]", name="late")
    once = mutate_all([load(early), late], subject(pod()))
    again = mutate_all([load(early, reinvoke="IfNeeded"), late], subject(pod()))
    assert (once["metadata"]["labels"], again["metadata"]["labels"]) == ({"node": "none"}, {"node": "n"})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("Object{spec: Object.metadata{name: 'x'}}", "type mismatch"),
        ("Object{spec: Object.spec{nodeSelector: Object.spec.nodeSelector{a: 'b'}}}", "atomic"),
        ("[JSONPatch{op: 'remove', path: '/spec/nothing'}]", "no field nothing"),
        ("[JSONPatch{op: 'add', path: '/spec/x', value: object.spec.nothing}]", "no such key"),
        ("[JSONPatch{op: 'add', path: '/spec/x', value: request.userInfo.username}]", "the requesting user"),
    ],
)
def test_what_cannot_be_done_is_told(load, subject, pod, expression, reason):
    with pytest.raises(MutationError, match=reason):
        mutate(load(expression), subject(pod()))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"mutations": []}, "no mutations"),
        ({"reinvocationPolicy": "Sometimes"}, "reinvocationPolicy"),
        ({"mutations": [{"patchType": "Merge"}]}, "patchType"),
        ({"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": "true"}}]}, "must evaluate to"),
        ({"mutations": [{"patchType": "JSONPatch", "applyConfiguration": {"expression": "x"}}]}, "nothing else"),
        ({"validations": []}, "unknown field"),
    ],
)
def test_a_policy_that_the_api_server_refuses_does_not_load(load, fields, reason):
    found = load("Object{}", **fields)
    assert reason in found.reason


def test_a_behavioural_fix_is_safe_where_its_condition_holds(load, subject, pod):
    when = {"transom.dev/fix-kind": "behavioural", "transom.dev/safe-when": "has(object.spec.nodeName)"}
    fix = load("Object{}", annotations=when)
    assert isinstance(fix, Fix)
    assert [is_safe(fix, subject(each)) for each in (pod(), pod(nodeName="n"))] == [False, True]
