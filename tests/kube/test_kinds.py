"""What is known of kinds."""

from __future__ import annotations

import pytest

from transom.kube.kinds import guess_plural, is_built_in, kind_of, template_path


@pytest.mark.parametrize(
    ("api_version", "kind", "plural", "namespaced"),
    [
        ("v1", "Pod", "pods", True),
        ("v1", "Endpoints", "endpoints", True),
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", True),
        ("networking.k8s.io/v1", "Ingress", "ingresses", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", False),
        ("rbac.authorization.k8s.io/v1", "Role", "roles", True),
        ("policy/v1beta1", "PodSecurityPolicy", "podsecuritypolicies", False),
        ("example.com/v1", "Widget", "widgets", True),
    ],
)
def test_resources_of_kinds(api_version: str, kind: str, plural: str, namespaced: bool) -> None:
    found = kind_of(api_version, kind)
    assert (found.plural, found.namespaced) == (plural, namespaced)


@pytest.mark.parametrize(
    ("kind", "plural"), [("Gateway", "gatewaies"), ("Proxy", "proxies"), ("Class", "classes"), ("Fox", "foxs")]
)
def test_plurals_are_guessed_as_kubernetes_guesses(kind: str, plural: str) -> None:
    assert guess_plural(kind) == plural


def test_templates_are_known_in_every_version_of_a_kind() -> None:
    assert template_path("apps", "Deployment") == ("spec", "template")
    assert template_path("extensions", "Deployment") == ("spec", "template")
    assert template_path("batch", "CronJob") == ("spec", "jobTemplate", "spec", "template")
    assert template_path("", "Service") is None


def test_only_kubernetes_own_kinds_are_decoded_by_it() -> None:
    assert is_built_in("apps", "Deployment")
    assert not is_built_in("argoproj.io", "Rollout")
