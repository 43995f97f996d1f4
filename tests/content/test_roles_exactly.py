"""Rules about roles fire exactly where the authorizer would grant what they warn of: verbs, groups, resources, names.

A rule with stars for verbs or resources is told by wildcard-rule, which stands for all the others then.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transom.inventory import Inventory, Origin
from transom.kube.authorizer.questions import Question
from transom.kube.authorizer.rules import PolicyRule, allows_rule
from transom.model.findings import Finding
from transom.rules.judge import judge
from transom.rules.load import builtin_pack

POLICIES = {policy.id: policy for policy in builtin_pack().policies}
READ, WRITE = ("get", "list", "watch"), ("create", "update", "patch")
RBAC, ADMISSION, CERTIFICATES = "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "certificates.k8s.io"
GATEWAY = "gateway.networking.k8s.io"

Right = tuple[tuple[str, ...], str, tuple[str, ...]]
"""Verbs, a group, and resources of it with their subresources."""

RIGHTS: dict[str, tuple[Right, ...]] = {
    "secrets-readable": ((READ, "", ("secrets",)),),
    "commands-in-pods": ((("create", "get"), "", ("pods/exec", "pods/attach")),),
    "port-forward": ((("create", "get"), "", ("pods/portforward",)),),
    "node-proxy": ((("get", *WRITE, "delete"), "", ("nodes/proxy",)),),
    "persistent-volumes-creatable": ((("create",), "", ("persistentvolumes",)),),
    "pods-creatable": (
        (("create",), "", ("pods", "replicationcontrollers")),
        (("create",), "apps", ("deployments", "daemonsets", "statefulsets", "replicasets")),
        (("create",), "batch", ("jobs", "cronjobs")),
    ),
    "certificates-approvable": ((("update", "patch"), CERTIFICATES, ("certificatesigningrequests/approval",)),),
    "roles-writable": ((WRITE, RBAC, ("roles", "clusterroles", "rolebindings", "clusterrolebindings")),),
    "tokens-creatable": ((("create",), "", ("serviceaccounts/token",)),),
    "webhooks-changeable": (
        (
            (*WRITE, "delete", "deletecollection"),
            ADMISSION,
            ("mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicybindings"),
        ),
    ),
    "workloads-deletable": (
        (("delete", "deletecollection"), "", ("pods", "secrets", "persistentvolumeclaims")),
        (("delete", "deletecollection"), "apps", ("deployments", "statefulsets")),
        (("delete", "deletecollection"), "batch", ("jobs",)),
    ),
    "traces-deletable": (
        (("delete", "deletecollection"), "", ("events", "pods/log")),
        (("delete", "deletecollection"), "events.k8s.io", ("events",)),
    ),
    "rights-grow": (
        (("escalate", "bind"), RBAC, ("roles", "clusterroles")),
        (("impersonate",), "", ("users", "groups", "serviceaccounts")),
        (("impersonate",), "authentication.k8s.io", ("uids", "userextras/scopes")),
    ),
    "configmaps-writable": ((WRITE, "", ("configmaps",)),),
    "network-writable": (
        ((*WRITE, "delete"), "", ("services", "endpoints")),
        ((*WRITE, "delete"), "discovery.k8s.io", ("endpointslices",)),
        ((*WRITE, "delete"), "networking.k8s.io", ("ingresses", "networkpolicies")),
        ((*WRITE, "delete"), GATEWAY, ("gateways", "httproutes")),
    ),
    "service-status-writable": ((("update", "patch"), "", ("services/status",)),),
}
"""By rule: what it warns of."""

OTHER = ("leases", "pods/status", "pods/*", "nodes/*", "serviceaccounts/*", "services/*", "*/*", "*/status", "*/exec")


def _words(rule: str) -> tuple[list[str], list[str], list[str]]:
    rights = RIGHTS[rule]
    verbs = {verb for right in rights for verb in right[0]} | {"*", "get", "bind-no", "delete"}
    groups = {right[1] for right in rights} | {"*", "", "example.com"}
    resources = {each for right in rights for each in right[2]} | {"*", *OTHER}
    subresources = {each.partition("/")[2] for right in rights for each in right[2]} - {"", "scopes"}
    resources |= {f"*/{each}" for each in subresources}  # but for extras of users, of which nobody knows the names
    return sorted(verbs), sorted(groups), sorted(resources)


def _asked(rule: str, name: str) -> list[Question]:
    return [
        _question(verb, group, each, name)
        for verbs, group, resources in RIGHTS[rule]
        for verb in verbs
        for each in resources
    ]


def _question(verb: str, group: str, resource: str, name: str) -> Question:
    """Return what is asked of one object; creating and deleting a collection name none."""
    resource, _, subresource = resource.partition("/")
    nameless = verb in ("create", "deletecollection") and not subresource
    return Question(verb, group, resource, subresource, name="" if nameless else name)


def _fires(rule: str, role: dict[str, Any]) -> bool:
    inventory = Inventory()
    inventory.add(role, Origin("here"))
    return any(isinstance(each, Finding) for each in judge(inventory, [POLICIES[rule]]))


@pytest.mark.parametrize("rule", RIGHTS)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_a_rule_fires_where_the_authorizer_grants_and_nowhere_else(rule: str, data: st.DataObject) -> None:
    verbs, groups, resources = (
        tuple(data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=2, unique=True)))
        for words in _words(rule)
    )
    names = tuple(data.draw(st.lists(st.sampled_from(["one", "two"]), max_size=1)))
    granted = PolicyRule(verbs, groups, resources, names)
    value = {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}
    value |= {"resourceNames": list(names)} if names else {}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": "app"}, "rules": [value]}

    fires, starred = _fires(rule, role), _fires("wildcard-rule", role)
    of_any = any(allows_rule(granted, question) for question in _asked(rule, "another"))
    of_some = any(allows_rule(granted, question) for name in (*names, "another") for question in _asked(rule, name))
    if of_any:
        assert fires or starred
    if fires:
        assert of_some
