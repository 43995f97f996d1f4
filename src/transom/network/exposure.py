"""Which workloads are reached from outside of the cluster, as far as objects tell."""

from __future__ import annotations

from collections.abc import Iterator

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home
from transom.kube.reading import at, list_at, map_at, maps_at, text_at
from transom.kube.selectors import SelectorError
from transom.model.refs import Ref

OPEN_TYPES = frozenset(("LoadBalancer", "NodePort"))
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
GATEWAYS = "gateway.networking.k8s.io"


def exposed(inventory: Inventory) -> frozenset[Ref]:
    """Return the workloads behind services that are open to the outside, or that an Ingress or a route leads to."""
    found: set[Ref] = set()
    for service in _open_services(inventory):
        selector = map_at(service.object, "spec", "selector")
        if not selector:
            continue
        try:
            found.update(each.ref for each in inventory.joins.selected(*home(service), {"matchLabels": selector}))
        except SelectorError:
            continue  # the API server refuses such a Service, so nothing is behind it
    return frozenset(found)


def _open_services(inventory: Inventory) -> Iterator[Entry]:
    for service in inventory.of_kind("", "Service"):
        if text_at(service.object, "spec", "type") in OPEN_TYPES or list_at(service.object, "spec", "externalIPs"):
            yield service
    for group in ("networking.k8s.io", "extensions"):
        for ingress in inventory.of_kind(group, "Ingress"):
            for name in _ingress_services(ingress):
                yield from _service(inventory, ingress, name)
    for kind in ROUTES:
        for route in inventory.of_kind(GATEWAYS, kind):
            for _, rule in maps_at(route.object, "spec", "rules"):
                for _, backend in maps_at(rule, "backendRefs"):
                    yield from _service(inventory, route, text_at(backend, "name"))


def _ingress_services(ingress: Entry) -> Iterator[str]:
    backends = [map_at(ingress.object, "spec", "defaultBackend"), map_at(ingress.object, "spec", "backend")]
    for _, rule in maps_at(ingress.object, "spec", "rules"):
        backends += [map_at(path, "backend") for _, path in maps_at(rule, "http", "paths")]
    for backend in backends:
        name = at(backend, "service", "name") or at(backend, "serviceName")
        if isinstance(name, str):
            yield name


def _service(inventory: Inventory, like: Entry, name: str) -> Iterator[Entry]:
    found = inventory.joins.named(like, "", "Service", name) if name else None
    if found is not None:
        yield found
