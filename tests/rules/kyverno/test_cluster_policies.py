"""Kyverno's ClusterPolicy: what becomes of its rules, and what they say."""

from __future__ import annotations

import pytest

from transom.model.severity import Severity

LATEST = {"name": "app", "image": "app:latest"}


def test_each_rule_is_a_policy_and_so_is_each_generated_one(loaded, cluster_policy, rule):
    assert list(loaded(cluster_policy(rule()))) == [
        "images.tag",
        "images.autogen-tag",
        "images.autogen-cronjob-tag",
    ]


def test_a_finding_says_which_container_of_which_template(loaded, cluster_policy, rule, judged, deployment):
    found = judged(list(loaded(cluster_policy(rule())).values()), deployment({"name": "ok", "image": "a:1"}, LATEST))
    (finding,) = found.findings
    assert (finding.rule, finding.container, finding.message) == ("images.autogen-tag", "app", "latest is used")
    assert finding.place.path == "spec.template.spec.containers[1].image"


def test_texts_come_from_kyvernos_annotations(loaded, cluster_policy, rule):
    said = {"title": "No latest", "severity": "high", "description": "A tag\n  moves."}
    policy = loaded(cluster_policy(rule(), annotations={f"policies.kyverno.io/{key}": said[key] for key in said}))[
        "images.tag"
    ]
    assert (policy.face.title, policy.face.severity, policy.face.why) == (
        "No latest (tag)",
        Severity.HIGH,
        "A tag moves.",
    )


def test_a_policy_without_severity_is_medium(loaded, cluster_policy, rule):
    assert loaded(cluster_policy(rule()))["images.tag"].face.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    ("annotation", "ids"),
    [
        ("none", ["images.tag"]),
        ("Deployment", ["images.tag", "images.autogen-tag"]),
        ("CronJob", ["images.tag", "images.autogen-cronjob-tag"]),
    ],
)
def test_an_annotation_says_which_controllers_are_judged(loaded, cluster_policy, rule, annotation, ids):
    annotations = {"pod-policies.kyverno.io/autogen-controllers": annotation}
    assert list(loaded(cluster_policy(rule(), annotations=annotations))) == ids


@pytest.mark.parametrize(
    "resources",
    [
        {"kinds": ["Pod"], "names": ["web-*"]},
        {"kinds": ["Pod"], "selector": {"matchLabels": {"a": "b"}}},
        {"kinds": ["Pod", "Service"]},
        {"kinds": ["Service"]},
    ],
)
def test_what_hangs_on_more_than_pods_is_not_expanded(loaded, cluster_policy, rule, resources):
    assert list(loaded(cluster_policy(rule("true", resources=resources)))) == ["images.tag"]


@pytest.mark.parametrize(
    ("validate", "word"),
    [({"pattern": {"spec": {}}}, "a pattern"), ({"deny": {"conditions": {}}}, "JMESPath"), ({}, "judges nothing")],
)
def test_a_rule_in_another_language_is_told_and_the_others_load(pack, cluster_policy, rule, validate, word):
    found = pack(cluster_policy(rule(), rule(name="other", validate=validate)))
    assert "images.tag" in {policy.id for policy in found.policies}
    (problem,) = found.problems
    assert problem.reason.startswith("the policy cannot be judged: rule other")
    assert word in problem.reason
    assert problem.rule == "images.other"
    assert problem.next_step


@pytest.mark.parametrize("field", ["mutate", "generate", "verifyImages"])
def test_a_rule_that_does_not_judge_is_told(pack, cluster_policy, field):
    (problem,) = pack(cluster_policy({"name": "other", "match": {}, field: {"a": "b"}})).problems
    assert problem.reason.startswith("the policy cannot be judged: rule other: it")


def test_a_broken_expression_is_told_once_with_its_line(pack, cluster_policy, rule):
    (problem,) = pack(cluster_policy(rule("object.spec.containers.all(c"))).problems
    assert problem.reason.startswith("the policy does not load")
    assert problem.locator.line == 1


def test_a_message_of_the_rule_stands_for_that_of_its_expressions(loaded, cluster_policy, rule, judged, pod):
    validate = {"message": "of the\nrule", "cel": {"expressions": [{"expression": "false"}]}}
    found = judged(loaded(cluster_policy(rule(validate=validate)))["images.tag"], pod())
    assert found.findings[0].message == "of the rule"


def test_parameters_come_from_the_files_beside(loaded, cluster_policy, rule, judged, pod):
    cel = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "paramRef": {"name": "allowed", "namespace": "shop", "parameterNotFoundAction": "Deny"},
        "expressions": [{"expression": "object.metadata.name in params.data", "message": "not allowed"}],
    }
    data = {"web": "yes"}
    allowed = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "allowed", "namespace": "shop"},
        "data": data,
    }
    policy = loaded(cluster_policy(rule(validate={"cel": cel})), allowed)["images.tag"]
    found = judged(policy, pod(name="web"), pod(name="other"))
    assert [finding.ref.name for finding in found.findings] == ["other"]


def test_a_policy_of_a_namespace_judges_that_namespace_alone(loaded, cluster_policy, rule, judged, pod):
    value = cluster_policy(rule(), kind="Policy")
    value["metadata"]["namespace"] = "shop"
    policy = loaded(value)["shop.images.tag"]
    assert len(judged(policy, pod(LATEST, namespace="shop")).findings) == 1
    assert not judged(policy, pod(LATEST, namespace="bank")).findings


def test_what_asserts_a_status_is_no_policy(pack, cluster_policy):
    value = cluster_policy()
    del value["spec"]
    found = pack(value)
    assert not found.policies
    assert not found.problems


def test_a_message_of_several_lines_is_told_in_one(loaded, cluster_policy, rule, judged, pod):
    cel = {"expressions": [{"expression": "false", "message": "first\n\nsecond"}]}
    found = judged(loaded(cluster_policy(rule(validate={"cel": cel})))["images.tag"], pod())
    assert found.findings[0].message == "first second"
