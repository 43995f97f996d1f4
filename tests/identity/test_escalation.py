"""What rights lead to, primitive by primitive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.identity.conftest import Cluster, Rule
from transom.identity.escalation.primitives import primitives as all_primitives
from transom.identity.escalation.primitives import titles

Ask = Callable[..., Sequence[str] | None]
R = "rbac.authorization.k8s.io"
CSR, APPROVAL = "certificates.k8s.io", "certificatesigningrequests/approval"

ADMIN: list[tuple[str, list[Rule]]] = [
    ("everything", [("*", "*", "*")]),
    ("escalate-cluster-roles", [("escalate,patch", R, "clusterroles")]),
    ("bind-cluster-wide", [("bind", R, "clusterroles"), ("create", R, "clusterrolebindings")]),
    ("impersonate-groups", [("impersonate", "", "users,groups")]),
]


@pytest.mark.parametrize(("primitive", "rules"), ADMIN)
def test_right_leads_to_everything(primitive: str, rules: list[Rule], cluster: Cluster, primitives: Ask) -> None:
    found = primitives(cluster.grant("alice", *rules), "alice")
    assert found is not None and found[0] == primitive


NOT: list[tuple[str, list[Rule]]] = [
    ("escalate without writing", [("escalate", R, "clusterroles")]),
    ("bind without writing", [("bind", R, "clusterroles")]),
    ("writing without bind", [("create,update,patch", R, "clusterrolebindings")]),
    ("bind of a harmless role", [("bind", R, "clusterroles:view"), ("create", R, "clusterrolebindings")]),
    ("impersonating groups without a user", [("impersonate", "", "groups")]),
    ("a wildcard of verbs on one resource", [("*", "", "configmaps")]),
    ("create with names, which no request has", [("create", "", "pods:web")]),
    ("pods/* which names nothing", [("*", "", "pods/*")]),
]


@pytest.mark.parametrize(("case", "rules"), NOT)
def test_half_a_condition_leads_nowhere(case: str, rules: list[Rule], cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("boss", ("*", "*", "*")).grant("alice", *rules).pod("web")
    assert primitives(cluster, "alice") is None, case


def test_parts_of_a_condition_may_come_from_several_bindings(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("alice", ("bind", R, "clusterroles")).grant("alice", ("create", R, "clusterrolebindings"))
    assert primitives(cluster, "alice") == ["bind-cluster-wide"]


def test_parts_may_come_from_a_group(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("sa:shop/web", ("escalate", R, "clusterroles"))
    cluster.grant("group:system:serviceaccounts:shop", ("patch", R, "clusterroles"))
    assert primitives(cluster, "sa:shop/web") == ["escalate-cluster-roles"]


def test_parts_in_different_namespaces_do_not_add_up(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("alice", ("bind", R, "clusterroles"), namespace="red")
    cluster.grant("alice", ("create", R, "rolebindings"), namespace="blue")
    assert primitives(cluster, "alice") is None


def test_rules_that_are_gained_count_as_held(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("alice", ("bind", R, "clusterroles:strong"), ("create", R, "clusterrolebindings"))
    cluster.add("rbac.authorization.k8s.io/v1", "ClusterRole", "strong", rules=[
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    ])  # fmt: skip
    assert primitives(cluster, "alice") == ["bind-cluster-wide", "everything"]


def test_bind_in_a_namespace_stays_there(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("alice", ("bind", R, "clusterroles"), ("create", R, "rolebindings"), namespace="red")
    cluster.add("v1", "Namespace", "red", metadata={"labels": {"pod-security.kubernetes.io/enforce": "restricted"}})
    assert primitives(cluster, "alice") is None
    cluster.pod("job", "red", "boss").grant("sa:red/boss", ("*", "*", "*"))
    assert primitives(cluster, "alice") is not None


ACCOUNT: list[tuple[str, list[Rule]]] = [
    ("create-tokens", [("create", "", "serviceaccounts/token")]),
    (
        "impersonate-accounts-constrained",
        [
            ("impersonate:serviceaccount", "authentication.k8s.io", "serviceaccounts"),
            ("impersonate-on:serviceaccount:create", "", "pods/exec"),
        ],
    ),
    ("create-tokens", [("create", "", "serviceaccounts/token:boss")]),
    ("impersonate-accounts", [("impersonate", "", "serviceaccounts")]),
    ("create-pods", [("create", "", "pods")]),
    ("write-workloads", [("patch", "apps", "deployments")]),
    ("write-workloads", [("create", "batch", "cronjobs")]),
    ("exec", [("create", "", "pods/exec")]),
    ("exec", [("create", "", "*/exec")]),
    ("debug-containers", [("patch", "", "pods/ephemeralcontainers")]),
    ("patch-pods", [("patch", "", "pods:runner")]),
    ("read-secrets", [("list", "", "secrets")]),
    ("have-pods-run", [("create", "tekton.dev", "taskruns")]),
]


@pytest.mark.parametrize(("primitive", "rules"), ACCOUNT)
def test_right_leads_to_the_accounts_of_its_namespace_only(
    primitive: str, rules: list[Rule], cluster: Cluster, primitives: Ask
) -> None:
    cluster.grant("sa:shop/boss", ("*", "*", "*")).pod("runner", "shop", "boss").pod("other", "quiet")
    annotations = {"annotations": {"kubernetes.io/service-account.name": "boss"}}
    cluster.add("v1", "Secret", "t", "shop", type="kubernetes.io/service-account-token", metadata=annotations)
    cluster.grant("alice", *rules, namespace="shop").grant("bob", *rules, namespace="quiet")
    for namespace in ("shop", "quiet"):
        level = {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        cluster.add("v1", "Namespace", namespace, metadata=level)
    found = primitives(cluster, "alice")
    assert found is not None and found[0] == primitive
    assert primitives(cluster, "bob") is None


def test_a_token_may_be_had_by_a_secret_of_ones_own(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("sa:shop/boss", ("*", "*", "*")).grant("alice", ("create,get", "", "secrets"), namespace="shop")
    assert primitives(cluster, "alice") == ["make-token-secrets", "any-account", "everything"]
    cluster.grant("bob", ("create", "", "secrets"), namespace="shop")
    assert primitives(cluster, "bob") is None


USERS: list[tuple[str, list[Rule]]] = [
    ("impersonate-users", [("impersonate", "", "users")]),
    (
        "approve-certificates",
        [
            ("create", CSR, "certificatesigningrequests"),
            ("update", CSR, "certificatesigningrequests/approval"),
            ("approve", CSR, "signers"),
        ],
    ),
]


@pytest.mark.parametrize(("primitive", "rules"), USERS)
def test_whoever_becomes_any_user_comes_to_everything_in_every_cluster(
    primitive: str, rules: list[Rule], cluster: Cluster, primitives: Ask
) -> None:
    found = primitives(cluster.grant("alice", *rules), "alice")
    assert found is not None and found[0] == primitive


OPERATORS: list[tuple[str, str, list[Rule]]] = [
    ("flux", "flux-system/kustomize-controller", [("create", "kustomize.toolkit.fluxcd.io", "kustomizations")]),
    ("kyverno", "kyverno/kyverno-background-controller", [("create", "kyverno.io", "clusterpolicies")]),
    ("olm", "olm/olm-operator-serviceaccount", [("create", "operators.coreos.com", "subscriptions")]),
]


@pytest.mark.parametrize(("primitive", "account", "rules"), OPERATORS)
def test_an_operator_works_for_whoever_writes_its_resources(
    primitive: str, account: str, rules: list[Rule], cluster: Cluster, primitives: Ask
) -> None:
    cluster.grant("alice", *rules)
    assert primitives(cluster, "alice") is None  # there is no such operator
    cluster.grant(f"sa:{account}", ("*", "*", "*"))
    assert primitives(cluster, "alice") == [primitive, "everything"]


def test_get_was_enough_to_exec_before_1_35(cluster: Cluster) -> None:
    from transom.paths.attack import field_of, named, story

    cluster.grant("sa:shop/boss", ("*", "*", "*")).pod("runner", "shop", "boss")
    cluster.grant("alice", ("get", "", "pods/exec"), namespace="shop")
    reached = [
        story(field_of(cluster.inventory(), (1, minor)), [named("alice")], "admin").reached for minor in (34, 35)
    ]
    assert [bool(each) for each in reached] == [True, False]


@pytest.mark.parametrize(("level", "expected"), [("privileged", True), ("baseline", False), ("restricted", False)])
def test_a_pod_that_would_be_refused_is_no_way_to_the_node(
    level: str, expected: bool, cluster: Cluster, primitives: Ask
) -> None:
    cluster.grant("alice", ("create", "", "pods"), namespace="shop")
    cluster.add("v1", "Namespace", "shop", metadata={"labels": {"pod-security.kubernetes.io/enforce": level}})
    assert (primitives(cluster, "alice", "node") is not None) is expected


def test_policies_of_the_cluster_refuse_the_pod_too(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("alice", ("create", "", "pods"), namespace="shop").add("v1", "Namespace", "shop")
    group = "admissionregistration.k8s.io/v1"
    constraints = {
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]
    }
    plain = "object.spec.containers.all(c, !has(c.securityContext))"
    spec = {"matchConstraints": constraints, "validations": [{"expression": plain}], "failurePolicy": "Fail"}
    cluster.add(group, "ValidatingAdmissionPolicy", "plain", spec=spec)
    binding = {"policyName": "plain", "validationActions": ["Deny"]}
    cluster.add(group, "ValidatingAdmissionPolicyBinding", "plain", spec=binding)
    assert primitives(cluster, "alice", "node") is not None  # a hostPath has no security context
    spec["validations"] = [{"expression": f"{plain} && !has(object.spec.volumes)"}]
    assert primitives(cluster, "alice", "node") is None


def test_a_webhook_of_unknown_mind_leaves_it_open(cluster: Cluster, primitives: Ask) -> None:
    cluster.grant("alice", ("create", "", "pods"), namespace="shop").add("v1", "Namespace", "shop")
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    hook = {
        "name": "a.example.com",
        "rules": rules,
        "clientConfig": {"url": "https://a.example.com"},
        "failurePolicy": "Fail",
    }
    group = "admissionregistration.k8s.io/v1"
    cluster.add(group, "ValidatingWebhookConfiguration", "a", webhooks=[{**hook, "sideEffects": "None"}])
    assert primitives(cluster, "alice", "node") == ["create-pods", "pod-privileged-perhaps"]


def test_who_may_lift_pod_security_gets_to_the_node(cluster: Cluster, primitives: Ask) -> None:
    cluster.add("v1", "Namespace", "shop", metadata={"labels": {"pod-security.kubernetes.io/enforce": "restricted"}})
    cluster.grant("alice", ("create", "", "pods"), namespace="shop").grant("alice", ("patch", "", "namespaces"))
    assert primitives(cluster, "alice", "node") == ["lift-pod-security"]


def test_a_node_leads_to_the_accounts_of_its_pods(cluster: Cluster, primitives: Ask) -> None:
    privileged = [{"name": "a", "image": "example.com/a", "securityContext": {"privileged": True}}]
    cluster.pod("web", containers=privileged, nodeName="n1").pod("job", "ops", "boss", nodeName="n1")
    cluster.pod("far", containers=privileged, nodeName="n2").grant("sa:ops/boss", ("*", "*", "*"))
    assert primitives(cluster, "Pod/shop/web") == ["escape-privileged", "hosts", "token-mounted", "everything"]
    assert primitives(cluster, "Pod/shop/far") is None


def test_a_control_plane_node_leads_to_everything(cluster: Cluster, primitives: Ask) -> None:
    privileged = [{"name": "a", "image": "example.com/a", "securityContext": {"privileged": True}}]
    cluster.pod("web", containers=privileged, nodeName="n1")
    cluster.add("v1", "Node", "n1", metadata={"labels": {"node-role.kubernetes.io/control-plane": ""}})
    assert primitives(cluster, "Pod/shop/web") == ["escape-privileged", "control-plane"]


@pytest.mark.parametrize(
    ("account", "pod", "mounted"),
    [({}, {}, True), ({"automountServiceAccountToken": False}, {}, False), ({}, {"automountServiceAccountToken": False}, False),
     ({"automountServiceAccountToken": False}, {"automountServiceAccountToken": True}, True)],
)  # fmt: skip
def test_a_pod_without_a_token_is_not_its_account(
    account: dict[str, Any], pod: dict[str, Any], mounted: bool, cluster: Cluster, primitives: Ask
) -> None:
    cluster.add("v1", "ServiceAccount", "boss", "shop", **account).grant("sa:shop/boss", ("*", "*", "*"))
    assert (primitives(cluster.pod("web", account="boss", **pod), "Pod/shop/web") is not None) is mounted


def test_static_pods_of_the_control_plane_are_no_entry(cluster: Cluster) -> None:
    from transom.paths.attack import entries_of

    ports = [{"name": "etcd", "image": "example.com/etcd", "ports": [{"containerPort": 2381, "hostPort": 2381}]}]
    cluster.pod("etcd-n1", "kube-system", containers=ports, nodeName="n1", hostNetwork=True)
    reference = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "1", "controller": True}
    metadata = cluster.objects[-1]["metadata"]
    metadata |= {"annotations": {"kubernetes.io/config.mirror": "x"}, "ownerReferences": [reference]}
    assert entries_of(cluster.field(), ()) == []


def test_cloud_roles_are_reached_through_annotations(cluster: Cluster, primitives: Ask) -> None:
    annotations = {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}
    cluster.add("v1", "ServiceAccount", "web", "shop", metadata=annotations).pod("web", account="web")
    assert primitives(cluster, "Pod/shop/web", "cloud") == ["token-mounted", "cloud-role"]


def test_a_default_cluster_has_no_path_worth_telling(cluster: Cluster) -> None:
    from transom.paths.attack import JEWELS, entries_of, story

    field = cluster.pod("web").exposed("web").pod("other").field()
    entries = entries_of(field, ("exposed", "pods", "subjects"))
    assert [len(story(field, entries, jewel).reached) for jewel in JEWELS] == [0, 0, 0, 0]


def test_every_primitive_says_what_it_is_in_both_languages() -> None:
    assert len({each.id for each in all_primitives()}) == len(all_primitives())
    assert all(texts["en"] and texts["zh-CN"] for texts in titles().values())


BOOTSTRAP = "system:certificates.k8s.io:certificatesigningrequests:nodeclient"


@pytest.mark.parametrize("is_bound", [True, False])
def test_a_join_token_makes_a_kubelet_where_nodes_may_join_by_it(
    is_bound: bool, cluster: Cluster, primitives: Ask
) -> None:
    cluster.grant("alice", ("create", "", "secrets"), namespace="kube-system")
    cluster.pod("job", "red", "boss", nodeName="n").grant("sa:red/boss", ("*", "*", "*"))
    if is_bound:
        reference = {"apiGroup": R, "kind": "ClusterRole", "name": BOOTSTRAP}
        group = {"apiGroup": R, "kind": "Group", "name": "system:bootstrappers:kubeadm:default-node-token"}
        cluster.add(f"{R}/v1", "ClusterRoleBinding", "join", roleRef=reference, subjects=[group])
    found = primitives(cluster, "alice")
    assert (found[:2] if found else None) == (["make-join-tokens", "kubelet-token"] if is_bound else None)


@pytest.mark.parametrize(
    ("role", "namespace", "jewel", "is_reached"),
    [("view", "", "admin", True), ("view", "red", "admin", False), ("own", "", "admin", False)],
)
def test_an_aggregated_role_of_ones_own_is_widened_by_a_new_one(
    role: str, namespace: str, jewel: str, is_reached: bool, cluster: Cluster, primitives: Ask
) -> None:
    cluster.grant("alice", ("escalate,create", R, "clusterroles"))
    cluster.add(f"{R}/v1", "ClusterRole", "own", rules=[{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}])
    reference = {"apiGroup": R, "kind": "ClusterRole", "name": role}
    subjects = [{"apiGroup": R, "kind": "User", "name": "alice"}]
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    cluster.add(f"{R}/v1", kind, "mine", namespace, roleRef=reference, subjects=subjects)
    assert (primitives(cluster, "alice", jewel) == ["escalate-aggregated"]) is is_reached


def test_a_label_chooses_an_azure_identity(cluster: Cluster, primitives: Ask) -> None:
    spec = {"azureIdentity": "billing", "selector": "billing"}
    cluster.pod("web", account="web").add("aadpodidentity.k8s.io/v1", "AzureIdentityBinding", "b", "shop", spec=spec)
    assert primitives(cluster, "Pod/shop/web", "cloud") is None
    cluster.grant("sa:shop/web", ("create", "", "pods"), namespace="shop")
    assert primitives(cluster, "Pod/shop/web", "cloud") == ["token-mounted", "create-pods", "pod-azure-identity"]
    cluster.objects[0]["metadata"]["labels"]["aadpodidbinding"] = "billing"
    assert primitives(cluster, "Pod/shop/web", "cloud") == ["azure-identity"]
