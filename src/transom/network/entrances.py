"""Ingresses and routes beside what they lead to: services, their ports, certificates, and each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home, same
from transom.kube.reading import at, list_at, map_at, maps_at, text_at
from transom.model.places import Path
from transom.rules.check import Answer, Check, Fault

GATEWAYS = "gateway.networking.k8s.io"


# ingresses


def ingress_backend_missing(ingress: Entry, inventory: Inventory, _: Check) -> Answer:
    """A backend of an Ingress whose Service, or whose port of it, is not there."""
    if not inventory.joins.tells_beside(ingress, "", "Service"):
        return None
    return _dangling_backends(ingress, inventory)


def _dangling_backends(ingress: Entry, inventory: Inventory) -> Iterator[Fault]:
    for path, backend in _ingress_backends(ingress.object):
        name = text_at(backend, "service", "name") or text_at(backend, "serviceName")
        if not name:
            continue  # a resource of another kind
        port = at(backend, "service", "port", "number") or at(backend, "service", "port", "name")
        port = port or backend.get("servicePort")
        here = (*path, "service", "name") if "service" in backend else (*path, "serviceName")
        yield from _service_faults(ingress, inventory, home(ingress)[1], name, port, here)


def _ingress_backends(value: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    for field in ("defaultBackend", "backend"):
        if map_at(value, "spec", field):
            yield ("spec", field), map_at(value, "spec", field)
    for index, rule in maps_at(value, "spec", "rules"):
        for number, path in maps_at(rule, "http", "paths"):
            yield ("spec", "rules", index, "http", "paths", number, "backend"), map_at(path, "backend")


def _service_faults(
    entry: Entry, inventory: Inventory, namespace: str, name: str, port: Any, path: Path
) -> Iterator[Fault]:
    """Yield what is wrong with a reference to a Service and a port of it."""
    service = inventory.joins.named_in(entry.origin.target, namespace, "", "Service", name)
    if service is None:
        yield Fault(f"there is no service {name} for this backend", path, name)
    elif port is not None and text_at(service.object, "spec", "type") != "ExternalName":
        ports = [each for _, each in maps_at(service.object, "spec", "ports")]
        if ports and not any(port in (each.get("port"), each.get("name")) for each in ports):
            beside = ((service, ("spec", "ports")),)
            yield Fault(f"service {name} has no port {port}", path, f"{name}:{port}", beside=beside)


def host_without_tls(ingress: Entry, inventory: Inventory, _: Check) -> Answer:
    """A host of an Ingress that has TLS, which none of its certificates covers, or whose Secret is not there."""
    certificates = maps_at(ingress.object, "spec", "tls")
    if not certificates:
        return None  # no TLS at all is a check of its own
    return _uncovered(ingress, certificates, inventory)


def _uncovered(ingress: Entry, certificates: list[tuple[int, dict[str, Any]]], inventory: Inventory) -> Iterator[Fault]:
    covered = {host for _, each in certificates for host in list_at(each, "hosts") if isinstance(host, str)}
    any_host = any(not list_at(each, "hosts") for _, each in certificates)
    for index, rule in maps_at(ingress.object, "spec", "rules"):
        host = text_at(rule, "host")
        wild = f"*.{host.partition('.')[2]}"
        if host and not any_host and host not in covered and wild not in covered:
            yield Fault(f"host {host} stands in no entry of tls", ("spec", "rules", index, "host"), host)
    if not _knows_certificates(ingress, inventory):
        return
    for index, each in certificates:
        name = text_at(each, "secretName")
        if name and inventory.joins.named(ingress, "", "Secret", name) is None:
            yield Fault(f"there is no secret {name} for TLS", ("spec", "tls", index, "secretName"), name)


def _knows_certificates(ingress: Entry, inventory: Inventory) -> bool:
    """Tell whether a missing Secret would be told: others of TLS are, and nothing makes them on the way."""
    if any("cert-manager" in key or "acme" in key for key in map_at(ingress.object, "metadata", "annotations")):
        return False
    secrets = inventory.joins.beside(ingress, "", "Secret")
    made = inventory.joins.beside(ingress, "cert-manager.io", "Certificate")
    return not made and any(text_at(secret.object, "type") == "kubernetes.io/tls" for secret in secrets)


def host_and_path_twice(ingress: Entry, inventory: Inventory, _: Check) -> Answer:
    """A host and path that an earlier Ingress of the same target claims too."""
    claims = list(_claims(ingress))
    if not claims:
        return None
    return _claimed(ingress, claims, inventory)


def _claimed(ingress: Entry, claims: list[tuple[Any, Path]], inventory: Inventory) -> Iterator[Fault]:
    table = inventory.joins.claimed(ingress.origin.target, "networking.k8s.io", "Ingress", _claims)
    for claim, path in claims:
        first, where = table[claim]
        if not same(first, ingress):
            _, host, web_path, _ = claim
            told = f"ingress {first.ref.short} already claims {host or 'every host'}{web_path}"
            yield Fault(told, path, f"{host}{web_path}", beside=((first, where),))


def _claims(ingress: Entry) -> Iterator[tuple[Any, Path]]:
    """Yield class, host, path and kind of path of each rule, and where they stand; canaries claim nothing."""
    annotations = map_at(ingress.object, "metadata", "annotations")
    if any("canary" in key for key in annotations):
        return
    of_class = text_at(ingress.object, "spec", "ingressClassName") or annotations.get("kubernetes.io/ingress.class")
    for index, rule in maps_at(ingress.object, "spec", "rules"):
        for number, each in maps_at(rule, "http", "paths"):
            path = ("spec", "rules", index, "http", "paths", number)
            yield (str(of_class), text_at(rule, "host"), text_at(each, "path") or "/", text_at(each, "pathType")), path


# the Gateway API


def route_backend_missing(route: Entry, inventory: Inventory, _: Check) -> Answer:
    """A backend of a route whose Service is not there, or that stands in another namespace without a grant."""
    return list(_dangling_route(route, inventory))


def _dangling_route(route: Entry, inventory: Inventory) -> Iterator[Fault]:
    own = home(route)[1]
    for index, rule in maps_at(route.object, "spec", "rules"):
        for number, backend in maps_at(rule, "backendRefs"):
            name, namespace = text_at(backend, "name"), text_at(backend, "namespace") or own
            if not name or backend.get("kind", "Service") != "Service" or backend.get("group"):
                continue
            path = ("spec", "rules", index, "backendRefs", number, "name")
            if inventory.joins.tells(route.origin.target, namespace, "", "Service"):
                yield from _service_faults(route, inventory, namespace, name, backend.get("port"), path)
            if namespace != own and not _granted(route, inventory, namespace):
                told = f"no ReferenceGrant lets the route lead into namespace {namespace}"
                yield Fault(told, (*path[:-1], "namespace"), f"{namespace}/{name}")


def _granted(route: Entry, inventory: Inventory, namespace: str) -> bool:
    """Tell whether a grant lets a route refer to services of a namespace, or may stand where nobody looked."""
    grants = inventory.joins.of_kind_in(route.origin.target, namespace, GATEWAYS, "ReferenceGrant")
    if not grants and not inventory.joins.tells(route.origin.target, namespace, "", "Service"):
        return True
    return any(
        each.get("kind") == route.ref.kind and each.get("namespace") == home(route)[1]
        for grant in grants
        for _, each in maps_at(grant.object, "spec", "from")
    )


def route_gateway_missing(route: Entry, inventory: Inventory, _: Check) -> Answer:
    """A route whose Gateway is not there, or has no such listener."""
    parents = [
        (index, each)
        for index, each in maps_at(route.object, "spec", "parentRefs")
        if each.get("kind", "Gateway") == "Gateway" and each.get("group", GATEWAYS) == GATEWAYS
    ]
    known = [each for each in parents if inventory.joins.tells(*_place(route, each[1]), GATEWAYS, "Gateway")]
    return _lost_parents(route, known, inventory) if known else None


def _place(route: Entry, parent: dict[str, Any]) -> tuple[str, str]:
    """Return the target and the namespace of the gateway that a route names."""
    return route.origin.target, text_at(parent, "namespace") or home(route)[1]


def _lost_parents(route: Entry, parents: list[tuple[int, dict[str, Any]]], inventory: Inventory) -> Iterator[Fault]:
    for index, parent in parents:
        name, section = text_at(parent, "name"), text_at(parent, "sectionName")
        path = ("spec", "parentRefs", index, "name")
        gateway = inventory.joins.named_in(*_place(route, parent), GATEWAYS, "Gateway", name)
        if gateway is None:
            yield Fault(f"there is no gateway {name}", path, name)
        elif section and all(each.get("name") != section for _, each in maps_at(gateway.object, "spec", "listeners")):
            told = f"gateway {name} has no listener {section}"
            yield Fault(told, (*path[:-1], "sectionName"), f"{name}/{section}")
