"""One policy on one object: verdicts, messages, parameters, bindings."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from transom.rules.evaluate import NOT_ABOUT_IT, PASSED, evaluate

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap"}


def config(name="rule", namespace=None, labels=None, /, **data):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels or {}}
    return {**CONFIG, "metadata": metadata, "data": data}


def binding(title="binding", /, match=None, **reference):
    spec = {"policyName": "rule", "validationActions": ["Deny"]}
    if reference:
        spec["paramRef"] = {"parameterNotFoundAction": "Deny", **reference}
    if match:
        spec["matchResources"] = match
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": title},
        "spec": spec,
    }


@pytest.fixture
def verdict(policy, subject, pod):
    """Return the verdict of a policy of these expressions on a pod."""

    def run(*expressions, value=None, about=None, **fields):
        return evaluate(policy(*expressions, **fields), subject(value or pod(), **(about or {})))

    return run


def test_a_true_validation_passes(verdict):
    assert verdict("object.kind == 'Pod'") == PASSED


def test_every_false_validation_is_a_failure(verdict):
    found = verdict("true", "object.metadata.name == 'db'", "false")
    assert [(each.index, each.message, each.error) for each in found.failures] == [
        (1, "rule fails", ""),
        (2, "rule fails", ""),
    ]


def test_an_error_is_a_failure_that_says_why(verdict):
    (failure,) = verdict("object.spec.hostNetwork == false").failures
    assert "hostNetwork" in failure.error


@pytest.mark.parametrize("expression", ["has(object.spec.containers.a)", "object.spec.?containers.?a.hasValue()"])
def test_looking_for_a_field_of_a_list_is_an_error(verdict, expression):
    assert verdict(f"!{expression}").failures[0].error


def test_an_object_of_another_kind_is_not_judged(policy, subject):
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    assert evaluate(policy("false"), subject(service)) == NOT_ABOUT_IT


@pytest.mark.parametrize(
    ("expression", "message", "told"),
    [
        ("'no ' + object.metadata.name", "static", "no web"),
        ("string(object.missing)", "static", "static"),
        ("''", "static", "static"),
        ("' '", "static", "static"),
        ("'a\\nb'", "static", "static"),
        ("'a'.replace('a', 'aaaaaaaaaa').replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')", "static", "a" * 330),
        ("string(object.metadata.labels.long)", "static", "static"),
        ("string(object.missing)", "", "failed expression: false"),
    ],
)
def test_a_message_expression_gives_the_message_where_it_fits(verdict, pod, expression, message, told):
    validation = {"expression": " false\n", "messageExpression": expression}
    validation |= {"message": message} if message else {}
    found = verdict(validations=[validation], value=pod(labels={"long": "x" * 5121}))
    assert found.failures[0].message == told


def test_variables_are_lazy(verdict):
    variables = [{"name": "broken", "expression": "object.missing"}, {"name": "one", "expression": "1"}]
    assert verdict("variables.one == 1", variables=variables) == PASSED


def test_variables_read_earlier_ones(verdict):
    variables = [{"name": "one", "expression": "1"}, {"name": "two", "expression": "variables.one + 1"}]
    assert verdict("variables.two == 2", variables=variables) == PASSED


@pytest.mark.parametrize(
    ("conditions", "applies", "failed"),
    [
        (["true", "true"], True, 1),
        (["true", "false"], False, 0),
        (["object.missing == 1"], True, 1),
        (["object.missing == 1", "false"], False, 0),
        (["request.userInfo.username == 'a'", "false"], False, 0),
    ],
)
def test_a_false_match_condition_outweighs_those_that_fail(verdict, conditions, applies, failed):
    named = [{"name": f"c{number}", "expression": each} for number, each in enumerate(conditions)]
    found = verdict("false", matchConditions=named)
    assert (found.applies, len(found.failures)) == (applies, failed)


def test_a_match_condition_that_fails_is_named(verdict):
    found = verdict("true", matchConditions=[{"name": "cond", "expression": "object.missing == 1"}])
    assert found.failures[0].error.startswith("match condition cond: ")


@pytest.mark.parametrize(
    ("expression", "unknown"),
    [
        ("request.userInfo.username == 'a'", "the requesting user"),
        ("authorizer.group('').resource('pods').check('get').allowed()", "the authorizer decides"),
        ("request.dryRun", "dry run"),
        ("request.options.a == 1", "options"),
        ("namespaceObject.metadata.name == 'shop'", ""),
        ("false || request.dryRun", "dry run"),
    ],
)
def test_what_files_cannot_tell_is_unknown(verdict, expression, unknown):
    found = verdict(expression)
    assert unknown in found.unknown
    assert found.failures == () or not unknown


@pytest.mark.parametrize(
    "expression", ["true || request.dryRun", "request.dryRun || true", "!(false && request.dryRun)"]
)
def test_an_unknown_that_does_not_matter_hinders_nothing(verdict, expression):
    assert verdict(expression) == PASSED


def test_a_failure_beside_an_unknown_is_still_a_failure(verdict):
    found = verdict("request.dryRun", "false")
    assert (bool(found.unknown), len(found.failures)) == (True, 1)


@pytest.mark.parametrize(
    "expression",
    [
        "request.operation == 'CREATE'",
        "request.namespace == 'shop' && request.name == 'web'",
        "request.kind.kind == 'Pod' && request.kind.group == '' && request.kind.version == 'v1'",
        "request.resource.resource == 'pods' && request.subResource == ''",
        "request.requestKind == request.kind && request.requestResource == request.resource",
        "oldObject == null",
    ],
)
def test_what_is_known_of_a_request_on_files(verdict, expression):
    assert verdict(expression) == PASSED


def test_a_namespace_that_no_file_names_is_unknown(verdict, pod):
    assert "namespace" in verdict("request.namespace == ''", value=pod(namespace="")).unknown


def test_deletion_has_an_old_object_only(policy, subject, pod):
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["DELETE"], "resources": ["pods"]}]
    loaded = policy("object == null && oldObject.kind == 'Pod'", matchConstraints={"resourceRules": rules})
    assert evaluate(loaded, subject(None, operation="DELETE", old_object=pod())) == PASSED


# parameters and bindings


@pytest.fixture
def with_params(policy, subject, pod):
    """Return the verdict of a policy that wants params.data.name to be the pod's name."""

    def run(*beside, value=None):
        loaded = policy("params.data.name == object.metadata.name", paramKind=CONFIG, beside=beside)
        return evaluate(loaded, subject(value or pod()))

    return run


@pytest.mark.parametrize(
    ("reference", "failures"),
    [
        ({"name": "good", "namespace": "shop"}, 0),
        ({"name": "bad", "namespace": "shop"}, 1),
        ({"name": "good"}, 0),
        ({"name": "elsewhere"}, 1),
        ({"name": "elsewhere", "parameterNotFoundAction": "Allow"}, 0),
        ({"name": "elsewhere", "namespace": "bank"}, 0),
        ({"selector": {"matchLabels": {"use": "yes"}}}, 1),
        ({"selector": {"matchLabels": {"use": "no"}}}, 1),
        ({"selector": {}}, 1),
    ],
)
def test_a_binding_chooses_parameters(with_params, reference, failures):
    beside = (
        binding(**reference),
        config("good", "shop", {"use": "yes"}, name="web"),
        config("bad", "shop", {"use": "yes"}, name="db"),
        config("elsewhere", "bank", name="web"),
    )
    assert len(with_params(*beside).failures) == failures


def test_all_parameter_objects_must_be_satisfied(with_params):
    beside = (binding(selector={}), config("a", "shop", name="web"), config("b", "shop", name="db"))
    assert len(with_params(*beside).failures) == 1


def test_parameters_that_are_not_there_are_an_error(with_params):
    (failure,) = with_params(binding(name="none")).failures
    assert "not there" in failure.error


def test_parameters_without_a_binding_count(with_params):
    assert with_params(config("any", "anywhere", name="web")) == PASSED


def test_parameters_that_no_file_tells_are_unknown(with_params):
    assert "its parameters" in with_params().unknown


def test_parameters_from_an_unknown_namespace_are_unknown(with_params, pod):
    beside = (binding(name="a"), config("a", "shop", name="web"))
    assert "namespace" in with_params(*beside, value=pod(namespace="")).unknown


def test_parameters_are_null_where_the_binding_names_none(policy, subject, pod):
    loaded = policy("params == null", paramKind=CONFIG, beside=(binding(),))
    assert evaluate(loaded, subject(pod())) == PASSED


def test_a_cluster_wide_object_needs_the_namespace_of_its_parameters(policy, subject):
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nodes"]}]
    beside = (binding(name="a"), config("a", "shop"))
    loaded = policy("true", paramKind=CONFIG, matchConstraints={"resourceRules": rules}, beside=beside)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    assert "names no namespace" in evaluate(loaded, subject(node)).failures[0].error


def test_bindings_only_narrow(policy, subject, pod):
    services = {"resourceRules": [{**_RULE, "resources": ["services"]}]}
    selected = {"objectSelector": {"matchLabels": {"a": "b"}}}
    assert evaluate(policy("false", beside=(binding(match=services),)), subject(pod())) == NOT_ABOUT_IT
    narrowed = policy("false", beside=(binding(match=selected),))
    assert evaluate(narrowed, subject(pod())) == NOT_ABOUT_IT
    assert evaluate(narrowed, subject(pod(labels={"a": "b"}))).failures
    everything = {"resourceRules": [{**_RULE, "resources": ["*"], "apiGroups": ["*"]}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    assert evaluate(policy("false", beside=(binding(match=everything),)), subject(service)) == NOT_ABOUT_IT


_RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}


def test_one_binding_that_holds_is_enough(policy, subject, pod):
    never = {"resourceRules": [{**_RULE, "resources": ["services"]}]}
    loaded = policy("false", beside=(binding("a", match=never), binding("b")))
    assert evaluate(loaded, subject(pod())).failures


def test_ignoring_errors_is_left_to_whoever_tells_them(policy, subject, pod):
    loaded = replace(policy("object.missing == 1"), fail=False)
    assert evaluate(loaded, subject(pod())).failures[0].error
