"""Which pods the outside reaches: through a load balancer, a node port, an ingress, a gateway's route or a host port."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from transom.inventory.entries import Entry
from transom.inventory.inventory import Inventory
from transom.inventory.joins import home, pod_containers, pod_path
from transom.kube.reading import at, list_at, map_at, maps_at, text_at, texts_at
from transom.kube.selectors import SelectorError
from transom.model.refs import Ref

ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
GATEWAYS = "gateway.networking.k8s.io"
INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
    "networking.gke.io/load-balancer-type": "internal",
    "cloud.google.com/load-balancer-type": "internal",
}
"""Annotations, and their values in lower case, that keep a load balancer within the cloud's own network."""


class Exposure(Struct, frozen=True, order=True):
    """One way in. how: LoadBalancer, NodePort, ExternalIP, Ingress, Gateway or HostPort; through: the object that opens it."""

    how: str
    through: Ref


def exposures(inventory: Inventory) -> dict[int, tuple[Exposure, ...]]:
    """Return by id of each entry that makes pods the ways in that lead to it."""
    found: dict[int, dict[Exposure, None]] = {}
    for entry, exposure in (*_by_services(inventory), *_by_host_ports(inventory)):
        found.setdefault(id(entry), {})[exposure] = None
    return {key: tuple(sorted(ways)) for key, ways in found.items()}


def _by_services(inventory: Inventory) -> Iterator[tuple[Entry, Exposure]]:
    openings: dict[int, list[Exposure]] = {}
    for service, exposure in _openings(inventory):
        openings.setdefault(id(service), []).append(exposure)
    for service in inventory.of_kind("", "Service"):
        if id(service) in openings:
            for pods in _selected(inventory, service):
                yield from ((pods, exposure) for exposure in openings[id(service)])


def _openings(inventory: Inventory) -> Iterator[tuple[Entry, Exposure]]:
    """Yield services that are open by themselves, and those that ingresses and routes lead to."""
    for service in inventory.of_kind("", "Service"):
        yield from ((service, Exposure(how, service.ref)) for how in _own_openings(service))
    for group in ("networking.k8s.io", "extensions"):
        for ingress in inventory.of_kind(group, "Ingress"):
            for name in _ingress_services(ingress):
                yield from _opened(inventory, ingress, "Ingress", name)
    for kind in ROUTES:
        for route in inventory.of_kind(GATEWAYS, kind):
            for _, rule in maps_at(route.object, "spec", "rules"):
                for _, backend in maps_at(rule, "backendRefs"):
                    if text_at(backend, "kind") in ("", "Service"):
                        name, namespace = text_at(backend, "name"), text_at(backend, "namespace")
                        yield from _opened(inventory, route, "Gateway", name, namespace)


def _own_openings(service: Entry) -> Iterator[str]:
    kind = text_at(service.object, "spec", "type")
    if kind == "LoadBalancer":
        annotations = texts_at(service.object, "metadata", "annotations")
        if not any(annotations.get(key, "").lower() == value for key, value in INTERNAL.items()):
            yield "LoadBalancer"
    elif kind == "NodePort":
        yield "NodePort"
    if list_at(service.object, "spec", "externalIPs"):
        yield "ExternalIP"


def _ingress_services(ingress: Entry) -> Iterator[str]:
    spec = map_at(ingress.object, "spec")
    backends = [map_at(spec, "defaultBackend"), map_at(spec, "backend")]
    for _, rule in maps_at(spec, "rules"):
        backends += [map_at(path, "backend") for _, path in maps_at(rule, "http", "paths")]
    for backend in backends:
        name = text_at(backend, "service", "name") or text_at(backend, "serviceName")
        if name:
            yield name


def _opened(
    inventory: Inventory, by: Entry, how: str, name: str, namespace: str = ""
) -> Iterator[tuple[Entry, Exposure]]:
    target, own = home(by)
    service = inventory.joins.named_in(target, namespace or own, "", "Service", name)
    if service is not None:
        yield service, Exposure(how, by.ref)


def _selected(inventory: Inventory, service: Entry) -> Iterator[Entry]:
    selector = texts_at(service.object, "spec", "selector")
    if selector and text_at(service.object, "spec", "type") != "ExternalName":
        try:
            yield from inventory.joins.selected(*home(service), {"matchLabels": selector})
        except SelectorError:
            return  # the API server refuses the service


def _by_host_ports(inventory: Inventory) -> Iterator[tuple[Entry, Exposure]]:
    for entry in inventory.entries():
        if inventory.joins.makes_pods(entry):
            on_host = at(entry.object, *pod_path(entry), "spec", "hostNetwork") is True
            for _, container in pod_containers(entry):
                for _, port in maps_at(container, "ports"):
                    if on_host or port.get("hostPort"):
                        yield entry, Exposure("HostPort", entry.ref)
