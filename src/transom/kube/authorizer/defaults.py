"""The roles and bindings that every cluster has: the bootstrap policy, as a fresh API server makes it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from transom.kube.authorizer.policy import Policy, read_policy
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
