"""Kyverno's ValidatingPolicy: what it generates, and what its functions know."""

from __future__ import annotations

import pytest

from transom.rules.evaluate import evaluate

LATEST = {"name": "app", "image": "app:latest"}


@pytest.fixture
def says(loaded, validating_policy, subject, pod):
    """Evaluate one expression on a pod; returns whether it holds, or what it hangs on."""

    def run(expression, value=None, **fields):
        policy = loaded(validating_policy(expression))["images"]
        verdict = evaluate(policy, subject(value or pod(), **fields))
        return verdict.unknown or not verdict.failures

    return run


def test_what_makes_pods_is_judged_by_generated_policies(loaded, validating_policy, judged, deployment):
    policies = loaded(validating_policy("object.spec.containers.all(c, !c.image.endsWith(':latest'))"))
    assert list(policies) == ["images", "images.autogen-defaults", "images.autogen-cronjobs"]
    (finding,) = judged(list(policies.values()), deployment(LATEST)).findings
    assert (finding.rule, finding.container) == ("images.autogen-defaults", "app")


def test_the_name_of_a_workload_stays_its_own(loaded, validating_policy, judged, deployment):
    policies = loaded(validating_policy("object.metadata.name == 'web' && 'app' in object.metadata.labels"))
    assert not judged(list(policies.values()), deployment()).findings


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({"autogen": {"podControllers": {"controllers": []}}}, 1),
        ({"autogen": {"podControllers": {"controllers": ["cronjobs"]}}}, 2),
        ({"autogen": {"podControllers": {"controllers": ["deployments", "jobs"]}}}, 2),
    ],
)
def test_a_policy_says_for_which_controllers(loaded, validating_policy, spec, count):
    assert len(loaded(validating_policy("true", **spec))) == count


@pytest.mark.parametrize(
    "narrowed",
    [
        {"objectSelector": {"matchLabels": {"a": "b"}}},
        {"namespaceSelector": {"matchLabels": {"a": "b"}}},
    ],
)
def test_a_policy_that_selects_by_labels_is_not_expanded(loaded, validating_policy, narrowed):
    match = {**validating_policy()["spec"]["matchConstraints"], **narrowed}
    assert list(loaded(validating_policy("true", matchConstraints=match))) == ["images"]


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("resource.Get('v1', 'configmaps', 'a', 'b').data.x == 'y'", "objects of the cluster"),
        ("resource.List('v1', 'configmaps', '').items.size() == 0", "objects of the cluster"),
        ("http.Get('https://example.test').ok == true", "a web service"),
        ("image.GetMetadata('nginx').config.Env.size() > 0", "registry"),
        ("globalContext.Get('entry') == 1", "for all policies"),
        ("x509.decode('cert').x == 1", "a certificate"),
        ("yaml.parse('a: 1').a == 1", "a YAML text"),
    ],
)
def test_what_needs_the_world_outside_is_unknown(says, expression, what):
    assert what in says(expression)


def test_a_policy_that_hangs_on_the_cluster_is_skipped_with_that_reason(loaded, validating_policy, judged, pod):
    policies = loaded(validating_policy("resource.Get('v1', 'configmaps', 'a', 'b').data.x == 'y'"))
    (skipped,) = judged(list(policies.values()), pod()).skipped
    assert "it hangs on objects of the cluster (resource.Get, resource.List)" in skipped.reason


@pytest.mark.parametrize(
    "expression",
    [
        "image('nginx').registry() == 'index.docker.io' && image('nginx').repository() == 'library/nginx'",
        "image('nginx').tag() == 'latest' && image('nginx').identifierWithSeparator() == ':latest'",
        "image('r.test:5000/a/b:1').registry() == 'r.test:5000' && image('r.test:5000/a/b:1').tag() == '1'",
        "image('a/b').repository() == 'a/b' && !image('a/b').containsDigest()",
        "parseImageReference('a@sha256:" + "0" * 64 + "').containsDigest()",
        "image('a@sha256:" + "0" * 64 + "').tag() == '' && image('a:1@sha256:" + "0" * 64 + "').identifier() == "
        "'sha256:" + "0" * 64 + "'",
        "isImage('nginx:1') && !isImage('UPPER') && !isImage('a@sha256:1') && !isImage('a:')",
        "parseServiceAccount('system:serviceaccount:shop:web').Name == 'web'",
        "user.parseServiceAccount('someone').Namespace == ''",
        "sha256('') == 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
        "md5('a') == hash.md5('a') && sha1('a') == hash.sha1('a')",
        """json.unmarshal('{"a": [1]}').a[0] == 1""",
        """json.marshal({'b': 1, 'a': 2}) == '{"a":2,"b":1}'""",
        "listObjToMap([{'k': 'a'}], [{'v': 1}], 'k', 'v') == {'a': 1}",
        "time.toCron(timestamp('2026-03-01T04:05:06Z')) == '5 4 1 3 0'",
        "time.truncate(timestamp('2026-03-01T04:05:06Z'), duration('1h')) == timestamp('2026-03-01T04:00:00Z')",
        "time.now() > timestamp('2020-01-01T00:00:00Z')",
        "base64.encode(b'a') == 'YQ==' && math.abs(-1) == 1 && exceptions.allowedImages.size() == 0",
    ],
)
def test_functions_on_texts_and_times_work_on_files(says, expression):
    assert says(expression) is True


@pytest.mark.parametrize("expression", ["image('UPPER').tag() == ''", "json.unmarshal('{') == 1"])
def test_a_function_that_cannot_answer_refuses(loaded, validating_policy, subject, pod, expression):
    verdict = evaluate(loaded(validating_policy(expression))["images"], subject(pod()))
    assert verdict.failures[0].error


@pytest.mark.parametrize(
    "expression", ["image('a').tag() == ''", "resource.Get('', '', '', '') == {}", "sha1('') == ''"]
)
def test_policies_of_the_api_server_know_none_of_kyvernos_functions(pack, policy_object, expression):
    (problem,) = pack(policy_object(expression)).problems
    assert "undeclared" in problem.reason


def test_a_policy_about_json_is_told(pack, validating_policy):
    (problem,) = pack(validating_policy("true", evaluation={"mode": "JSON"})).problems
    assert problem.reason == "the policy cannot be judged: it judges what is sent as JSON, not objects of Kubernetes"


@pytest.mark.parametrize(
    "kind", ["MutatingPolicy", "GeneratingPolicy", "ImageValidatingPolicy", "NamespacedDeletingPolicy"]
)
def test_policies_that_do_not_judge_objects_are_told(pack, validating_policy, kind):
    (problem,) = pack({**validating_policy("true"), "kind": kind}).problems
    assert problem.reason.startswith("the policy cannot be judged: it")


def test_a_namespaced_policy_judges_its_namespace_alone(loaded, validating_policy, judged, pod):
    value = {**validating_policy("false"), "kind": "NamespacedValidatingPolicy"}
    value["metadata"]["namespace"] = "shop"
    policy = loaded(value)["shop.images"]
    assert len(judged(policy, pod(namespace="shop")).findings) == 1
    assert not judged(policy, pod(namespace="bank")).findings


def test_what_is_no_optional_is_taken_for_what_one_holds(says):
    assert says("object.spec.containers.orValue([]).size() == 1") is True
