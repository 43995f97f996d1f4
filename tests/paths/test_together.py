"""An attacker who holds two identities at once has the rights of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.identity.conftest import Cluster
from transom.model.edges import Vertex
from transom.paths.attack import removal

Ask = Callable[..., Sequence[str] | None]
R = "rbac.authorization.k8s.io"


def divided(cluster: Cluster) -> Cluster:
    """A pod whose account may take tokens of two others, of which one may bind and the other writes bindings."""
    cluster.pod("web", account="web").exposed("web")
    cluster.grant("sa:shop/web", ("create", "", "serviceaccounts/token:a,b"), namespace="shop")
    cluster.grant("sa:shop/a", ("bind", R, "clusterroles"))
    return cluster.add("v1", "ServiceAccount", "a", "shop").add("v1", "ServiceAccount", "b", "shop")


def test_two_identities_meet_a_condition_that_neither_meets(cluster: Cluster, primitives: Ask) -> None:
    divided(cluster).grant("sa:shop/b", ("create", R, "clusterrolebindings"))
    assert primitives(cluster, "Pod/shop/web") == ["token-mounted", "bind-cluster-wide"]
    assert primitives(cluster, "sa:shop/a") is None
    assert primitives(cluster, "sa:shop/b") is None


def test_circles_of_tokens_hide_nothing(cluster: Cluster, primitives: Ask) -> None:
    divided(cluster).grant("sa:shop/b", ("create", R, "clusterrolebindings"))
    cluster.grant("sa:shop/web", ("create", "", "serviceaccounts/token"), namespace="shop")
    cluster.grant("sa:shop/a", ("create", "", "serviceaccounts/token"), namespace="shop")
    for entry in ("sa:shop/a", "Pod/shop/web"):
        found = primitives(cluster, entry)
        assert found
        assert found[-1] == "bind-cluster-wide"


def test_identities_that_nobody_holds_at_once_add_up_to_nothing(cluster: Cluster, primitives: Ask) -> None:
    divided(cluster).grant("sa:other/c", ("create", R, "clusterrolebindings"))
    assert primitives(cluster, "Pod/shop/web") is None


def test_either_of_the_bindings_may_be_taken_away(cluster: Cluster) -> None:
    field = divided(cluster).grant("sa:shop/b", ("create", R, "clusterrolebindings")).field()
    found = removal(field, [Vertex("Pod", "shop", "web")], "admin", 5)
    assert found is not None
    assert (len(found.refs), found.left) == (1, 0)
