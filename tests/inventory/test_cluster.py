"""A live cluster as a source: what is kept, what is folded, and what is told of all that could not be read."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from transom.cli import main
from transom.inventory import Inventory
from transom.inventory.cluster import ClusterOptions, fill_from_cluster
from transom.inventory.own import RBAC, is_own
from transom.kube.client import Access
from transom.kube.scratch import ControlPlane
from transom.model.findings import Skipped
from transom.model.refs import Ref

Scan = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def scan(control_plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scan:
    """Scan the shared cluster, or something else; returns the exit code and the report."""
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig()))

    def run(*arguments: str, target: str = "cluster") -> tuple[int, dict[str, Any]]:
        code = main(["scan", target, "-o", f"json={tmp_path / 'report.json'}", *arguments])
        return code, json.loads((tmp_path / "report.json").read_text())

    return run


@pytest.fixture
def home(api: Api, request: pytest.FixtureRequest) -> str:
    """A namespace of the test's own."""
    name = request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:60].strip("-")
    api.namespace(name)
    return name


def create(api: Api, *things: dict[str, Any]) -> list[dict[str, Any]]:
    made = [api.create(thing) for thing in things]
    for answer in made:
        assert answer.status == 201, answer.message
    return [answer.body for answer in made]


CONTAINER = {"name": "app", "image": "example.com/app:1.0"}


def deployment(namespace: str, name: str = "web", **container: Any) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{**CONTAINER, **container}]}},
        },
    }


def child(of: dict[str, Any], name: str, kind: str, **spec: Any) -> dict[str, Any]:
    """What a controller makes of an object's template, as the API server has it: this plane has no controllers."""
    owner = {key: of[key] for key in ("apiVersion", "kind")} | {key: of["metadata"][key] for key in ("name", "uid")}
    metadata = {
        "name": name,
        "namespace": of["metadata"]["namespace"],
        "labels": {"app": "web"},
        "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
    }
    template = json.loads(json.dumps(of["spec"]["template"]["spec"]))
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**template, **spec}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {**of["spec"], **spec}}


def rolled_out(api: Api, namespace: str, pods: int = 3, **container: Any) -> dict[str, Any]:
    """A Deployment with its ReplicaSet and pods; returns the ReplicaSet."""
    (made,) = create(api, deployment(namespace, **container))
    (replicas,) = create(api, child(made, "web-1", "ReplicaSet"))
    create(api, *(child(replicas, f"web-1-{index}", "Pod") for index in range(pods)))
    return replicas


def of_rule(report: dict[str, Any], rule: str) -> list[tuple[str, str]]:
    return [(each["ref"]["kind"], each["ref"]["name"]) for each in report["findings"] if each["rule"] == rule]


PRIVILEGED = {"securityContext": {"privileged": True}}


def test_a_deployment_with_many_pods_is_one_finding(api: Api, home: str, scan: Scan) -> None:
    rolled_out(api, home, pods=9, **PRIVILEGED)
    _, report = scan("-n", home)
    assert of_rule(report, "privileged-container") == [("Deployment", "web")]


def test_what_only_one_pod_has_is_a_finding_of_that_pod(api: Api, home: str, scan: Scan) -> None:
    replicas = rolled_out(api, home)
    debugged = child(replicas, "web-1-x", "Pod", containers=[{**CONTAINER, **PRIVILEGED}])
    create(api, debugged)
    _, report = scan("-n", home)
    (found,) = [each for each in report["findings"] if each["rule"] == "privileged-container"]
    assert (found["ref"]["kind"], found["ref"]["name"]) == ("Pod", "web-1-x")
    assert (found["owner"]["kind"], found["owner"]["name"]) == ("Deployment", "web")


def test_what_is_injected_into_all_pods_is_a_finding_of_their_deployment(api: Api, home: str, scan: Scan) -> None:
    (made,) = create(api, deployment(home))
    (replicas,) = create(api, child(made, "web-1", "ReplicaSet"))
    injected = [CONTAINER, {"name": "mesh", "image": "example.com/mesh:1", **PRIVILEGED}]
    create(api, *(child(replicas, f"web-1-{index}", "Pod", containers=injected) for index in range(3)))
    _, report = scan("-n", home)
    (found,) = [each for each in report["findings"] if each["rule"] == "privileged-container"]
    assert (found["ref"]["kind"], found["container"]) == ("Deployment", "mesh")
    assert "web-1-0" in [seen["observed"] for seen in found["evidence"]]


def test_pods_of_yesterdays_template_are_a_finding_of_their_replica_set(api: Api, home: str, scan: Scan) -> None:
    replicas = rolled_out(api, home)
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**replicas["metadata"]},
        "spec": replicas["spec"],
    }
    owner["metadata"] |= {"name": "web", "uid": replicas["metadata"]["ownerReferences"][0]["uid"]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{**CONTAINER, **PRIVILEGED}]}}
    (old,) = create(api, child(owner, "web-0", "ReplicaSet", template=template))
    create(api, *(child(old, f"web-0-{index}", "Pod") for index in range(2)))
    _, report = scan("-n", home)
    assert of_rule(report, "privileged-container") == [("ReplicaSet", "web-0")]


def test_pod_security_judges_a_deployment_once_and_the_pod_that_differs(api: Api, home: str, scan: Scan) -> None:
    replicas = rolled_out(api, home)
    create(api, child(replicas, "web-1-x", "Pod", containers=[{**CONTAINER, **PRIVILEGED}]))
    _, report = scan("-n", home, "--pod-security", "restricted")
    assert of_rule(report, "pod-security/privileged") == [("Pod", "web-1-x")]
    assert of_rule(report, "pod-security/runAsNonRoot") == [("Deployment", "web")]


def test_a_pod_whose_owner_is_gone_is_judged_by_itself(api: Api, home: str, scan: Scan) -> None:
    gone = {**deployment(home, **PRIVILEGED), "kind": "ReplicaSet"}
    gone["metadata"] = {**gone["metadata"], "name": "gone", "uid": "11111111-1111-1111-1111-111111111111"}
    create(api, child(gone, "orphan", "Pod"))
    _, report = scan("-n", home)
    assert of_rule(report, "privileged-container") == [("Pod", "orphan")]


def test_policies_of_others_about_pods_judge_one_pod_for_all_that_run_alike(
    api: Api, home: str, scan: Scan, tmp_path: Path
) -> None:
    rolled_out(api, home)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "no-example"},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "object.spec.containers.all(c, !c.image.startsWith('example.com/'))"}],
        },
    }
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "one.yaml").write_text(json.dumps(policy))
    _, report = scan("-n", home, "--rules", str(tmp_path / "policies"), "--rule", "no-example")
    assert of_rule(report, "no-example") == [("Deployment", "web")]


def test_a_static_pod_is_judged_and_shown_with_its_node(api: Api, home: str, scan: Scan) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    api.create(node)
    uid = api.request("GET", "/api/v1/nodes/n1").body["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": uid, "controller": True}
    mirror = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "etcd-n1",
            "namespace": home,
            "annotations": {"kubernetes.io/config.mirror": "abc"},
            "ownerReferences": [owner],
        },
        "spec": {"nodeName": "n1", "containers": [{**CONTAINER, **PRIVILEGED}]},
    }
    as_node = Api(api.plane, "system:node:n1", ("system:nodes",))
    made = as_node.create(mirror)
    assert made.status == 201, made.message
    as_node.close()
    _, report = scan()
    (found,) = [e for e in report["findings"] if e["rule"] == "privileged-container" and e["ref"]["name"] == "etcd-n1"]
    assert (found["owner"]["kind"], found["owner"]["name"]) == ("Node", "n1")


def test_custom_kinds_with_a_pod_template_are_read_and_told(api: Api, home: str, scan: Scan) -> None:
    from tests.cli.test_permissions import definition

    made = definition("example.com", "Robot", "robots", template=True)
    create(api, made)
    things = f"/apis/example.com/v1/namespaces/{home}/robots"
    while api.request("GET", things).status != 200:
        pass
    robot = {"apiVersion": "example.com/v1", "kind": "Robot", "metadata": {"name": "arm"}}
    answer = api.request("POST", things, {**robot, "spec": {"template": {"containers": [CONTAINER]}}})
    assert answer.status == 201, answer.message
    code, report = scan()
    api.delete(made)
    assert code == 3
    assert [each["ref"]["name"] for each in report["skipped"] if each["ref"]["kind"] == "Robot"] == ["arm"]


# what is not kept


def secret(namespace: str, name: str, kind: str = "Opaque", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(data)},
        },
        "stringData": data,
    }


def test_secrets_are_kept_with_type_and_keys_and_without_values(
    api: Api, home: str, control_plane: ControlPlane
) -> None:
    create(api, secret(home, "db", password="hunter2"), secret(home, "odd", "example.com/odd", key="hunter2"))
    inventory = Inventory()
    options = ClusterOptions(Access(kubeconfig=str(control_plane.kubeconfig())), home, secrets=True)
    list(fill_from_cluster(inventory, "cluster", options))
    kept = {each.ref.name: each.object for each in inventory.of_kind("", "Secret")}
    assert kept["db"]["data"] == {"password": ""}
    assert kept["db"]["type"] == "Opaque"
    assert kept["odd"]["data"] == {"key": ""}
    assert "hunter2" not in repr(kept)
    assert base64.b64encode(b"hunter2").decode() not in repr(kept)


def test_secrets_are_not_asked_for_by_default(api: Api, home: str, scan: Scan) -> None:
    create(api, secret(home, "db", password="hunter2"))
    _, report = scan("-n", home)
    assert any("--secrets" in what for what in report["summary"]["not_applicable"])


def test_an_object_of_more_than_a_megabyte_is_read(api: Api, home: str, control_plane: ControlPlane) -> None:
    large = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large", "namespace": home}}
    data = {"a": "x" * 700_000, "b": "y" * 345_000}  # all that the API server takes of a ConfigMap
    annotations = {"c": "z" * 250_000}
    create(api, {**large, "metadata": {**large["metadata"], "annotations": annotations}, "data": data})
    inventory = Inventory()
    options = ClusterOptions(Access(kubeconfig=str(control_plane.kubeconfig())), home)
    assert not [each for each in fill_from_cluster(inventory, "cluster", options) if isinstance(each, Skipped)]
    assert inventory.of_kind("", "ConfigMap")[0].object["data"] == data


def test_hostile_annotations_stay_in_their_place(
    api: Api, home: str, scan: Scan, capfd: pytest.CaptureFixture[str]
) -> None:
    hostile = deployment(home, **PRIVILEGED)
    hostile["metadata"]["annotations"] = {"a": "\x1b[2J\u202egnp.exe</script><script>alert(1)</script>\x00\r\n"}
    create(api, hostile)
    code, report = scan("-n", home, "-o", "table")
    assert code == 1
    assert of_rule(report, "privileged-container") == [("Deployment", "web")]
    assert "\x1b[2J" not in capfd.readouterr().out


# snapshots


def test_a_snapshot_is_judged_as_its_cluster_and_made_the_same_twice(
    api: Api, home: str, scan: Scan, tmp_path: Path
) -> None:
    rolled_out(api, home, **PRIVILEGED)
    create(api, secret(home, "db", password="hunter2"))
    files = [tmp_path / "one.transom", tmp_path / "two.transom"]
    for file in files:
        assert main(["snapshot", "cluster", "-n", home, "--secrets", "-o", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    live_code, live = scan("-n", home, "--secrets")
    kept_code, kept = scan("-n", home, target=str(files[0]))
    assert kept_code == live_code
    assert kept["findings"] == live["findings"]
    assert kept["judged"] == live["judged"]
    assert kept["summary"]["clusters"] == live["summary"]["clusters"]


def test_a_finding_is_explained_from_the_cluster(
    api: Api, home: str, scan: Scan, capsys: pytest.CaptureFixture[str]
) -> None:
    rolled_out(api, home, **PRIVILEGED)
    _, report = scan("-n", home)
    (found,) = [each for each in report["findings"] if each["rule"] == "privileged-container"]
    assert main(["explain", found["fingerprint"], "--from", "cluster", "-n", home]) == 0
    assert "spec.template.spec.containers[0].securityContext.privileged" in capsys.readouterr().out


# what is told


def test_the_report_names_the_cluster_and_its_version(api: Api, home: str, scan: Scan) -> None:
    _, report = scan("-n", home)
    (told,) = report["summary"]["clusters"]
    assert told["version"].startswith("v1.")
    assert (told["context"], told["namespace"], told["verified"]) == ("scratch", home, True)


def test_each_list_that_is_refused_names_the_permission_that_is_missing(
    control_plane: ControlPlane, scan: Scan
) -> None:
    code, report = scan("--kubeconfig", str(control_plane.kubeconfig("nobody-special", ())))
    assert code == 3
    reasons = {each["ref"]["kind"]: each for each in report["skipped"] if each["ref"]["name"] == "*"}
    assert "the permission to list deployments.apps in all namespaces" in reasons["Deployment"]["reason"]
    assert "the permission to list nodes, cluster-wide" in reasons["Node"]["reason"]
    assert "transom permissions scan" in reasons["Deployment"]["next_step"]


def test_a_user_of_one_namespace_reads_that_one_with_nothing_refused(
    api: Api, home: str, control_plane: ControlPlane, scan: Scan
) -> None:
    rolled_out(api, home, **PRIVILEGED)
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "owner"}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "owner", "namespace": home},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "owner", "namespace": home},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "owner"},
        "subjects": [subject],
    }
    create(api, role, binding)
    kubeconfig = str(control_plane.kubeconfig("owner", ()))
    code, report = scan("--kubeconfig", kubeconfig, "-n", home)
    assert (code, report["skipped"]) == (1, [])
    code, report = scan("--kubeconfig", kubeconfig)
    assert code == 3
    assert not of_rule(report, "privileged-container")  # nothing is listed in all namespaces, and all of that is told


def test_a_check_is_not_judged_where_what_it_reads_was_refused(
    api: Api, home: str, control_plane: ControlPlane, scan: Scan
) -> None:
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "front", "namespace": home},
        "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": home},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}},
    }
    rule = {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["list"]}
    group = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": "ingresses"}, "rules": [rule]}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "ingresses"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "ingresses"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "front-end"}],
    }
    create(api, ingress, service, role, binding)
    rule_id = "ingress-backend-missing"
    _, report = scan("--kubeconfig", str(control_plane.kubeconfig("front-end", ())), "--rule", rule_id)
    assert not of_rule(report, rule_id)
    assert [each["reason"] for each in report["skipped"] if each["rule"] == rule_id] == [
        "it also reads objects of kind Service, which could not all be listed"
    ]


def test_roles_that_every_cluster_has_are_no_findings(scan: Scan) -> None:
    _, report = scan("--only", "identity")
    names = [each["ref"]["name"] for each in report["findings"]]
    assert not [
        name for name in names if name.startswith("system:") or name in ("admin", "edit", "view", "cluster-admin")
    ]


def test_a_default_role_that_gives_more_is_none_of_kubernetes_own(api: Api, control_plane: ControlPlane) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node-bootstrapper"

    def is_its_own() -> bool:
        inventory = Inventory()
        list(
            fill_from_cluster(inventory, "cluster", ClusterOptions(Access(kubeconfig=str(control_plane.kubeconfig()))))
        )
        (role,) = inventory.with_ref(Ref("k8s", "", RBAC, "ClusterRole", "", "system:node-bootstrapper"))
        return is_own(inventory, role)

    assert is_its_own()
    role = api.request("GET", path).body
    role["rules"].append({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})
    assert api.request("PUT", path, role).status == 200
    try:
        assert not is_its_own()
    finally:
        role = api.request("GET", path).body
        role["rules"].pop()
        assert api.request("PUT", path, role).status == 200


@pytest.fixture
def broken_api(api: Api) -> Iterator[str]:
    """An aggregated API whose server is not there."""
    thing = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1beta1.broken.example"},
        "spec": {
            "group": "broken.example",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "none", "namespace": "default"},
        },
    }
    create(api, thing)
    yield "v1beta1.broken.example"
    api.delete(thing)


def test_a_broken_aggregated_api_is_told_and_everything_else_is_read(scan: Scan, broken_api: str) -> None:
    code, report = scan()
    assert code == 3
    told = [each for each in report["skipped"] if each["ref"]["name"] == broken_api]
    assert [each["next_step"] for each in told] == [f"kubectl describe apiservice {broken_api}"]
    assert report["summary"]["judged"] > 0
    code, _ = scan("--allow-skipped", broken_api, "--fail-on", "critical", "--only", "secrets")
    assert code != 3
