"""From a cluster to what is told of it: entries, exposures, what to take away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.identity.conftest import Cluster
from transom.cli import main
from transom.model.edges import Vertex
from transom.paths.attack import entries_of, removal, story


def strong(cluster: Cluster, pods: int = 3) -> Cluster:
    """Pods that the outside reaches, each of which may read Secrets, among them an administrator's token."""
    for number in range(pods):
        name = f"web-{number}"
        cluster.pod(name, account=name).exposed(name)
        cluster.grant(f"sa:shop/{name}", ("get", "", "secrets"), namespace="shop")
    annotations = {"annotations": {"kubernetes.io/service-account.name": "boss"}}
    cluster.add("v1", "Secret", "t", "shop", type="kubernetes.io/service-account-token", metadata=annotations)
    return cluster.grant("sa:shop/boss", ("*", "*", "*"))


def test_the_outside_is_where_it_starts(cluster: Cluster) -> None:
    field = strong(cluster).pod("hidden").field()
    assert entries_of(field, ()) == [Vertex("Pod", "shop", f"web-{number}") for number in range(3)]
    assert {each.how for ways in field.exposures.values() for each in ways} == {"LoadBalancer"}


@pytest.mark.parametrize(
    ("version", "kind", "spec", "how"),
    [
        ("networking.k8s.io/v1", "Ingress", {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "web"}}}]}}]}, "Ingress"),
        ("networking.k8s.io/v1", "Ingress", {"defaultBackend": {"service": {"name": "web"}}}, "Ingress"),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", {"rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}, "Gateway"),
    ],
)  # fmt: skip
def test_ingresses_and_routes_expose(
    version: str, kind: str, spec: dict[str, object], how: str, cluster: Cluster
) -> None:
    cluster.pod("web").add("v1", "Service", "web", "shop", spec={"selector": {"app": "web"}})
    assert not cluster.field().exposures
    cluster.add(version, kind, "open", "shop", spec=spec)
    ((exposure,),) = cluster.field().exposures.values()
    assert exposure.how == how


def test_an_internal_load_balancer_exposes_nothing(cluster: Cluster) -> None:
    cluster.pod("web").exposed("web")
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-internal": "true"}
    cluster.objects[-1]["metadata"]["annotations"] = annotations
    assert not cluster.field().exposures


def test_a_host_port_exposes(cluster: Cluster) -> None:
    cluster.pod("web", containers=[{"name": "a", "image": "a", "ports": [{"containerPort": 1, "hostPort": 1}]}])
    assert [ways[0].how for ways in cluster.field().exposures.values()] == ["HostPort"]


def test_the_cut_is_the_one_binding_that_all_go_through(cluster: Cluster) -> None:
    field = strong(cluster).field()
    entries = entries_of(field, ())
    found = story(field, entries, "admin")
    assert len(found.reached) == 3
    assert found.chokes[0].share == 1.0
    taken = removal(field, entries, "admin", 5)
    assert taken is not None
    assert [ref.kind for ref in taken.refs] == ["ClusterRoleBinding"]
    assert taken.left == 0 and taken.proven


def test_fewer_things_than_the_cut_needs_say_how_many_are_left(cluster: Cluster) -> None:
    for number in range(3):
        name = f"web-{number}"
        cluster.pod(name, account=name).exposed(name).grant(f"sa:shop/{name}", ("*", "*", "*"))
    field = cluster.field()
    taken = removal(field, entries_of(field, ()), "admin", 2)
    assert taken is not None and len(taken.refs) == 2 and taken.left == 1 and not taken.proven


def test_what_several_bindings_gain_together_is_cut_by_one_of_them(cluster: Cluster) -> None:
    group = "rbac.authorization.k8s.io"
    cluster.pod("web", account="web").exposed("web").grant("sa:shop/web", ("bind", group, "clusterroles"))
    cluster.grant("sa:shop/web", ("create", group, "clusterrolebindings"))
    field = cluster.field()
    taken = removal(field, entries_of(field, ()), "admin", 5)
    assert taken is not None and len(taken.refs) == 1 and taken.left == 0 and not taken.proven


def test_command_tells_paths_and_the_cut(cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": strong(cluster).objects}))
    assert main(["paths", str(file), "--cut", "3", "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    admin = next(each for each in found["jewels"] if each["jewel"] == "admin")
    assert admin["cut"]["left"] == 0 and len(admin["cut"]["remove"]) == 1
    assert [step["primitive"] for step in admin["paths"][0]["steps"]] == [
        "token-mounted", "read-secrets", "token-secret", "everything"
    ]  # fmt: skip
    assert main(["paths", str(file), "--cut", "3"]) == 1
    assert "Take away" in capsys.readouterr().out
    assert main(["paths", "--from", str(file), "-o", "html"]) == 1
    page = capsys.readouterr().out
    assert page.startswith("<!DOCTYPE html>") and page.count("<table>") == page.count('<ol class="chain">') > 0


def test_as_many_ways_are_listed_as_are_asked_for(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.pod("web", account="web").exposed("web").grant("sa:shop/boss", ("*", "*", "*"))
    for verb in ("create", "get"):
        cluster.grant("sa:shop/web", (verb, "", "serviceaccounts/token"), namespace="shop")
    cluster.grant("sa:shop/web", ("impersonate", "", "serviceaccounts"), namespace="shop")
    file = tmp_path / "cluster.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": cluster.objects}))
    assert main(["paths", str(file), "--jewel", "admin", "--ways", "5", "-o", "json"]) == 1
    (path,) = json.loads(capsys.readouterr().out)["jewels"][0]["paths"]
    assert path["ways"] == 2 and len(path["others"]) == 1
    assert main(["paths", str(file), "--ways", "0"]) == 2


def test_no_path_ends_with_0(cluster: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "cluster.json"
    file.write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": cluster.pod("web").exposed("web").objects})
    )
    assert main(["paths", str(file)]) == 0
    assert main(["paths", str(file), "--jewel", "Pod/shop/absent"]) == 2
    assert main(["paths", str(file), "--entry", "sa:shop/absent"]) == 3  # misspelt is not clean


def test_a_page_begins_with_how_many_entries_reach_what(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": strong(cluster).objects}))
    main(["paths", str(file), "--jewel", "admin", "--jewel", "cloud", "--cut", "1", "-o", "html"])
    page = capsys.readouterr().out
    assert '<a class="open" href="#s0"><b>3</b> of 3<span>' in page
    assert '<a class="shut" href="#s1"><b>0</b> of 3<span>' in page
    assert page.index('<div class="advice">') < page.index("<article>")
