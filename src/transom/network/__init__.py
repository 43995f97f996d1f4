"""Who may talk to whom, and what is open to the outside: services, ingresses, network policies."""

from __future__ import annotations

from transom.rules.window import window

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

assess = window("network", CHECKS)
