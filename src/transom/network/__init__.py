"""Who may talk to whom, and what is open to the outside: services, ingresses, network policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.inventory import Entry, Inventory
from transom.model.findings import Result
from transom.rules.check import Check
from transom.rules.exceptions import Allowances
from transom.rules.judge import judge
from transom.rules.policy import Policy

CHECKS: dict[str, str] = {
    "gateway-missing": "transom.network.entrances:route_gateway_missing",
    "ingress-backend-missing": "transom.network.entrances:ingress_backend_missing",
    "ingress-host-claimed-twice": "transom.network.entrances:host_and_path_twice",
    "ingress-host-without-tls": "transom.network.entrances:host_without_tls",
    "namespace-without-default-deny": "transom.network.policies:namespace_without_default_deny",
    "network-policy-peer-empty": "transom.network.policies:peer_selects_nothing",
    "network-policy-selects-nothing": "transom.network.policies:policy_selects_nothing",
    "pod-without-network-policy": "transom.network.policies:pod_unselected",
    "route-backend-missing": "transom.network.entrances:route_backend_missing",
    "sensitive-image-exposed": "transom.network.interfaces:sensitive_image",
    "service-monitor-selects-nothing": "transom.network.services:monitor_without_service",
    "service-port-undeclared": "transom.network.services:target_port_unknown",
    "service-selects-nothing": "transom.network.services:selects_nothing",
    "service-selector-twice": "transom.network.services:selector_shared",
}
"""The checks of this window: rule id, and `module:function`."""


def assess(
    inventory: Inventory,
    rules: Sequence[Policy | Check],
    only: Sequence[Entry] | None = None,
    allowances: Allowances | None = None,
) -> Iterator[Result]:
    """Yield what the rules of this window say of the entries, or of only some; allowances: what files accept."""
    return judge(inventory, [rule for rule in rules if rule.window == "network"], only, allowances, CHECKS)
