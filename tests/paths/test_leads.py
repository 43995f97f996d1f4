"""Bindings that lead from outside to a jewel are findings of a scan, once each, with a smaller role."""

from __future__ import annotations

import json

from tests.identity.conftest import Cluster
from transom.inventory import Inventory, Origin
from transom.model.findings import Finding
from transom.paths import assess
from transom.rules.load import builtin_pack

CHECKS = [check for check in builtin_pack().checks if check.window == "paths"]


def found(*clusters: Cluster) -> list[Finding]:
    """Return the findings of clusters, each a target of its own."""
    inventory = Inventory()
    for number, cluster in enumerate(clusters):
        for each in cluster.objects:
            inventory.add(each, Origin(f"cluster-{number}"))
    return [each for each in assess(inventory, CHECKS) if isinstance(each, Finding)]


def test_a_binding_is_told_once_for_all_workloads_that_go_through_it(cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        cluster.pod(name, account="web").exposed(name)
    cluster.grant("sa:shop/web", ("get", "", "secrets"))
    (finding,) = found(cluster)
    assert finding.rule == "exposed-path-to-secrets"
    assert finding.message.startswith("it gives 3 exposed workloads a path to all Secrets, in 2 steps")


def test_only_the_worst_is_told_of_a_binding(cluster: Cluster) -> None:
    cluster.pod("web", account="web").exposed("web").grant("sa:shop/web", ("*", "*", "*"))
    assert [each.rule for each in found(cluster)] == ["exposed-path-to-everything"]


def test_the_role_that_is_shown_leaves_out_what_leads_on_and_keeps_the_rest(cluster: Cluster) -> None:
    cluster.pod("web", account="web").exposed("web")
    cluster.grant("sa:shop/web", ("get", "", "secrets,services"), ("*", "apps", "deployments"))
    (finding,) = found(cluster)
    text = finding.evidence[0].expected
    role = json.loads(text[text.index("{") :])
    assert role["rules"] == [
        {"verbs": ["get"], "apiGroups": [""], "resources": ["services"]},
        {"verbs": ["delete", "deletecollection", "get", "list", "watch"], "apiGroups": ["apps"], "resources": ["deployments"]},
    ]  # fmt: skip


def test_nothing_is_judged_where_the_outside_reaches_nothing(cluster: Cluster) -> None:
    cluster.pod("web", account="web").grant("sa:shop/web", ("*", "*", "*"))
    assert not found(cluster)


def test_no_path_leads_from_one_target_into_another(cluster: Cluster) -> None:
    other = Cluster()
    cluster.pod("web", account="web").exposed("web").grant("sa:shop/web", ("get", "", "pods"))
    other.grant("sa:shop/web", ("*", "*", "*"))
    assert not found(cluster, other)


def test_a_binding_behind_a_stolen_token_is_told_with_all_steps(cluster: Cluster) -> None:
    cluster.pod("web", account="web").exposed("web")
    cluster.grant("sa:shop/web", ("create", "", "serviceaccounts/token"), namespace="shop")
    cluster.grant("sa:shop/boss", ("*", "*", "*"))
    findings = found(cluster)
    assert {each.rule for each in findings} == {"exposed-path-to-everything"}
    assert len(findings) == 2
    assert "ServiceAccount shop/boss" in findings[0].message


def test_an_account_that_is_bound_as_a_user_leads_on_too(cluster: Cluster) -> None:
    cluster.pod("web", account="web").exposed("web").grant("bob", ("*", "*", "*"))
    cluster.objects[-1]["subjects"][0]["name"] = "system:serviceaccount:shop:web"
    assert [each.rule for each in found(cluster)] == ["exposed-path-to-everything"]
