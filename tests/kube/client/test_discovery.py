"""What a cluster serves, from new servers and old ones, whole and broken."""

from __future__ import annotations

from tests.kube.client.script import Script, Scripted, status
from transom.kube.client import discover
from transom.kube.client.transport import Request


def resource(plural: str, kind: str, scope: str = "Namespaced") -> dict[str, object]:
    return {
        "resource": plural,
        "scope": scope,
        "verbs": ["list"],
        "responseKind": {"group": "", "version": "", "kind": kind},
    }


def group(name: str, *versions: dict[str, object]) -> dict[str, object]:
    return {"metadata": {"name": name}, "versions": list(versions)}


def groups(*items: dict[str, object]) -> Scripted:
    return Scripted(200, {"kind": "APIGroupDiscoveryList", "items": list(items)})


def test_everything_is_told_by_two_answers() -> None:
    core = groups(
        group("", {"version": "v1", "resources": [resource("pods", "Pod"), resource("nodes", "Node", "Cluster")]})
    )
    apps = groups(
        group(
            "apps",
            {"version": "v1", "resources": [resource("deployments", "Deployment")]},
            {"version": "v1beta1", "resources": [resource("deployments", "Deployment")]},
        )
    )
    served = discover(Script([core, apps]).client())
    pod, node = served.find("", "Pod"), served.find("", "nodes")
    assert pod is not None
    assert node is not None
    assert (pod.path("shop"), node.path("shop")) == ("/api/v1/namespaces/shop/pods", "/api/v1/nodes")
    assert [(each.plural, each.version) for each in served.preferred()] == [
        ("pods", "v1"),
        ("nodes", "v1"),
        ("deployments", "v1"),
    ]


def test_a_broken_aggregated_api_is_told_and_the_rest_is_there() -> None:
    broken = group("metrics.example", {"version": "v1", "freshness": "Stale"})
    served = discover(
        Script([groups(), groups(broken, group("apps", {"version": "v1", "resources": [resource("x", "X")]}))]).client()
    )
    assert [(each.group, each.version) for each in served.stale] == [("metrics.example", "v1")]
    assert [each.plural for each in served.resources] == ["x"]


def test_an_old_server_is_asked_group_by_group() -> None:
    def answer(request: Request) -> Scripted:
        versions = [
            {"version": "v1beta1", "groupVersion": "apps/v1beta1"},
            {"version": "v1", "groupVersion": "apps/v1"},
        ]
        return {
            "/api": Scripted(200, {"kind": "APIVersions", "versions": ["v1"]}),
            "/apis": Scripted(
                200,
                {
                    "kind": "APIGroupList",
                    "groups": [{"name": "apps", "versions": versions, "preferredVersion": versions[1]}],
                },
            ),
            "/api/v1": Scripted(
                200,
                {
                    "resources": [
                        {"name": "pods", "kind": "Pod", "namespaced": True},
                        {"name": "pods/log", "kind": "Pod"},
                    ]
                },
            ),
            "/apis/apps/v1": Scripted(
                200, {"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": True}]}
            ),
            "/apis/apps/v1beta1": status(500, "InternalError", "broken"),
        }[request.path]

    served = discover(Script(answer).client())
    assert [(each.api_version, each.plural) for each in served.resources] == [
        ("v1", "pods"),
        ("apps/v1", "deployments"),
    ]
    assert [(each.version, each.reason) for each in served.stale] == [("v1beta1", "broken")]
