"""Commands about rights: who-can, can, rbac."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from transom.cli import main

RBAC = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules:
- {apiGroups: [""], resources: [secrets], verbs: [get, list]}
- {apiGroups: [""], resources: [configmaps], resourceNames: [settings], verbs: [get]}
- {apiGroups: [""], resources: [pods/exec], verbs: [get]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: web}
- {kind: Group, name: "system:serviceaccounts:ops", apiGroup: rbac.authorization.k8s.io}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: ops}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  nodeName: worker-1
  containers:
  - {name: app, image: example.com/app:1, envFrom: [{secretRef: {name: db}}]}
"""
BROKEN = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: broken}
rules: [{apiGroups: [""], resources: [pods]}]
"""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rbac.yaml").write_text(RBAC)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main([*words, "--from", "rbac.yaml", "-o", "json"]) == code
    return json.loads(capsys.readouterr().out)


def holders(capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    found = told(capsys, "who-can", *words)["holders"]
    subjects = [each["subject"] for each in found]
    return {f"{each['kind']} {each['namespace']}/{each['name']}" for each in subjects}


def test_who_can_names_subjects_masters_and_nodes(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = holders(capsys, "get", "secret/db", "-n", "shop")
    assert {"ServiceAccount shop/web", "Group /system:serviceaccounts:ops", "Group /system:masters"} <= found
    assert "User /system:node:worker-1" in found  # its pod needs this one …
    assert "User /system:node:worker-1" not in holders(capsys, "get", "secret/other", "-n", "shop")  # … and not that


def test_who_can_asks_in_one_namespace_only(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ServiceAccount shop/web" not in holders(capsys, "get", "secrets", "-n", "ops")
    assert "ServiceAccount shop/web" in holders(capsys, "get", "secrets")


def test_who_can_tells_the_names_that_a_right_is_limited_to(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "who-can", "get", "cm", "-n", "shop")["holders"]
    assert [each["names"] for each in found if each["subject"]["name"] == "web"] == [["settings"]]


def test_who_can_expands_groups_to_service_accounts(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ServiceAccount ops/robot" in holders(capsys, "get", "secrets", "-n", "shop")
    assert "ServiceAccount ops/robot" not in holders(capsys, "get", "/healthz")  # that is everybody's
    assert "ServiceAccount ops/robot" in holders(capsys, "get", "/healthz", "--expand")


def test_before_1_35_get_is_enough_to_exec(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("create", "pods/exec", "-n", "shop")
    assert "ServiceAccount shop/web" not in holders(capsys, *asked)
    assert "ServiceAccount shop/web" in holders(capsys, *asked, "--kubernetes-version", "1.34")


def test_can_tells_of_the_detour_before_1_35(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["can", "sa:shop/web", "create", "pods/exec", "--from", "rbac.yaml"]
    assert main([*asked, "--kubernetes-version", "1.34"]) == 1
    assert "it can get pods/exec -n shop" in capsys.readouterr().err
    assert main(asked) == 1
    assert "it can get" not in capsys.readouterr().err


def test_can_tells_where_an_account_is_not_there(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["can", "sa:ops/robot", "get", "pods", "--from", "rbac.yaml"]) == 1
    assert "no service account" not in capsys.readouterr().err
    assert main(["can", "sa:ops/robt", "get", "pods", "--from", "rbac.yaml"]) == 1
    assert "no service account ops/robt" in capsys.readouterr().err


def test_resources_are_named_as_with_kubectl(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("deploy", "Deployment", "deployments", "deployments.apps", "deployments.v1.apps"):
        question = told(capsys, "who-can", "get", word, "-n", "shop")["question"]
        assert (question["group"], question["resource"]) == ("apps", "deployments")


def test_can_answers_by_its_exit_code(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "can", "sa:shop/web", "get", "secrets")["allowed"] is True
    assert told(capsys, "can", "sa:shop/web", "get", "secrets", "-n", "ops", code=1)["allowed"] is False
    assert told(capsys, "can", "system:serviceaccount:ops:robot", "list", "secrets", "-n", "shop")["allowed"] is True


def test_options_stand_wherever_one_types_them(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("can", "ada", "--group", "system:serviceaccounts:ops", "get", "secrets", "-n", "shop")
    assert told(capsys, *words)["allowed"] is True


def test_can_explains_binding_role_and_rule_with_their_places(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["can", "sa:shop/web", "get", "cm/settings", "--from", "rbac.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "RoleBinding shop/readers  rbac.yaml:9" in shown
    assert "Role shop/reader, rules[1]  rbac.yaml:6" in shown


def test_can_lists_rules_with_their_bindings(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = told(capsys, "can", "sa:shop/web")["rules"]
    place = {"file": "rbac.yaml", "line": 9}
    assert {"kind": "RoleBinding", "namespace": "shop", "name": "readers", **place} in [
        rule["binding"] for rule in rules
    ]
    assert any(rule["binding"]["name"] == "system:discovery" for rule in rules)
    rules = told(capsys, "can", "sa:shop/web", "--no-defaults")["rules"]
    assert {rule["binding"]["name"] for rule in rules} == {"readers"}


def test_reviews_are_answered_in_order_and_a_bad_line_in_its_place(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = {"user": "system:serviceaccount:shop:web"}
    asked = {"verb": "get", "resource": "secrets", "namespace": "shop"}
    good = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    lines = [
        json.dumps({**good, "spec": {**spec, "resourceAttributes": asked}}),
        "nonsense",
        json.dumps({**good, "spec": {"user": "nobody", "resourceAttributes": asked}}),
    ]
    (source / "reviews.jsonl").write_text("\n".join(lines) + "\n")
    assert main(["can", "--reviews", "reviews.jsonl", "--from", "rbac.yaml"]) == 3
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["status"]["allowed"] for each in answers] == [True, False, False]
    assert "reader" in answers[0]["status"]["reason"] and answers[0]["spec"]["user"] == spec["user"]
    assert "no JSON" in answers[1]["status"]["evaluationError"]


def test_reviews_that_all_are_reviews_end_with_0(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "one.jsonl").write_text(
        '{"spec":{"groups":["devs"],"nonResourceAttributes":{"verb":"get","path":"/x"}}}\n'
    )
    assert main(["can", "--reviews", "one.jsonl", "--from", "rbac.yaml"]) == 0


def test_what_the_server_refuses_makes_a_no_incomplete(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "broken.yaml").write_text(BROKEN)
    told(capsys, "can", "alice", "get", "pods", "--from", "broken.yaml", code=3)
    told(capsys, "can", "sa:shop/web", "get", "secrets", "--from", "broken.yaml", code=0)
    skipped = told(capsys, "who-can", "get", "pods", "--from", "broken.yaml", code=3)["skipped"]
    assert "has no verbs" in skipped[0]["reason"]


def test_other_authorizers_are_told(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n", "labels": {"eks.amazonaws.com/nodegroup": "a"}},
    }
    (source / "node.json").write_text(json.dumps(node))
    found = told(capsys, "who-can", "get", "pods", "--from", "node.json", code=3)
    assert found["skipped"][0]["reason"] == "RBAC only: EKS access entries may allow more"


def test_diff_tells_what_reach_was_added(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "new.yaml").write_text(RBAC.replace("verbs: [get, list]", "verbs: [get, watch]"))
    assert main(["rbac", "diff", "rbac.yaml", "new.yaml", "-o", "json"]) == 1
    changes = json.loads(capsys.readouterr().out)["changes"]
    found = {(each["change"], each["reach"]["verb"]) for each in changes if each["subject"]["name"] == "web"}
    assert found == {("added", "watch"), ("removed", "list")}


def test_reach_that_was_there_by_another_way_is_no_change(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = (
        RBAC.replace("name: reader,", "name: copy,")
        .replace("name: readers", "name: copies")
        .replace("kind: Role, name: reader", "kind: Role, name: copy")
    )
    (source / "new.yaml").write_text(RBAC + "---\n" + more)
    assert main(["rbac", "diff", "rbac.yaml", "new.yaml"]) == 0


def test_matrix_shows_subjects_beside_resources(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subjects = told(capsys, "rbac", "matrix")["subjects"]
    web = next(each for each in subjects if each["subject"]["name"] == "web")
    assert web["rights"]["secrets"]["get"] == {"everywhere": False, "namespaces": ["shop"], "names": []}
    assert web["rights"]["configmaps"]["get"]["names"] == ["settings"]
    one = told(capsys, "rbac", "matrix", "sa:shop/web")["rights"]
    assert one["secrets"]["list"]["namespaces"] == ["shop"]


def test_graph_is_written_for_graphviz(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rbac", "graph", "--from", "rbac.yaml", "-o", "dot"]) == 0
    assert '"ServiceAccount shop/web" -> "RoleBinding shop/readers"' in capsys.readouterr().out


def test_hostile_names_stay_text_on_the_page(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "hostile.yaml").write_text(RBAC.replace("system:serviceaccounts:ops", "<script>alert(1)</script>"))
    assert main(["who-can", "get", "secrets", "--from", "hostile.yaml", "-o", "html"]) == 0
    shown = capsys.readouterr().out
    assert "<script>" not in shown and "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["who-can", "get", "pods"], "--from"),
        (["who-can", "get", "/x", "-n", "a", "--from", "rbac.yaml"], "a URL has no namespace"),
        (["can", "--from", "rbac.yaml"], "name who it is about"),
        (["can", "sa:web", "--from", "rbac.yaml"], "sa:shop/web"),
        (["can", "group:", "--from", "rbac.yaml"], "names nobody"),
        (["can", "alice", "get", "--from", "rbac.yaml"], "get what?"),
        (["rbac"], "ACTION"),
    ],
)
def test_wrong_use_ends_with_2(words: list[str], says: str, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert says in capsys.readouterr().err
