"""Kyverno's own tests, read as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from transom.rules.examples import run_examples


@pytest.fixture
def folder(tmp_path):
    """Write a policy, resources and a test; return what becomes of the test's cases."""

    def run(policy: dict[str, Any], results: list[dict[str, Any]], *resources: dict[str, Any], **fields: Any):
        tests = tmp_path / ".kyverno-test"
        tests.mkdir(exist_ok=True)
        (tmp_path / "policy.yaml").write_text(json.dumps(policy))
        (tests / "resources.yaml").write_text("\n---\n".join(map(json.dumps, resources)))
        for name in ("values.yaml", "context.yaml", "user.yaml"):
            if name in fields:
                (tests / name).write_text(json.dumps(fields.pop(name)))
        files = {"policies": ["../policy.yaml"], "resources": ["resources.yaml"], "results": results}
        made = {
            "apiVersion": "cli.kyverno.io/v1alpha1",
            "kind": "Test",
            "metadata": {"name": "test"},
            **files,
            **fields,
        }
        (tests / "kyverno-test.yaml").write_text(json.dumps(made, indent=1))
        return [(outcome.state, outcome.why) for outcome in run_examples([str(tmp_path)])]

    return run


def result(expected: str, *names: str, **fields: Any) -> dict[str, Any]:
    return {"policy": "images", "rule": "tag", "kind": "Pod", "resources": list(names), "result": expected, **fields}


def bad(pod, **fields: Any):
    return pod({"name": "app", "image": "app:latest"}, **fields)


def test_each_resource_of_each_result_is_a_case(folder, cluster_policy, rule, pod):
    results = [result("pass", "web"), result("fail", "bad", "shop/bad")]
    assert folder(cluster_policy(rule()), results, pod(), bad(pod, name="bad")) == [("passed", "")] * 3


def test_a_verdict_that_is_not_the_expected_one_is_told(folder, cluster_policy, rule, pod):
    assert folder(cluster_policy(rule()), [result("pass", "web")], bad(pod)) == [
        ("failed", "expected pass, found fail: latest is used")
    ]


def test_a_generated_rule_is_meant_by_the_name_of_its_source(folder, cluster_policy, rule, deployment):
    results = [result("pass", "web", kind="Deployment")]
    assert folder(cluster_policy(rule()), results, deployment()) == [("passed", "")]


def test_a_rule_whose_preconditions_do_not_hold_is_skipped(folder, cluster_policy, rule, pod):
    policy = cluster_policy(rule(celPreconditions=[{"name": "never", "expression": "false"}]))
    assert folder(policy, [result("skip", "web")], pod()) == [("passed", "")]
    assert folder(policy, [result("pass", "web")], pod()) == [("failed", "expected pass, found skip")]


def test_a_rule_that_is_not_about_the_resource_counts_as_passed_never_as_failed(folder, cluster_policy, rule, pod):
    policy = cluster_policy(rule(resources={"kinds": ["Pod"], "namespaces": ["bank"]}))
    assert folder(policy, [result("pass", "web")], pod()) == [("passed", "")]
    assert folder(policy, [result("fail", "web")], pod()) == [
        ("failed", "expected fail, found excluded: no rule is about it")
    ]


def test_values_say_which_operation_it_is(folder, cluster_policy, rule, pod):
    policy = cluster_policy(rule("request.operation == 'UPDATE' && oldObject != null"))
    named = {"name": "web", "values": {"request.operation": "UPDATE"}}
    values = {"policies": [{"name": "images", "resources": [named]}]}
    assert folder(policy, [result("pass", "web")], pod(), values=values) == [("passed", "")]
    assert folder(policy, [result("pass", "web")], pod(), variables="values.yaml", **{"values.yaml": values}) == [
        ("passed", "")
    ]


def test_values_say_what_namespaces_are(folder, cluster_policy, rule, pod):
    policy = cluster_policy(rule("namespaceObject.metadata.labels.tier == 'front'"))
    values = {"namespaceSelector": [{"name": "shop", "labels": {"tier": "front"}}]}
    assert folder(policy, [result("pass", "web")], pod(), values=values) == [("passed", "")]


def test_a_resource_without_namespace_is_in_default(folder, cluster_policy, rule, pod):
    policy = cluster_policy(rule("request.namespace == 'default' && namespaceObject.metadata.name == 'default'"))
    assert folder(policy, [result("pass", "web")], pod(namespace="")) == [("passed", "")]


def test_the_user_is_the_one_that_is_told(folder, cluster_policy, rule, pod):
    policy = cluster_policy(rule("request.userInfo.username == 'ann'"))
    told = {"userInfo": {"username": "ann"}}
    assert folder(policy, [result("pass", "web")], pod(), userinfo="user.yaml", **{"user.yaml": told}) == [
        ("passed", "")
    ]


def test_a_context_answers_for_cluster_and_registry(folder, validating_policy, pod):
    expression = (
        "resource.Get('v1', 'configmaps', 'a', 'b').data.x == 'y' && "
        "resource.List('v1', 'configmaps', 'a').items.size() == 1 && image.GetMetadata('app:1').config.User == 'nobody'"
    )
    stored = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "a"}, "data": {"x": "y"}}
    spec = {"resources": [stored], "images": [{"image": "app:1", "config": {"User": "nobody"}}]}
    context = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Context", "spec": spec}
    results = [result("pass", "web", isValidatingPolicy=True)]
    found = folder(validating_policy(expression), results, pod(), context="context.yaml", **{"context.yaml": context})
    assert found == [("passed", "")]


def test_what_asks_a_cluster_is_unsupported_without_a_context(folder, validating_policy, pod):
    ((state, why),) = folder(
        validating_policy("resource.Get('v1', 'pods', 'a', 'b') == {}"), [result("pass", "web")], pod()
    )
    assert (state, why) == ("unsupported", "it hangs on objects of the cluster (resource.Get, resource.List)")


@pytest.mark.parametrize("field", ["exceptions", "clusterResources", "targetResources", "jsonPayload"])
def test_what_is_not_applied_makes_every_case_unsupported(folder, cluster_policy, rule, pod, field):
    found = folder(cluster_policy(rule()), [result("pass", "web", "web")], pod(), **{field: ["x.yaml"]})
    assert [state for state, _ in found] == ["unsupported", "unsupported"]


def test_a_rule_in_another_language_is_unsupported(folder, cluster_policy, rule, pod):
    policy = cluster_policy(rule(validate={"pattern": {"spec": {}}}))
    assert {state for state, _ in folder(policy, [result("pass", "web")], pod())} == {"unsupported"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"resources": ["nobody"]}, "there is no such resource"),
        ({"policy": "none"}, "there is no such policy or rule in the files of the test"),
    ],
)
def test_a_result_about_what_is_not_there_fails(folder, cluster_policy, rule, pod, changed, why):
    assert folder(cluster_policy(rule()), [{**result("pass", "web"), **changed}], pod()) == [("failed", why)]


@pytest.mark.parametrize("results", [None, 3, [], ["x"]])
def test_a_test_without_results_fails(folder, cluster_policy, rule, pod, results):
    assert folder(cluster_policy(rule()), results, pod()) == [("failed", "it has no results")]


@pytest.mark.parametrize("resources", [[3], [None], "web", [{"a": 1}]])
def test_results_of_no_sense_fail_and_never_raise(folder, cluster_policy, rule, pod, resources):
    made = {**result("pass"), "resources": resources}
    assert len(folder(cluster_policy(rule()), [made], pod())) == 1
