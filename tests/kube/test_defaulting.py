"""What decoding and defaulting add to an object."""

from __future__ import annotations

from typing import Any

from transom.kube.defaulting import admitted, defaulted


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {},
        "spec": {"containers": [{"name": "a", "image": "a:1"}], **spec},
    }


def test_pods_get_what_policies_rely_on() -> None:
    spec = admitted(pod(), "", "Pod")["spec"]
    assert spec["restartPolicy"] == "Always"
    assert spec["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert spec["serviceAccountName"] == "default"
    assert [each["key"] for each in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]


def test_what_is_empty_is_not_written() -> None:
    assert "hostNetwork" not in defaulted(pod(), "", "Pod")["spec"]


def test_what_is_said_stays() -> None:
    spec = admitted(pod(restartPolicy="Never", serviceAccountName="own", priorityClassName="high"), "", "Pod")["spec"]
    assert (spec["restartPolicy"], spec["serviceAccountName"]) == ("Never", "own")
    assert "priority" not in spec


def test_limits_are_requests_of_pods_but_not_of_templates() -> None:
    containers = [{"name": "a", "image": "a", "resources": {"limits": {"cpu": ".5"}}}]
    template = {"template": {"spec": {"containers": containers}}}
    workload = defaulted({"apiVersion": "apps/v1", "kind": "Deployment", "spec": template}, "apps", "Deployment")
    resources = defaulted(pod(containers=containers), "", "Pod")["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}}
    assert workload["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "500m"}}


def test_kinds_of_others_are_as_they_are() -> None:
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "spec": {"a": None}}
    assert defaulted(thing, "example.com", "Thing") is thing
