"""PodView over the nine kinds, inheritance of security contexts, and hostile types."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.kinds import TEMPLATE_PATHS
from transom.kube.pods import PodView, Profile, capability_names, pod_view
from transom.kube.podsecurity import Malformed, evaluate


def pod(security: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **container: Any) -> PodView:
    own = {"name": "app", "image": "example.com/app:1", **container}
    spec: dict[str, Any] = {"containers": [own], "securityContext": security or {}}
    view = pod_view({"metadata": {"annotations": annotations or {}}, "spec": spec}, "", "Pod")
    assert view is not None
    return view


@pytest.mark.parametrize(("group", "kind"), TEMPLATE_PATHS)
def test_every_kind_with_a_template_has_a_view(group: str, kind: str) -> None:
    value: Any = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "app"}]}}
    path = TEMPLATE_PATHS[group, kind]
    for step in reversed(path):
        value = {step: value}
    view = pod_view(value, group, kind)
    assert view is not None
    assert (view.path, view.labels) == (path, {"app": "x"})
    assert view.containers[0].path == (*path, "spec", "containers", 0)


def test_a_kind_without_pods_has_none() -> None:
    assert pod_view({"spec": {"template": {"spec": {}}}}, "argoproj.io", "Application") is None


def test_a_containers_setting_overrides_the_pods() -> None:
    view = pod({"runAsNonRoot": True}, securityContext={"runAsNonRoot": False})
    assert view.containers[0].security.run_as_non_root is False


def test_a_container_inherits_what_it_does_not_set() -> None:
    view = pod({"runAsUser": 7, "seccompProfile": {"type": "RuntimeDefault"}})
    assert view.containers[0].security.run_as_user == 7
    assert view.containers[0].security.seccomp == Profile("RuntimeDefault")


def test_apparmor_may_stand_in_an_annotation() -> None:
    view = pod(annotations={"container.apparmor.security.beta.kubernetes.io/app": "localhost/web"})
    assert view.containers[0].security.apparmor == Profile("Localhost", "web")


def test_roles_tell_sidecars_from_init_containers() -> None:
    spec = {
        "initContainers": [{"name": "once"}, {"name": "always", "restartPolicy": "Always"}],
        "containers": [{"name": "app"}],
        "ephemeralContainers": [{"name": "debug"}],
    }
    view = pod_view({"spec": spec}, "", "Pod")
    assert view is not None
    assert [container.role for container in view.containers] == ["init", "sidecar", "app", "ephemeral"]


def test_mounts_know_their_volumes() -> None:
    spec = {
        "containers": [
            {
                "name": "app",
                "volumeMounts": [{"name": "host", "mountPath": "/host"}, {"name": "lost", "mountPath": "/x"}],
            }
        ],
        "volumes": [{"name": "host", "hostPath": {"path": "/"}}],
    }
    view = pod_view({"spec": spec}, "", "Pod")
    assert view is not None
    first, second = view.containers[0].mounts
    assert first.volume is not None
    assert (first.volume.source, first.volume.fields) == ("hostPath", {"path": "/"})
    assert second.volume is None


def test_capabilities_are_named_as_runtimes_read_them() -> None:
    assert capability_names(("CAP_sys_admin", "NET_RAW")) == {"SYS_ADMIN", "NET_RAW"}


def test_a_wrong_type_is_told_and_hides_no_other_field() -> None:
    view = pod(securityContext={"privileged": "yes", "runAsUser": 5}, image=7)
    assert view.containers[0].security.run_as_user == 5
    assert {problem.path[-1] for problem in view.problems} == {"privileged", "image"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["spec", "containers", "name", "securityContext", "capabilities", "add", "volumes", "metadata", "os"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["spec", "metadata"]), JSON))
def test_no_pod_is_too_odd_for_a_view_or_a_verdict(value: dict[str, Any]) -> None:
    assert pod_view(value, "", "Pod") is not None
    try:
        evaluate(value.get("metadata"), value.get("spec"), "restricted")
    except Malformed as error:
        assert error.path


@given(st.sampled_from([None, True, False]), st.lists(st.sampled_from([None, True, False]), min_size=1, max_size=3))
def test_the_effective_setting_agrees_with_pod_security(pods: bool | None, own: list[bool | None]) -> None:
    containers = [{"name": str(n), "securityContext": {"runAsNonRoot": value}} for n, value in enumerate(own)]
    spec = {"securityContext": {"runAsNonRoot": pods}, "containers": containers}
    view = pod_view({"spec": spec}, "", "Pod")
    assert view is not None
    refused = "runAsNonRoot" in {violation.check for violation in evaluate({}, spec, "restricted")}
    all_true = all(container.security.run_as_non_root for container in view.containers)
    assert refused is (not all_true or pods is False)
