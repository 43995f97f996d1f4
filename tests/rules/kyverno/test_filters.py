"""match and exclude of Kyverno's rules."""

from __future__ import annotations

import pytest

from transom.rules.evaluate import evaluate
from transom.rules.kyverno.filters import KindSelector, filtered, kind_selector

SYSTEM = {"username": "admin", "groups": ["system:masters"], "roles": [], "clusterRoles": ["cluster-admin"]}
NOBODY = {"username": "", "groups": [], "roles": [], "clusterRoles": []}


@pytest.fixture
def applies(loaded, cluster_policy, rule, subject):
    """Tell whether a rule with filters is about an object; "" for yes and no, else what it hangs on."""

    def run(value, match=None, exclude=None, **fields):
        made = rule("true")
        made["match"] = match or made["match"]
        if exclude:
            made["exclude"] = exclude
        annotations = {"pod-policies.kyverno.io/autogen-controllers": "none"}
        policy = loaded(cluster_policy(made, annotations=annotations))["images.tag"]
        verdict = evaluate(policy, subject(value, **fields))
        return verdict.unknown or verdict.applies

    return run


def of(**resources):
    return {"any": [{"resources": {"kinds": ["Pod"], **resources}}]}


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("Pod", ("*", "*", "Pod", "")),
        ("v1/Pod", ("*", "v1", "Pod", "")),
        ("Pod/exec", ("*", "*", "Pod", "exec")),
        ("Pod.status", ("*", "*", "Pod", "status")),
        ("apps/v1/Deployment", ("apps", "v1", "Deployment", "")),
        ("apps/v1/Deployment/scale", ("apps", "v1", "Deployment", "scale")),
        ("*/*", ("*", "*", "*", "*")),
        ("*/Pod", ("*", "*", "Pod", "")),
    ],
)
def test_kinds_are_read_as_kyverno_reads_them(text, selector):
    assert kind_selector(text) == KindSelector(*selector)


def test_kinds_and_operations_alone_need_no_condition():
    assert filtered({"match": of(operations=["CREATE"])}, ()).condition == ""


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"names": ["w?b", "x"]}, True),
        ({"names": ["x*"]}, False),
        ({"name": "web"}, True),
        ({"namespaces": ["sh*"]}, True),
        ({"namespaces": ["bank"]}, False),
        ({"selector": {"matchLabels": {"tier": "f*"}}}, True),
        ({"selector": {"matchLabels": {"tier": "back"}}}, False),
        ({"selector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]}}, True),
        ({"selector": {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}}, False),
        ({"selector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]}}, True),
        ({"selector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}, False),
        ({"annotations": {"note": "*"}}, False),
        ({"operations": ["DELETE"]}, False),
    ],
)
def test_every_part_of_a_filter_narrows_it(applies, pod, resources, expected):
    assert applies(pod(labels={"tier": "front"}), of(**resources)) is expected


def test_any_needs_one_filter_and_all_needs_every_one(applies, pod):
    entries = [{"resources": {"kinds": ["Pod"], "names": [name]}} for name in ("web", "x")]
    assert applies(pod(), {"any": entries}) is True
    assert applies(pod(), {"all": entries}) is False


def test_what_is_excluded_is_not_judged(applies, pod):
    assert applies(pod(), None, {"any": [{"resources": {"namespaces": ["shop"]}}]}) is False
    assert applies(pod(), None, {"any": [{"resources": {"namespaces": ["bank"]}}]}) is True


def test_an_empty_exclusion_excludes_nothing(applies, pod):
    assert applies(pod(), None, {"any": [{}]}) is True


def test_who_asks_is_unknown_on_files(applies, pod):
    assert "user" in applies(pod(), None, {"clusterRoles": ["cluster-admin"]})


@pytest.mark.parametrize(("user", "expected"), [(SYSTEM, False), (NOBODY, True)])
def test_a_user_who_is_known_is_excluded_by_role(applies, pod, user, expected):
    assert applies(pod(), None, {"clusterRoles": ["cluster-admin"]}, user=user) is expected


@pytest.mark.parametrize("name", ["cluster-*", "system:masters"])
def test_subjects_are_matched_with_wildcards(applies, pod, name):
    subjects = [{"kind": "Group", "name": name}]
    assert applies(pod(), None, {"subjects": subjects}, user=SYSTEM) is (name == "cluster-*")


def test_a_filter_with_an_unknown_field_does_not_load(pack, cluster_policy, rule):
    (problem,) = pack(cluster_policy(rule(resources={"kinds": ["Pod"], "names": ["x"], "wrong": 1}))).problems
    assert "unknown field wrong" in problem.reason


@pytest.mark.parametrize("match", [None, {}, {"any": 3}, {"any": ["x"]}, {"any": [{"resources": 3}]}, [1]])
def test_a_match_of_no_sense_is_told(pack, cluster_policy, rule, match):
    assert len(pack(cluster_policy({**rule(), "match": match})).problems) == 1


def test_more_names_than_an_expression_holds_are_refused_with_a_reason(pack, cluster_policy, rule):
    names = [f"n{number}" for number in range(30_000)]
    (problem,) = pack(cluster_policy(rule(resources={"kinds": ["Pod"], "namespaces": names}))).problems
    assert "it names too much to be judged" in problem.reason


def test_names_are_texts_whatever_stands_in_them(loaded, cluster_policy, rule):
    names = ['"', "\\", "'", "😀", "a.*b?"]
    assert "images.tag" in loaded(cluster_policy(rule(resources={"kinds": ["Pod"], "names": names})))
