"""Who has a say in whether an object is taken, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from transom.inventory import Inventory, Origin
from transom.rules.admits import Answer, Requester, admits

CONFIG = "admissionregistration.k8s.io/v1"
PODS = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
ADA = Requester("ada", ("engineers", "system:authenticated"))


def pod(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", "labels": {"app": "web"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "a", "image": "a"}], **spec},
    }


def namespace(labels: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels or {}, **metadata}}


def configured(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": CONFIG, "kind": kind, "metadata": {"name": name}, **fields}


def webhook(kind: str = "ValidatingWebhookConfiguration", **fields: Any) -> dict[str, Any]:
    return configured(kind, "third-party", webhooks=[{"name": "hook.example.com", "rules": PODS, **fields}])


def policy(expression: str, **spec: Any) -> list[dict[str, Any]]:
    validations = [{"expression": expression, "message": "no"}]
    made = {"matchConstraints": {"resourceRules": PODS}, "validations": validations, **spec}
    reference = {"paramRef": {"name": "limits", "parameterNotFoundAction": "Deny"}} if "paramKind" in spec else {}
    return [
        configured("ValidatingAdmissionPolicy", "rule", spec=made),
        configured(
            "ValidatingAdmissionPolicyBinding",
            "bound",
            spec={"policyName": "rule", "validationActions": ["Deny"], **reference},
        ),
    ]


def ask(thing: dict[str, Any], *cluster: dict[str, Any], user: Requester | None = ADA) -> Answer:
    inventory = Inventory()
    for each in cluster:
        inventory.add(each, Origin("cluster"))
    return admits(thing, user, inventory, "cluster")


def test_what_nobody_objects_to_is_taken() -> None:
    assert ask(pod(), namespace()).state == "yes"


def test_pod_security_refuses_pods_and_warns_of_templates() -> None:
    strict = namespace({"pod-security.kubernetes.io/enforce": "baseline"})
    refused = ask(pod(hostNetwork=True), strict)
    template = {"spec": pod(hostNetwork=True)["spec"]}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template},
    }
    warned = ask(deployment, strict)
    assert refused.state == "no"
    assert refused.reasons[0].why == 'violates PodSecurity "baseline:latest": host namespaces'
    assert warned.state == "yes"
    assert warned.warnings[0].startswith('its pods will be refused: violates PodSecurity "baseline:latest"')


def test_a_label_that_says_no_level_is_the_strictest() -> None:
    assert ask(pod(), namespace({"pod-security.kubernetes.io/enforce": "basline"})).state == "no"


def test_a_namespace_with_such_a_label_is_refused_itself() -> None:
    assert ask(namespace({"pod-security.kubernetes.io/enforce": "basline"})).state == "no"


def test_a_namespace_that_is_not_told_leaves_pods_unknown() -> None:
    assert ask(pod()).state == "unknown"


def test_nothing_comes_into_a_namespace_that_is_going() -> None:
    assert ask(pod(), namespace(deletionTimestamp="2026-01-01T00:00:00Z")).state == "no"


def test_a_policy_without_binding_has_no_say() -> None:
    assert ask(pod(), namespace(), policy("false")[0]).state == "yes"


def test_policies_see_defaults() -> None:
    pulls = "object.spec.containers[0].imagePullPolicy == 'Always' && object.spec.restartPolicy == 'Always'"
    assert ask(pod(), namespace(), *policy(pulls)).state == "yes"


def test_policies_see_the_user() -> None:
    rule = policy("'engineers' in request.userInfo.groups")
    assert ask(pod(), namespace(), *rule).state == "yes"
    assert ask(pod(), namespace(), *rule, user=Requester("bob")).state == "no"
    assert ask(pod(), namespace(), *rule, user=None).state == "unknown"


def test_parameters_that_the_inventory_does_not_tell_are_unknown() -> None:
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    rule = policy("params.data.x == 'y'", paramKind=kind)
    metadata = {"name": "limits", "namespace": "shop"}
    assert ask(pod(), namespace(), *rule).state == "unknown"
    assert ask(pod(), namespace(), *rule, {**kind, "metadata": metadata, "data": {"x": "y"}}).state == "yes"
    assert ask(pod(), namespace(), *rule, {**kind, "metadata": {**metadata, "name": "other"}}).state == "no"


@pytest.mark.parametrize(
    "fields",
    [
        {"rules": [{**PODS[0], "resources": ["services"]}]},
        {"rules": [{**PODS[0], "operations": ["DELETE"]}]},
        {"objectSelector": {"matchLabels": {"app": "other"}}},
        {"namespaceSelector": {"matchLabels": {"team": "other"}}},
        {"matchConditions": [{"name": "a", "expression": "request.userInfo.username == 'bob'"}]},
    ],
    ids=["resources", "operations", "objectSelector", "namespaceSelector", "matchConditions"],
)
def test_a_webhook_that_is_not_about_it_has_no_say(fields: dict[str, Any]) -> None:
    assert ask(pod(), namespace(), webhook(**fields)).state == "yes"


def test_the_mind_of_a_webhook_is_unknown() -> None:
    told = ask(pod(), namespace(), webhook())
    assert told.state == "unknown"
    assert "may refuse it" in told.reasons[0].why


def test_who_may_change_the_object_makes_a_refusal_unknown() -> None:
    strict = namespace({"pod-security.kubernetes.io/enforce": "baseline"})
    assert ask(pod(hostNetwork=True), strict, webhook()).state == "no"
    assert ask(pod(hostNetwork=True), strict, webhook("MutatingWebhookConfiguration")).state == "unknown"


def test_a_mutating_policy_may_change_what_it_is_about() -> None:
    spec = {
        "matchConstraints": {"resourceRules": PODS},
        "matchConditions": [{"name": "a", "expression": "object.metadata.name == 'web'"}],
        "mutations": [],
    }
    mutating = [
        configured("MutatingAdmissionPolicy", "mend", spec=spec),
        configured("MutatingAdmissionPolicyBinding", "mend", spec={"policyName": "mend"}),
    ]
    other = pod()
    other["metadata"]["name"] = "other"
    assert ask(pod(), namespace(), *mutating).state == "unknown"
    assert ask(other, namespace(), *mutating).state == "yes"
    assert ask(pod(), namespace(), mutating[0]).state == "yes"


def test_quotas_and_ranges_are_unknown_where_they_count_the_object() -> None:
    metadata = {"name": "limits", "namespace": "shop"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "3"}}}
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {}}
    assert ask(pod(), namespace(), quota).state == "unknown"
    assert ask(service, namespace(), quota).state == "yes"
    assert ask(pod(), namespace(), limits).state == "unknown"
    assert ask(service, namespace(), limits).state == "yes"


def test_policies_and_webhooks_never_judge_themselves() -> None:
    everything = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]
    assert ask(webhook(), namespace(), webhook(rules=everything)).state == "yes"


def test_what_cannot_be_read_is_unknown() -> None:
    assert ask(pod(), namespace(), *policy("object.spec.")).state == "unknown"
    assert (
        ask(pod(), namespace(), configured("ValidatingWebhookConfiguration", "odd", webhooks=["x"])).state == "unknown"
    )
