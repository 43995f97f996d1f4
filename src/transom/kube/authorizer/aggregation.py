"""The rules of aggregated ClusterRoles, as the controller gathers them from the labels of others.

Followed: pkg/controller/clusterroleaggregation. It writes what it gathers into the stored rules, of which others gather
in turn, until nothing changes. What stands in the rules of an aggregated role before that is overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping

from transom.kube.authorizer.policy import Role, RoleKey, with_rules
from transom.kube.selectors import compile_selector


def aggregated(roles: Mapping[RoleKey, Role]) -> dict[RoleKey, Role]:
    """Return roles with the rules that aggregated ones come to; those of roles that aggregate each other are finite too."""
    sources = {key: _sources(role, roles) for key, role in roles.items() if role.selectors is not None}
    settled = {key: with_rules(role, ()) if key in sources else role for key, role in roles.items()}
    changed = True
    while changed:
        changed = False
        for key, gathered in sources.items():
            rules = tuple(dict.fromkeys(rule for source in gathered for rule in settled[source].rules))
            if set(rules) != set(settled[key].rules):  # the order alone could change for ever, in a circle
                settled[key] = with_rules(settled[key], rules)
                changed = True
    return settled


def _sources(role: Role, roles: Mapping[RoleKey, Role]) -> list[RoleKey]:
    """Return the ClusterRoles that a role gathers from: by selector, then by name; never itself."""
    others = sorted(key for key in roles if not key[0] and key != role.key)
    predicates = [compile_selector(dict(selector)) for selector in role.selectors or ()]
    found = [key for selects in predicates for key in others if selects(roles[key].labels)]
    return list(dict.fromkeys(found))
