"""Resources are found by every name that kubectl takes."""

from __future__ import annotations

import pytest

from transom.kube.resources import Resources

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.com",
        "scope": "Cluster",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [{"name": "v1", "subresources": {"status": {}, "scale": {}}}],
    },
}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("po", ("", "pods")),
        ("Pod", ("", "pods")),
        ("deploy", ("apps", "deployments")),
        ("deployments.v1.apps", ("apps", "deployments")),
        ("netpol", ("networking.k8s.io", "networkpolicies")),
        ("events.events.k8s.io", ("events.k8s.io", "events")),
        ("sc", ("storage.k8s.io", "storageclasses")),
        ("wd", ("example.com", "widgets")),
        ("widget.example.com", ("example.com", "widgets")),
    ],
)
def test_names(word: str, expected: tuple[str, str]) -> None:
    found = Resources([CRD]).find(word)
    assert found is not None and (found.group, found.name) == expected


def test_unknown_names_and_groups_are_not_guessed() -> None:
    assert Resources().find("widgets") is None
    assert Resources().find("deployments.batch") is None


def test_custom_resources_have_their_subresources_and_scope() -> None:
    resources = Resources([CRD])
    assert resources.get("example.com", "widgets/scale") is not None
    assert resources.find("widgets").namespaced is False  # type: ignore[union-attr]


@pytest.mark.parametrize("broken", [{}, {"spec": None}, {"spec": {"group": 1}}, {"spec": {"group": "a", "names": []}}])
def test_malformed_definitions_add_nothing(broken: dict[str, object]) -> None:
    assert len(Resources([broken]).all) == len(Resources().all)
