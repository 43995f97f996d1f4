"""Structured merge: lists by the keys of their elements, what is atomic untouched."""

from __future__ import annotations

import pytest

from transom.rules.merging import MergeError, merged


def pod(**spec):
    return {"apiVersion": "v1", "kind": "Pod", "spec": spec}


def test_containers_are_merged_by_name_and_variables_within_them():
    value = pod(containers=[{"name": "a", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}])
    wanted = {
        "spec": {"containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "3"}]}]}
    }
    (first, second) = merged(value, wanted, "", "Pod")["spec"]["containers"]
    assert first == {"name": "a", "env": [{"name": "X", "value": "3"}, {"name": "Y", "value": "2"}]}
    assert second == {"name": "b"}


def test_ports_are_merged_by_number_and_protocol_which_is_tcp_where_none_is_named():
    value = pod(containers=[{"name": "a", "ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]}])
    wanted = {
        "spec": {"containers": [{"name": "a", "ports": [{"containerPort": 53, "protocol": "TCP", "name": "dns"}]}]}
    }
    ports = merged(value, wanted, "", "Pod")["spec"]["containers"][0]["ports"]
    assert ports == [{"containerPort": 53, "protocol": "TCP", "name": "dns"}, {"containerPort": 53, "protocol": "UDP"}]


def test_pod_templates_are_merged_as_pods():
    value = {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}
    wanted = {"spec": {"template": {"spec": {"containers": [{"name": "a", "tty": True}]}}}}
    assert merged(value, wanted, "apps", "Deployment") == wanted


def test_a_field_that_is_not_there_comes_to_be():
    assert merged({}, {"spec": {"securityContext": {"runAsNonRoot": True}}}, "", "Pod") == {
        "spec": {"securityContext": {"runAsNonRoot": True}}
    }


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"containers": [{"name": "a", "securityContext": {"capabilities": {"drop": ["ALL"]}}}]}, "atomic list"),
        ({"nodeSelector": {"x": "y"}}, "atomic"),
        ({"containers": [{"image": "x"}]}, "has no name"),
        ({"containers": [{"name": "a"}, {"name": "a"}]}, "twice"),
    ],
)
def test_what_the_api_server_refuses_is_refused(wanted, reason):
    with pytest.raises(MergeError, match=reason):
        merged(pod(containers=[{"name": "a"}]), {"spec": wanted}, "", "Pod")


def test_nothing_that_is_given_is_changed():
    value, wanted = pod(containers=[{"name": "a"}]), {"spec": {"containers": [{"name": "a", "tty": True}]}}
    merged(value, wanted, "", "Pod")
    assert value == pod(containers=[{"name": "a"}])
