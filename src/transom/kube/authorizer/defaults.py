"""The roles and bindings that every cluster has: the bootstrap policy, as a fresh API server makes it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from transom.kube.authorizer.policy import Binding, Policy, RefusedError, Role, read_object, read_policy
from transom.kube.authorizer.rules import PolicyRule
from transom.kube.resources import shipped

NODE_ROLE = ("", "system:node")
EVERYWHERE = ("", "cluster-admin")  # no cluster is without it, so a source without it tells some of the policy only


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """Return the bootstrap policy of Kubernetes 1.36, the rules of its aggregated roles as labels make them."""
    objects: list[dict[str, Any]] = shipped("rbac")
    policy, _ = read_policy(objects)
    return policy.aggregated()


def node_rules() -> tuple[PolicyRule, ...]:
    """Return what the Node authorizer allows all nodes alike."""
    return default_policy().roles[NODE_ROLE].rules


def tells_defaults(policy: Policy) -> bool:
    """Tell whether a policy has the bootstrap policy in it, as that of a whole cluster has."""
    return EVERYWHERE in policy.roles


def is_default(value: Mapping[str, Any]) -> bool:
    """Tell whether an object is a role or binding of the bootstrap policy, and gives no more than that does."""
    try:
        made = read_object(value)
    except RefusedError:
        return False
    if isinstance(made, Role):
        known = default_policy().roles.get(made.key)
        return known is not None and set(made.rules) <= set(known.rules)
    if isinstance(made, Binding):
        bound = default_binding(made.namespace, made.name)
        return bound is not None and bound.role_key == made.role_key and set(made.subjects) <= set(bound.subjects)
    return False


def default_binding(namespace: str, name: str) -> Binding | None:
    """Return the binding of the bootstrap policy that bears a name."""
    return _default_bindings().get((namespace, name))


@lru_cache(maxsize=1)
def _default_bindings() -> dict[tuple[str, str], Binding]:
    return {(each.namespace, each.name): each for each in default_policy().bindings}
