"""matchConstraints as the API server reads them."""

from __future__ import annotations

import pytest

from transom.kube.kinds import kind_of
from transom.lang.cel.errors import CannotKnow
from transom.rules.match import Request, always_matches, could_match, matches
from transom.rules.policy import Match, ResourceRule

POD = kind_of("v1", "Pod")
DEPLOYMENT = kind_of("apps/v1", "Deployment")
NAMESPACE = kind_of("v1", "Namespace")
NODE = kind_of("v1", "Node")


def rule(resources="pods", groups="", versions="v1", operations="CREATE", names=(), scope="*"):
    words = [tuple(each.split(",")) for each in (groups, versions, operations, resources)]
    return ResourceRule(*words, names, scope)


@pytest.mark.parametrize(
    ("given", "request_", "holds"),
    [
        (rule(), Request(POD), True),
        (rule("*"), Request(POD), True),
        (rule("services"), Request(POD), False),
        (rule(groups="*"), Request(DEPLOYMENT), False),
        (rule("*", "*", "*", "*"), Request(DEPLOYMENT), True),
        (rule("deployments", "apps"), Request(DEPLOYMENT), True),
        (rule("deployments", ""), Request(DEPLOYMENT), False),
        (rule(operations="UPDATE"), Request(POD), False),
        (rule(operations="*"), Request(POD, operation="DELETE"), True),
        (rule("pods/exec"), Request(POD), False),
        (rule("pods/exec"), Request(POD, subresource="exec"), True),
        (rule("pods/*"), Request(POD, subresource="exec"), True),
        (rule("*/exec"), Request(POD, subresource="exec"), True),
        (rule("*"), Request(POD, subresource="exec"), False),
        (rule("*/*"), Request(POD, subresource="exec"), True),
        (rule(names=("web",)), Request(POD, "web"), True),
        (rule(names=("web",)), Request(POD, "db"), False),
        (rule(scope="Namespaced"), Request(POD), True),
        (rule(scope="Cluster"), Request(POD), False),
        (rule("*", scope="Cluster"), Request(NODE), True),
        (rule("*", scope="Namespaced"), Request(NAMESPACE), False),
    ],
)
def test_a_rule_matches_by_group_version_operation_resource_scope_and_name(given, request_, holds):
    assert matches(Match((given,)), request_) is holds


@pytest.mark.parametrize(
    ("given", "api_version", "kind", "equivalent", "exact"),
    [
        (rule("deployments", "apps", "v1"), "apps/v1beta1", "Deployment", True, False),
        (rule("deployments", "extensions", "v1beta1"), "apps/v1", "Deployment", True, False),
        (rule("ingresses", "networking.k8s.io", "v1"), "extensions/v1beta1", "Ingress", True, False),
        (rule("deployments", "apps", "v1"), "example.com/v1", "Deployment", False, False),
        (rule("cronjobs", "batch", "v1beta1"), "batch/v1", "CronJob", True, False),
        (rule("pods", "", "v1"), "v1", "Pod", True, True),
    ],
)
def test_equivalent_takes_other_versions_and_groups_of_the_same_kind(given, api_version, kind, equivalent, exact):
    request = Request(kind_of(api_version, kind))
    assert matches(Match((given,)), request) is equivalent
    assert matches(Match((given,), equivalent=False), request) is exact


def test_an_excluded_rule_outweighs_an_included_one():
    match = Match((rule("*"),), (rule("pods", names=("web",)),))
    assert not matches(match, Request(POD, "web"))
    assert matches(match, Request(POD, "db"))


def test_a_binding_without_rules_takes_everything():
    assert matches(Match(), Request(NODE))


def test_no_policy_sees_policies():
    request = Request(kind_of("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"))
    everything = Match((rule("*", "*", "*", "*"),))
    assert not matches(everything, request)
    assert not always_matches(everything, request.kind)


def test_an_object_selector_takes_the_labels_before_or_after():
    match = Match((rule(),), object_selector={"matchLabels": {"a": "b"}})
    assert matches(match, Request(POD, labels=({}, {"a": "b"})))
    assert not matches(match, Request(POD, labels=({}, {"a": "c"})))


@pytest.mark.parametrize("selector", [None, {}])
def test_no_selector_and_an_empty_one_take_all(selector):
    assert matches(Match((rule(),), object_selector=selector, namespace_selector=selector), Request(POD))


def _in(*names):
    return {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(names)}]}


def test_a_namespace_selector_knows_the_name_of_a_namespace_that_no_file_tells():
    match = Match((rule(),), namespace_selector=_in("shop"))
    assert matches(match, Request(POD, namespace="shop"))
    assert not matches(match, Request(POD, namespace="bank"))


@pytest.mark.parametrize("namespace", ["shop", ""])
def test_other_labels_of_a_namespace_that_no_file_tells_cannot_be_known(namespace):
    match = Match((rule(),), namespace_selector={"matchLabels": {"env": "prod"}})
    with pytest.raises(CannotKnow):
        matches(match, Request(POD, namespace=namespace))


def test_labels_of_a_namespace_that_a_file_tells_are_known():
    match = Match((rule(),), namespace_selector={"matchLabels": {"env": "prod"}})
    assert matches(match, Request(POD, namespace="shop", namespace_labels={"env": "prod"}))
    assert not matches(match, Request(POD, namespace="shop", namespace_labels={}))


def test_what_does_not_match_needs_no_labels():
    match = Match((rule(),), (rule(),), namespace_selector={"matchLabels": {"env": "prod"}})
    assert not matches(match, Request(POD, namespace="shop"))


def test_a_namespace_selector_never_hinders_cluster_wide_objects():
    match = Match((rule("*"),), namespace_selector={"matchLabels": {"env": "prod"}})
    assert matches(match, Request(NODE))


def test_a_namespace_is_selected_by_its_own_labels():
    match = Match((rule("*"),), namespace_selector=_in("shop"))
    assert matches(match, Request(NAMESPACE, "shop"))
    assert not matches(match, Request(NAMESPACE, "bank"))


@pytest.mark.parametrize(
    ("match", "could", "always"),
    [
        (Match((rule(),)), True, True),
        (Match((rule("services"),)), False, False),
        (Match((rule(names=("a",)),)), True, False),
        (Match((rule(),), object_selector={"matchLabels": {"a": "b"}}), True, False),
        (Match((rule(),), namespace_selector=_in("shop")), True, False),
        (Match((rule(),), (rule(names=("a",)),)), True, False),
        (Match((rule(operations="DELETE"),)), False, False),
        (Match((rule("pods/exec"),)), False, False),
    ],
)
def test_what_may_match_and_what_always_does_is_told_for_a_kind(match, could, always):
    assert could_match(match, POD) is could
    assert always_matches(match, POD) is always
