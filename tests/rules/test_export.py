"""Policies as manifests: whole, plain, the same each time, and read back as they were."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.documents import read_documents
from transom.model.severity import Severity
from transom.rules.evaluate import evaluate
from transom.rules.export import export, write_yaml
from transom.rules.load import builtin_pack

EXPAND = {"transom.dev/expand": "true", "transom.dev/expect": "no", "example.com/note": "kept"}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap"}


def read(text):
    return [document.value for document in read_documents(io.BytesIO(text.encode()), "x.yaml")]


@pytest.fixture
def whole(pack, policy_object):
    """Load a policy that uses everything, with a parameter object, and a binding if given."""

    def build(*beside):
        made = policy_object(
            annotations=EXPAND,
            paramKind=CONFIG,
            failurePolicy="Ignore",
            variables=[{"name": "a", "expression": "object.spec"}],
            matchConditions=[{"name": "c", "expression": "object.kind == 'Pod'"}],
            validations=[
                {"expression": "has(variables.a)", "message": "m", "messageExpression": "'a'", "reason": "Forbidden"}
            ],
            auditAnnotations=[{"key": "k", "valueExpression": "object.metadata.name + ''"}],
        )
        made["metadata"]["labels"] = {"team": "a"}
        loaded = pack(made, {**CONFIG, "metadata": {"name": "rule", "uid": "1"}, "data": {"a": "1"}}, *beside)
        assert not loaded.problems
        return loaded

    return build


def test_an_exported_policy_has_all_that_its_source_has(whole):
    policy, params, binding = export(whole().policies)
    assert policy["apiVersion"] == "admissionregistration.k8s.io/v1"
    assert policy["metadata"]["labels"] == {"team": "a"}
    assert policy["metadata"]["annotations"]["example.com/note"] == "kept"
    assert policy["metadata"]["annotations"]["transom.dev/expect"] == "no"
    assert "transom.dev/expand" not in policy["metadata"]["annotations"]
    spec = policy["spec"]
    assert spec["failurePolicy"] == "Ignore"
    assert spec["paramKind"] == CONFIG
    assert spec["validations"][0]["reason"] == "Forbidden"
    assert spec["auditAnnotations"][0]["key"] == "k"
    assert params["metadata"] == {"name": "rule", "namespace": "kube-system"}
    assert binding["spec"]["paramRef"] == {
        "name": "rule",
        "parameterNotFoundAction": "Deny",
        "namespace": "kube-system",
    }


def test_a_new_binding_denies_but_for_the_clusters_own_namespace(policy):
    _, binding = export([policy("true")])
    assert binding["metadata"]["name"] == "rule-binding"
    assert binding["spec"]["validationActions"] == ["Deny"]
    (expression,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert (expression["operator"], expression["values"]) == ("NotIn", ["kube-system"])


def test_a_binding_beside_the_policy_keeps_where_it_holds(whole):
    selected = {"namespaceSelector": {"matchLabels": {"env": "prod"}}}
    spec = {"policyName": "rule", "validationActions": ["Audit"], "matchResources": selected}
    reference = {"paramRef": {"name": "rule", "namespace": "kube-system", "parameterNotFoundAction": "Allow"}}
    beside = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "mine"},
        "spec": {**spec, **reference},
    }
    *_, binding = export(whole(beside).policies, ["Warn", "Audit"])
    assert binding["metadata"]["name"] == "mine"
    assert binding["spec"]["matchResources"] == selected
    assert binding["spec"]["validationActions"] == ["Warn", "Audit"]
    assert binding["spec"]["paramRef"] == reference["paramRef"]


def test_settings_are_exported(pack, policy_object):
    loaded = pack(policy_object("true")).adapted({"rule": Severity.LOW}, {})
    policy, _ = export(loaded.policies)
    assert policy["metadata"]["annotations"]["transom.dev/severity"] == "low"


def test_what_is_exported_is_read_back_and_loads_again(whole, pack):
    objects = list(export(whole().policies))
    text = write_yaml(objects)
    assert read(text) == objects
    assert text == write_yaml(export(whole().policies))
    again = pack(*read(text))
    assert (len(again.policies), again.problems) == (1, ())
    assert list(export(again.policies)) == objects


TRICKY = ["", " a", "a ", "on", "No", "null", "~", "1", "1e3", "0x1f", "0644", "12:30:45", "2001-01-01", "a: b", "a #b"]
TRICKY += [
    "- a",
    "{",
    "a\n",
    "a\nb",
    "\na",
    " a\nb",
    "a \nb",
    "\t",
    "é",
    "\u2028",
    "\x85",
    "\ufeffa",
    "'",
    '"',
    "a\r\nb",
    "=",
]


@pytest.mark.parametrize("text", TRICKY)
def test_every_text_stays_text(text):
    objects = [{"kind": text, "list": [text, text], text or "k": {"a": text}}]
    assert read(write_yaml(objects)) == objects


@given(st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner)))
def test_what_is_written_is_read_back(value):
    encodable = json.dumps(value, ensure_ascii=False).encode("utf-8", "ignore").decode()
    value = {"value": json.loads(encodable)}
    assert read(write_yaml([value])) == [value]


def test_the_built_in_rules_load_again_from_what_is_exported(pack):
    ours = builtin_pack()
    again = pack(*read(write_yaml(export(ours.policies))))
    assert again.problems == ()
    assert [each.id for each in again.policies] == [each.id for each in ours.policies if each.window != "images"]
    assert all(len(each.bindings) >= 1 for each in again.policies)


def test_an_exported_policy_judges_workloads_by_itself(policy, pack, subject, deployment):
    loaded = policy("object.spec.?hostPID.orValue(false) == false", annotations=EXPAND)
    (again,) = pack(*read(write_yaml(export([loaded])))).policies
    assert not again.expands
    about = {"namespace": "shop", "namespace_labels": {}}
    assert evaluate(again, subject(deployment(hostPID=True), **about)).failures
    assert evaluate(again, subject(deployment(), **about)).failures == ()
    assert not evaluate(again, subject(deployment(hostPID=True, namespace="kube-system"), namespace_labels={})).applies
