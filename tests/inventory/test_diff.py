"""Objects of two sources, and what cannot be said of them."""

from __future__ import annotations

import base64
from typing import Any

from transom.inventory import Inventory, Origin
from transom.inventory.diff import Compared, diff, identity, unjudged
from transom.inventory.selection import EVERYTHING, Selection
from transom.inventory.snapshot import without_secret_values
from transom.model.clusters import ClusterFacts, Gap
from transom.model.drift import ObjectDrift
from transom.model.findings import Skipped
from transom.model.refs import Ref, file_ref

BROKEN = Skipped(file_ref("b/broken.yaml"), "it is no YAML", "correct it")


def thing(kind: str, name: str, api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def side(name: str, *objects: dict[str, Any], skipped: tuple[Skipped, ...] = (), **selection: Any) -> Compared:
    inventory = Inventory()
    for value in objects:
        inventory.add(value, Origin(name, f"{name}/{value['metadata']['name']}.yaml"))
    return Compared(inventory, Selection(**selection) if selection else EVERYTHING, skipped)


def names(found: ObjectDrift) -> dict[str, list[str]]:
    return {
        state: [each.ref.name for each in getattr(found, state)]
        for state in ("added", "removed", "unseen", "changed", "repeated")
        if getattr(found, state)
    }


def test_objects_are_added_removed_and_changed() -> None:
    before = side("a", thing("Pod", "gone"), thing("Pod", "other"), thing("Pod", "same"))
    after = side("b", thing("Pod", "new"), thing("Pod", "other", spec={"hostPID": True}), thing("Pod", "same"))
    found = diff(before, after)
    assert names(found) == {"added": ["new"], "removed": ["gone"], "changed": ["other"]}
    assert found.same == 1
    assert found.changed[0].fields[0].path == "spec.hostPID"


def test_the_cluster_plays_no_part_in_what_an_object_is() -> None:
    assert identity(Ref(cluster="prod", kind="Pod", name="a")) == Ref(kind="Pod", namespace="default", name="a")
    assert identity(Ref(kind="Namespace", namespace="odd", name="a")) == Ref(kind="Namespace", name="a")
    assert identity(Ref(group="extensions", kind="Ingress", namespace="a", name="b")).group == "networking.k8s.io"


def test_what_is_absent_where_a_file_could_not_be_read_is_not_removed() -> None:
    found = diff(side("a", thing("Pod", "web")), side("b", skipped=(BROKEN,)))
    assert names(found) == {"unseen": ["web"]}
    assert "it is no YAML" in found.unseen[0].why


def test_a_refused_list_hides_objects_of_its_kind_only() -> None:
    refused = Skipped(Ref(cluster="prod", kind="Secret"), "the server refuses", "allow it")
    found = diff(side("a", thing("Secret", "token"), thing("Pod", "web")), side("b", skipped=(refused,)))
    assert names(found) == {"unseen": ["token"], "removed": ["web"]}


def test_what_left_the_selection_is_not_removed() -> None:
    chosen: dict[str, Any] = {"labels": lambda labels: labels.get("app") == "web"}
    before = side("a", thing("Pod", "web", metadata={"labels": {"app": "web"}}), **chosen)
    after = side("b", thing("Pod", "web", metadata={"labels": {"app": "other"}}), **chosen)
    assert names(diff(before, after)) == {"unseen": ["web"]}


def test_an_object_that_stands_twice_is_told_and_compared_copy_by_copy() -> None:
    one, other = thing("Pod", "web"), thing("Pod", "web", spec={"hostPID": True})
    found = diff(side("a", one, other), side("b", other))
    assert names(found) == {"removed": ["web"], "repeated": ["web"]}
    assert found.repeated[0].side == "before"
    assert len(found.repeated[0].at) == 2


def test_pods_of_a_controller_that_is_compared_are_left_out() -> None:
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "controller": True}]
    replicas = thing("ReplicaSet", "web", "apps/v1")
    found = diff(side("a", replicas), side("b", replicas, thing("Pod", "web-x", metadata={"ownerReferences": owner})))
    assert names(found) == {}
    assert found.derived == 1


def test_a_pod_that_only_claims_a_controller_is_compared() -> None:
    owner = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "none", "controller": True}]
    found = diff(side("a"), side("b", thing("Pod", "web-x", metadata={"ownerReferences": owner})))
    assert names(found) == {"added": ["web-x"]}


def test_what_every_namespace_has_is_no_drift_until_somebody_changes_it() -> None:
    account = thing("ServiceAccount", "default")
    assert names(diff(side("a"), side("b", account))) == {}
    changed = {**account, "automountServiceAccountToken": True}
    assert names(diff(side("a"), side("b", changed))) == {"added": ["default"]}


def test_values_of_secrets_are_compared_and_never_shown() -> None:
    found = diff(
        side("a", thing("Secret", "token", data={"key": "aHVudGVyMg=="})),
        side("b", thing("Secret", "token", stringData={"key": "hunter3", "more": "x"})),
    )
    shown = [(each.path, each.before, each.after) for each in found.changed[0].fields]
    assert shown == [("data.key", "(hidden)", "(hidden)"), ("data.more", None, "(hidden)")]


def test_plain_texts_of_a_secret_equal_the_same_in_base64() -> None:
    encoded = base64.b64encode(b"hunter2").decode()
    before, after = thing("Secret", "a", stringData={"k": "hunter2"}), thing("Secret", "a", data={"k": encoded})
    assert names(diff(side("a", before), side("b", after))) == {}


def test_a_secret_without_its_values_differs_by_its_keys_only() -> None:
    whole = thing("Secret", "a", data={"k": "aGk=", "other": "aGk="})
    redacted = without_secret_values(whole)
    assert isinstance(redacted, dict)
    assert names(diff(side("a", whole), side("b", redacted))) == {}
    del redacted["data"]["other"]
    assert [each.path for each in diff(side("a", whole), side("b", redacted)).changed[0].fields] == ["data.other"]


def test_variables_and_passwords_on_command_lines_are_hidden() -> None:
    def pod(secret: str) -> dict[str, Any]:
        app = {
            "name": "app",
            "env": [{"name": "PASSWORD", "value": secret}],
            "args": ["--db-password", secret, f"--token={secret}", f"postgres://me:{secret}@db/x"],
        }
        return thing("Pod", "web", spec={"containers": [app]})

    found = diff(side("a", pod("hunter2")), side("b", pod("hunter3")))
    assert len(found.changed[0].fields) == 2
    assert "hunter" not in str(found.changed)


def test_the_value_of_a_field_that_is_not_written_is_called_a_default() -> None:
    found = diff(side("a", thing("Pod", "web", spec={})), side("b", thing("Pod", "web", spec={"hostPID": True})))
    assert found.changed[0].fields[0].before == "false (default)"


def test_what_was_skipped_has_no_verdict() -> None:
    web = thing("Pod", "web")
    skip = Skipped(Ref(kind="Pod", namespace="shop", name="web"), "it hangs on the user", rule="one")
    ask = unjudged(side("b", web, skipped=(skip,)))
    ref = Ref(cluster="x", kind="Pod", namespace="shop", name="web")
    assert ask(ref, "one") == "it hangs on the user"
    assert ask(ref, "two") == ""
    assert ask(Ref(kind="Pod", namespace="shop", name="other"), "one") == ""


def cluster(*objects: dict[str, Any], **facts: Any) -> Compared:
    found = side("cluster", *objects)
    found.inventory.clusters["cluster"] = ClusterFacts("prod", "v1.36.0", **facts)
    return found


def test_a_kind_that_nobody_asked_a_cluster_for_is_not_removed() -> None:
    found = diff(side("a", thing("Secret", "token"), thing("Pod", "web")), cluster(kinds=("Pod", "apps/Deployment")))
    assert names(found) == {"unseen": ["token"], "removed": ["web"]}
    ask = unjudged(cluster(kinds=("Pod",)))
    assert ask(Ref(kind="Secret", namespace="shop", name="token"), "any") != ""


def test_what_lies_beyond_the_namespace_that_was_read_is_not_removed() -> None:
    there = cluster(namespace="till", gaps=(Gap("", "Node"),))
    found = diff(side("a", thing("Pod", "web"), {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}), there)
    assert sorted(names(found)["unseen"]) == ["n", "web"]


def test_a_group_whose_server_does_not_answer_hides_its_objects() -> None:
    stale = Skipped(Ref(group="apiregistration.k8s.io", kind="APIService", name="v1.example.com"), "no answer", "")
    before = side("a", thing("Widget", "one", "example.com/v1"), thing("Pod", "web"))
    assert names(diff(before, side("b", skipped=(stale,)))) == {"unseen": ["one"], "removed": ["web"]}


def test_what_kubernetes_makes_for_itself_is_no_drift_of_a_cluster() -> None:
    local = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1."}, "spec": {}}
    foreign = {**local, "metadata": {"name": "v1.evil"}, "spec": {"service": {"name": "evil"}}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
    assert names(diff(side("a"), cluster(local, foreign, namespace))) == {"added": ["v1.evil"]}
