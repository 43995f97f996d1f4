"""Examples beside rules: what passes, what fails and says how, what cannot be judged."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from transom.model.errors import UsageError
from transom.rules.examples import run_examples
from transom.rules.load import BUILTIN_FOLDER
from transom.scan import assess

EXPRESSION = "object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))"
EXPAND = {"transom.dev/expand": "true"}


def container(name, privileged):
    return {"name": name, "securityContext": {"privileged": privileged}}


@pytest.fixture
def outcomes(tmp_path, policy_object):
    """Run examples of a rule; each argument is an example or the text of the test file."""

    def run(good=None, bad=None, *, text=None, expression=EXPRESSION, beside=(), **fields):
        fields.setdefault("annotations", EXPAND)
        rule = policy_object(expression, **fields)
        (tmp_path / "rule.yaml").write_text("\n---\n".join(map(json.dumps, (rule, *beside))))
        if text is None:
            text = json.dumps(
                {"good": [{"name": "g", **good}] if good else [], "bad": [{"name": "b", **bad}] if bad else []}
            )
        (tmp_path / "rule.test.yaml").write_text(text)
        return list(run_examples([str(tmp_path)]))

    return run


@pytest.fixture
def good(pod):
    return {"object": pod(container("a", False))}


@pytest.fixture
def bad(pod):
    return {"object": pod(container("a", True))}


def states(found):
    return [(each.example, each.state) for each in found]


def test_examples_that_keep_their_promise_pass(outcomes, good, bad):
    assert states(outcomes(good, bad)) == [("g", "passed"), ("b", "passed")]


def test_examples_that_do_not_fail_and_say_how(outcomes, good, bad):
    first, second = outcomes(bad, good)
    assert (first.state, second.state) == ("failed", "failed")
    assert "found: rule fails at spec.containers[0].securityContext.privileged" in first.why
    assert second.why == "nothing was found"


@pytest.mark.parametrize(
    ("promise", "why"),
    [
        ({"at": "spec.containers[0].securityContext.privileged"}, ""),
        ({"at": "spec.containers[1]"}, "not at spec.containers[1]"),
        ({"container": "a"}, ""),
        ({"container": "b"}, "found in container a, not in b"),
        ({"findings": 1}, ""),
        ({"findings": 2}, "1 findings, not 2"),
    ],
)
def test_place_container_and_number_are_held_to(outcomes, good, bad, promise, why):
    found = outcomes(good, {**bad, **promise})[1]
    assert why in found.why
    assert (found.state == "passed") is (why == "")


@pytest.mark.parametrize(("kind", "missing"), [("good", "bad"), ("bad", "good")])
def test_a_rule_needs_a_good_and_a_bad_example(outcomes, good, bad, kind, missing):
    found = outcomes(**{kind: good if kind == "good" else bad})
    assert ("failed", f"it has no {missing} example") in [(each.state, each.why) for each in found]


def test_a_rule_without_examples_fails(tmp_path, policy_object):
    (tmp_path / "rule.yaml").write_text(json.dumps(policy_object("true")))
    (found,) = run_examples([str(tmp_path)])
    assert (found.state, found.why) == ("failed", "there is no rule.test.yaml beside the rule")


def test_a_rule_that_does_not_load_fails(tmp_path, policy_object):
    (tmp_path / "rule.yaml").write_text(json.dumps(policy_object("nothing")))
    (found,) = run_examples([str(tmp_path)])
    assert (found.state, found.example) == ("failed", "the policy")
    assert "rule.yaml:1: " in found.why


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("good: [", "rule.test.yaml"),
        ("[]", "more than good and bad"),
        ("other: []", "more than good and bad"),
        ("good: 3", "good is no list"),
        ("good: [3]", "good example 1: it has no name"),
        ("good: [{name: a}]", "no object with apiVersion and kind"),
        ("good: [{name: a, object: {kind: Pod}}]", "no object with apiVersion and kind"),
        ("bad: [{name: a, objekt: {}}]", "bad example 1: unknown field objekt"),
        ("bad: [{name: a, object: {apiVersion: v1, kind: Pod}, operation: CONNECT}]", "operation is not one of"),
        ("bad: [{name: a, object: {apiVersion: v1, kind: Pod}, userInfo: me}]", "userInfo is no map"),
        ("bad: [{name: a, object: {apiVersion: v1, kind: Pod}, params: 1}]", "params is no object"),
    ],
)
def test_a_test_file_that_cannot_be_read_fails(outcomes, text, told):
    (found,) = outcomes(text=text)
    assert found.state == "failed"
    assert told in found.why


def test_an_example_of_a_kind_that_no_rule_reads_fails(outcomes, bad):
    found = outcomes({"object": {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}}, bad)
    assert "the rule is not about a Service of v1" in found[0].why


def test_what_an_example_does_not_tell_is_unsupported(outcomes, good, bad):
    found = outcomes(good, bad, expression="request.userInfo.username == 'a'")
    assert [each.state for each in found] == ["unsupported", "unsupported"]
    assert "the requesting user" in found[0].why


def test_an_example_may_tell_the_requesting_user(outcomes, good):
    given = [{**good, "userInfo": {"username": name}} for name in "ab"]
    found = outcomes(*given, expression="request.userInfo.username == 'a'")
    assert states(found) == [("g", "passed"), ("b", "passed")]


def test_an_example_may_tell_the_object_before(outcomes, good, bad):
    same = {**bad, "oldObject": bad["object"]}
    changed = {**bad, "oldObject": good["object"]}
    assert states(outcomes(same, changed, expression="oldObject == object")) == [("g", "passed"), ("b", "passed")]


def test_an_example_may_tell_the_namespace(outcomes, pod):
    made = [
        {"object": pod(namespace=""), "namespace": {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}}
        for metadata in ({"name": "a", "labels": {"env": "prod"}}, {"name": "a", "labels": {"env": "dev"}})
    ]
    expression = "namespaceObject.metadata.labels.env == 'prod' && request.namespace == 'a'"
    assert states(outcomes(*made, expression=expression)) == [("g", "passed"), ("b", "passed")]


def test_an_example_may_bring_its_parameters(outcomes, good, pod):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rule"}}
    made = [{"object": pod(), "params": {**config, "data": {"name": name}}} for name in ("web", "db")]
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    found = outcomes(*made, expression="params.data.name == 'web'", paramKind=kind)
    assert states(found) == [("g", "passed"), ("b", "passed")]


def test_an_example_may_be_of_a_deletion(outcomes, pod):
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["pods"]}]
    made = [{"object": pod(name=name), "operation": "DELETE"} for name in ("web", "db")]
    match = {"matchConstraints": {"resourceRules": rules}, "annotations": {}}
    found = outcomes(*made, expression="object == null && oldObject.metadata.name == 'web'", **match)
    assert states(found) == [("g", "passed"), ("b", "passed")]


def test_a_verdict_that_differs_in_a_workload_fails(outcomes, pod):
    found = outcomes({"object": pod()}, {"object": pod(name="db")}, expression="request.kind.kind == 'Pod'")
    assert "in a Deployment and its native form, found: " in found[0].why


def test_each_rule_of_a_file_has_examples_of_its_own_name(tmp_path, policy_object, good, bad):
    rules = [policy_object(EXPRESSION, name=name) for name in ("one", "two")]
    (tmp_path / "both.yaml").write_text("\n---\n".join(map(json.dumps, rules)))
    examples = json.dumps({"good": [{"name": "g", **good}], "bad": [{"name": "b", **bad}]})
    (tmp_path / "one.test.yaml").write_text(examples)
    found = list(run_examples([str(tmp_path)]))
    assert [(each.rule, each.state) for each in found] == [("one", "passed"), ("one", "passed"), ("two", "failed")]
    assert "two.test.yaml" in found[2].why


def test_a_folder_without_files_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError):
        list(run_examples([str(tmp_path)]))


def test_every_example_of_the_built_in_rules_passes():
    found = list(run_examples([str(BUILTIN_FOLDER)], assess=assess))
    assert [each for each in found if each.state != "passed"] == []
    assert Counter(each.rule for each in found)
