"""Policies over an inventory: what is found where, what is skipped, what is counted."""

from __future__ import annotations

import pytest

from transom.inventory import Inventory, Origin
from transom.model.findings import Finding
from transom.rules.judge import judge, read_by_none

PRIVILEGED = "object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))"


def container(name="app", **fields):
    return {"name": name, "image": f"{name}:1", **fields}


def privileged(name="app"):
    return container(name, securityContext={"privileged": True})


def controlled(value, kind="ReplicaSet", api_version="apps/v1", name="web"):
    owner = {"apiVersion": api_version, "kind": kind, "name": name, "controller": True}
    return {**value, "metadata": {**value["metadata"], "ownerReferences": [owner]}}


def test_a_finding_names_container_place_and_what_was_seen(policy, pod, judged):
    rule = policy(PRIVILEGED, annotations={"transom.dev/expect": "not true", "transom.dev/severity": "critical"})
    (finding,) = judged(rule, pod(container("a"), privileged("b"))).findings
    assert (finding.rule, finding.container, finding.witness, finding.message) == ("rule", "b", "b", "rule fails")
    assert finding.severity.label == "critical"
    (evidence,) = finding.evidence
    assert evidence.locator.path == "spec.containers[1].securityContext.privileged"
    assert (evidence.observed, evidence.expected) == ("privileged: true", "not true")


def test_each_failing_element_is_a_finding(policy, pod, judged):
    results = judged(policy(PRIVILEGED), pod(privileged("a"), privileged("b")))
    assert [each.container for each in results.findings] == ["a", "b"]
    assert results.judged == {"rule": (1, 0)}


def test_fingerprints_survive_reordered_lists(policy, pod, judged):
    first = judged(policy(PRIVILEGED), pod(privileged("a"), container("b"))).findings
    second = judged(policy(PRIVILEGED), pod(container("b"), privileged("a"))).findings
    assert [each.fingerprint for each in first] == [each.fingerprint for each in second]


def test_elements_of_one_name_are_one_finding_with_all_their_places(policy, pod, judged):
    (finding,) = judged(policy(PRIVILEGED), pod(privileged("a"), privileged("a"))).findings
    assert len(finding.evidence) == 2


def test_without_names_the_path_tells_findings_apart(policy, pod, judged):
    rule = policy("!object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false)")
    results = judged(rule, pod(hostPID=True, hostIPC=True))
    assert [each.witness for each in results.findings] == ["spec.hostPID", "spec.hostIPC"]


def test_a_scalar_element_is_its_own_name(policy, pod, judged):
    rule = policy("object.spec.containers.all(c, c.capabilities.all(k, k != 'SYS_ADMIN'))")
    (finding,) = judged(rule, pod(container("a", capabilities=["KILL", "SYS_ADMIN"]))).findings
    assert (finding.witness, finding.container) == ("a/SYS_ADMIN", "a")


def test_two_validations_on_one_element_are_two_findings(policy, pod, judged):
    results = judged(policy(PRIVILEGED, PRIVILEGED), pod(privileged("a")))
    assert [each.witness for each in results.findings] == ["a", "a#1"]


def test_what_is_missing_is_told_as_not_set(policy, pod, judged):
    rule = policy("object.spec.containers.all(c, c.?securityContext.?runAsNonRoot.orValue(false))")
    (finding,) = judged(rule, pod()).findings
    assert finding.evidence[0].observed == "runAsNonRoot: not set"
    assert finding.place.path == "spec.containers[0].securityContext.runAsNonRoot"


# reach


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
def test_our_rules_about_pods_reach_templates(policy, deployment, judged, kind):
    value = {**deployment(privileged()), "kind": kind}
    (finding,) = judged(policy(PRIVILEGED, ours=True), value).findings
    assert finding.place.path == "spec.template.spec.containers[0].securityContext.privileged"
    assert (finding.ref.kind, finding.container) == (kind, "app")


def test_a_cron_job_has_its_template_deeper(policy, pod, judged):
    job = {"spec": {"template": {"spec": pod(privileged())["spec"]}}}
    value = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"}, "spec": {"jobTemplate": job}}
    assert judged(policy(PRIVILEGED, ours=True), value).paths == [
        "spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged"
    ]


def test_rules_of_others_reach_templates_only_when_they_ask(policy, deployment, judged):
    assert judged(policy(PRIVILEGED), deployment(privileged())).judged == {"rule": (0, 0)}
    asking = policy(PRIVILEGED, annotations={"transom.dev/expand": "true"})
    assert judged(asking, deployment(privileged())).findings


def test_a_pod_seen_through_its_template_is_a_pod(policy, deployment, judged):
    rule = policy("object.kind == 'Pod' && object.apiVersion == 'v1' && has(object.metadata.labels)", ours=True)
    assert judged(rule, deployment()).judged == {"rule": (1, 1)}


def test_a_kind_that_a_rule_names_itself_is_judged_as_it_is(policy, deployment, judged):
    apps = {"apiGroups": ["", "apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]}
    rule = policy("object.kind == 'Deployment'", ours=True, matchConstraints={"resourceRules": [apps]})
    assert judged(rule, deployment()).judged == {"rule": (1, 1)}


def test_a_controlled_object_is_judged_through_its_controller(policy, pod, deployment, judged):
    whole = {**deployment(privileged()), "kind": "ReplicaSet"}
    results = judged(policy(PRIVILEGED, ours=True), whole, controlled(pod(privileged(), name="web-1")))
    assert [each.ref.kind for each in results.findings] == ["ReplicaSet"]
    assert results.judged == {"rule": (1, 0)}


def test_a_controlled_object_is_judged_where_its_controller_is_not_there(policy, pod, judged):
    (finding,) = judged(policy(PRIVILEGED, ours=True), controlled(pod(privileged()))).findings
    assert finding.owner.kind == "ReplicaSet"


def test_rules_of_others_judge_controlled_pods_too(policy, pod, deployment, judged):
    whole = {**deployment(), "kind": "ReplicaSet"}
    assert judged(policy(PRIVILEGED), whole, controlled(pod(privileged()))).findings


def test_the_ephemeral_containers_subresource_is_served_by_pods(policy, pod, judged):
    rules = [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods/ephemeralcontainers"]}
    ]
    assert judged(policy("false", matchConstraints={"resourceRules": rules}), pod()).judged == {"rule": (0, 0)}


# skipped and counted


def test_what_files_cannot_tell_is_skipped_with_the_rule(policy, pod, judged):
    results = judged(policy("request.userInfo.username != ''"), pod())
    (skipped,) = results.skipped
    assert (skipped.rule, skipped.ref.name) == ("rule", "web")
    assert skipped.reason == "it hangs on the requesting user, which files do not tell"
    assert skipped.next_step
    assert results.judged == {"rule": (0, 0)}


def test_a_finding_beside_an_unknown_counts_as_judged(policy, pod, judged):
    results = judged(policy("request.dryRun", "false"), pod())
    assert (len(results.findings), len(results.skipped), results.judged) == (1, 1, {"rule": (1, 0)})


def test_an_error_is_a_finding_where_the_api_server_refuses(policy, pod, judged):
    (finding,) = judged(policy("object.spec.hostNetwork == false"), pod()).findings
    assert finding.message.startswith("the policy refuses the object, because it fails: ")


@pytest.mark.parametrize("fields", [{"failurePolicy": "Ignore"}, {"ours": True}])
def test_an_error_is_skipped_where_it_is_no_refusal(policy, pod, judged, fields):
    results = judged(policy("object.spec.hostNetwork == false", **fields), pod())
    assert not results.findings
    assert "its expression fails" in results.skipped[0].reason
    assert results.judged == {"rule": (0, 0)}


def test_an_error_in_one_validation_hides_no_finding_of_another(policy, pod, judged):
    results = judged(policy("false", "object.spec.hostNetwork == false", failurePolicy="Ignore"), pod())
    assert (len(results.findings), len(results.skipped)) == (1, 1)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (None, "its pod has no spec"),
        ("text", "the spec of its pod is no map"),
        ({}, "its pod has no containers"),
        ({"containers": [1]}, "containers of its pod is no list of maps"),
        ({"containers": [{"name": "a"}], "initContainers": {}}, "initContainers of its pod"),
    ],
)
def test_a_malformed_pod_is_skipped_once_for_all_our_rules(pack, policy_object, deployment, judged, spec, told):
    loaded = pack(policy_object("true", name="a"), policy_object("false", name="b"), ours=True)
    value = deployment()
    value["spec"]["template"]["spec"] = spec
    results = judged(list(loaded.policies), value)
    (skipped,) = results.skipped
    assert told in skipped.reason
    assert (skipped.rule, results.findings) == ("", [])


@pytest.mark.parametrize(
    "value",
    [
        {"apiVersion": "v1", "kind": "Pod"},
        {"apiVersion": "v1", "kind": "Pod", "metadata": [], "spec": []},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a": 1}, "name": 7}, "spec": {"containers": "x"}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": 5}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"ownerReferences": 3}},
    ],
)
@pytest.mark.parametrize("ours", [True, False])
def test_wrong_types_never_raise(policy, judged, value, ours):
    results = judged(policy(PRIVILEGED, "object.metadata.labels.all(k, k != '')", ours=ours), value)
    assert results.findings or results.skipped or results.judged == {"rule": (0, 0)}


def test_every_rule_is_counted_also_where_it_judged_nothing(policy, judged):
    assert judged(policy("true")).judged == {"rule": (0, 0)}


def test_null_fields_of_built_in_kinds_are_not_there(policy, pod, judged):
    rule = policy("!has(object.spec.hostNetwork) && object.metadata.labels.a == ''")
    assert judged(rule, pod(hostNetwork=None, labels={"a": None})).judged == {"rule": (1, 1)}


def test_null_fields_of_custom_resources_stay(policy, judged):
    rules = [{"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}]
    rule = policy("has(object.spec.a) && object.spec.a == null", matchConstraints={"resourceRules": rules})
    value = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"a": None}}
    assert judged(rule, value).judged == {"rule": (1, 1)}


def test_the_namespace_object_is_one_of_the_same_target(policy, pod, judged):
    rule = policy("namespaceObject.metadata.labels.env == 'prod'")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"env": "prod"}}}
    assert judged(rule, pod(), namespace).judged == {"rule": (1, 1)}
    assert "the Namespace shop" in judged(rule, pod()).skipped[0].reason


def test_cluster_wide_objects_have_no_namespace_object(policy, judged):
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["namespaces"]}]
    rule = policy("namespaceObject == null && request.namespace == 'shop'", matchConstraints={"resourceRules": rules})
    value = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    assert judged(rule, value).judged == {"rule": (1, 1)}


def test_a_generated_name_is_no_name(policy, pod, judged):
    value = pod()
    value["metadata"] = {"generateName": "web-"}
    assert judged(policy("request.name == ''"), value).judged == {"rule": (1, 1)}


def test_only_some_entries_are_judged(policy, pod):
    inventory = Inventory()
    entries = [inventory.add(pod(privileged(), name=name), Origin("here")) for name in ("a", "b")]
    found = [each for each in judge(inventory, [policy(PRIVILEGED)], entries[1:]) if isinstance(each, Finding)]
    assert [each.ref.name for each in found] == ["b"]


def test_kinds_that_no_rule_reads_are_counted(policy, pod):
    inventory = Inventory()
    for name in ("a", "b"):
        inventory.add({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}}, Origin("here"))
    inventory.add(pod(), Origin("here"))
    assert read_by_none([policy("true")], inventory.entries()).count == 2


def test_policies_whose_variables_differ_do_not_share_them(pack, policy_object, pod, judged):
    loaded = pack(
        policy_object("variables.a == 1", name="one", variables=[{"name": "a", "expression": "1"}]),
        policy_object("variables.a == 2", name="two", variables=[{"name": "a", "expression": "2"}]),
        policy_object("variables.a == 1", name="three", variables=[{"name": "a", "expression": "1"}]),
    )
    assert judged(list(loaded.policies), pod()).judged == dict.fromkeys(("one", "two", "three"), (1, 1))


# what is never shown


SECRETS = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["secrets", "configmaps"]}]


@pytest.mark.parametrize("field", ["data", "stringData"])
@pytest.mark.parametrize(
    "expression", ["object.FIELD.all(k, object.FIELD[k] == 'x')", "object.FIELD.pass == 'x'", "object.FIELD == {}"]
)
def test_values_of_secrets_are_never_shown(policy, judged, field, expression):
    validation = {"expression": expression.replace("FIELD", field), "message": "no"}
    validation["messageExpression"] = f"'it is ' + object.{field}.pass"
    rule = policy(validations=[validation], matchConstraints={"resourceRules": SECRETS})
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, field: {"pass": "hunter2"}}
    (finding,) = judged(rule, secret).findings
    assert "hunter2" not in str(finding)
    assert finding.message == "no"


@pytest.mark.parametrize(
    "expression",
    [
        "object.spec.containers.all(c, c.env.all(e, e.value != 'hunter2'))",
        "object.spec.containers.all(c, !c.env.exists(e, e.value == 'hunter2'))",
        "object.spec.containers.all(c, c.env.size() == 0)",
        "object.spec.containers[0].env[0].value == ''",
    ],
)
def test_values_of_environment_variables_are_never_shown(policy, pod, judged, expression):
    value = pod(container(env=[{"name": "PASSWORD", "value": "hunter2"}]))
    assert "hunter2" not in str(judged(policy(expression), value).findings)


def test_values_of_http_headers_are_never_shown(policy, pod, judged):
    headers = [{"name": "Authorization", "value": "Bearer hunter2"}]
    value = pod(container(livenessProbe={"httpGet": {"httpHeaders": headers}}))
    rule = policy("object.spec.containers.all(c, c.livenessProbe.httpGet.httpHeaders.all(h, h.value == ''))")
    assert "hunter2" not in str(judged(rule, value).findings)


def test_what_kubectl_keeps_in_an_annotation_is_never_shown(policy, pod, judged):
    value = pod()
    value["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "hunter2"}
    rule = policy("object.metadata.annotations.all(k, object.metadata.annotations[k] == '')")
    assert "hunter2" not in str(judged(rule, value).findings)


def test_evidence_is_one_short_line(policy, pod, judged):
    (finding,) = judged(policy("object.spec.x == ''"), pod(x="a\n" * 500)).findings
    assert len(finding.evidence[0].observed) <= 120
    assert "\n" not in finding.evidence[0].observed
