"""Gatekeeper's templates in CEL with their constraints."""

from __future__ import annotations

import pytest

LABELS = "variables.params.labels.all(l, l in variables.anyObject.metadata.?labels.orValue({}))"


@pytest.fixture
def template():
    """Build a template; source: of its CEL engine, None for one in Rego alone."""

    def build(source=None, rego=False):
        source = source or {"validations": [{"expression": LABELS, "messageExpression": "'labels are missing'"}]}
        rego_code = {"engine": "Rego", "source": {"rego": "package x"}}
        code = [rego_code] if rego else [rego_code, {"engine": "K8sNativeValidation", "source": source}]
        annotations = {"metadata.gatekeeper.sh/title": "Required labels", "description": "Who owns it\n must be told."}
        return {
            "apiVersion": "templates.gatekeeper.sh/v1",
            "kind": "ConstraintTemplate",
            "metadata": {"name": "requiredlabels", "annotations": annotations},
            "spec": {
                "crd": {"spec": {"names": {"kind": "RequiredLabels"}}},
                "targets": [{"target": "admission.k8s.gatekeeper.sh", "code": code}],
            },
        }

    return build


@pytest.fixture
def constraint():
    """Build a constraint about Pods; keywords are fields of its match."""

    def build(named="owner", **match):
        match.setdefault("kinds", [{"apiGroups": [""], "kinds": ["Pod"]}])
        return {
            "apiVersion": "constraints.gatekeeper.sh/v1beta1",
            "kind": "RequiredLabels",
            "metadata": {"name": named},
            "spec": {"match": match, "parameters": {"labels": ["owner"]}},
        }

    return build


def test_a_template_and_its_constraint_are_a_policy(pack, template, constraint, judged, pod):
    (policy,) = pack(constraint(), template()).policies
    assert (policy.id, policy.face.title, policy.face.why) == (
        "requiredlabels.owner",
        "Required labels",
        "Who owns it must be told.",
    )
    found = judged(policy, pod(), pod(name="good", labels={"owner": "ann"}))
    assert [(finding.ref.name, finding.message) for finding in found.findings] == [("web", "labels are missing")]


@pytest.mark.parametrize(
    ("match", "count"),
    [
        ({}, 1),
        ({"namespaces": ["sh*"]}, 1),
        ({"namespaces": ["bank"]}, 0),
        ({"excludedNamespaces": ["*-system", "shop"]}, 0),
        ({"excludedNamespaces": ["sho"]}, 1),
        ({"name": "we*"}, 1),
        ({"name": "other"}, 0),
        ({"labelSelector": {"matchLabels": {"a": "b"}}}, 0),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}, 1),
        ({"scope": "Cluster"}, 0),
        ({"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}]}, 1),
        ({"kinds": [{"apiGroups": ["apps"], "kinds": ["Pod"]}]}, 0),
    ],
)
def test_a_constraint_says_what_it_is_about(pack, template, constraint, judged, pod, match, count):
    (policy,) = pack(template(), constraint(**match)).policies
    assert len(judged(policy, pod()).findings) == count


def test_a_template_in_rego_is_told_once_whatever_uses_it(pack, template, constraint):
    found = pack(template(rego=True), constraint(), constraint("team"))
    (problem,) = found.problems
    assert problem.reason == "the policy cannot be judged: the template is written in Rego, not in CEL"
    assert problem.next_step
    assert not found.policies


def test_a_constraint_without_its_template_is_told(pack, constraint):
    (problem,) = pack(constraint()).problems
    assert problem.reason == "the policy does not load: there is no template of RequiredLabels"


def test_a_template_without_a_constraint_is_told(pack, template):
    (problem,) = pack(template()).problems
    assert "no constraint uses the template" in problem.reason


def test_variables_may_not_be_those_that_gatekeeper_gives(pack, template, constraint):
    source = {"variables": [{"name": "params", "expression": "1"}], "validations": [{"expression": "true"}]}
    (problem,) = pack(template(source), constraint()).problems
    assert "another variable params" in problem.reason


@pytest.mark.parametrize(
    "match", [{"namespaces": ["a[b"]}, {"wrong": 1}, {"scope": "x"}, {"source": "Generated"}, {"kinds": 3}]
)
def test_a_match_of_no_sense_is_told(pack, template, constraint, match):
    assert len(pack(template(), constraint(**match)).problems) == 1


@pytest.mark.parametrize("targets", [None, [], [1], [{}, {}], [{"code": 3}]])
def test_a_template_of_no_sense_is_told(pack, template, constraint, targets):
    value = template()
    value["spec"]["targets"] = targets
    assert len(pack(value, constraint()).problems) == 1
