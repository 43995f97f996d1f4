"""Services beside what they lead to: pods that exist, ports that these declare, and nobody else's pods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home, pod_containers, same
from transom.kube.reading import at, map_at, maps_at, text_at, texts_at
from transom.kube.selectors import compile_selector
from transom.model.places import Path
from transom.rules.check import Answer, Check, Fault

MONITORING = "monitoring.coreos.com"


def selects_nothing(service: Entry, inventory: Inventory, _: Check) -> Answer:
    """A Service whose selector selects none of the pods beside it."""
    if not selects(service) or not inventory.joins.tells_pods(*home(service)):
        return None
    if selected(service, inventory):
        return ()
    return [Fault("the service selects no pod of its namespace", ("spec", "selector"))]


def target_port_unknown(service: Entry, inventory: Inventory, _: Check) -> Answer:
    """A Service port that leads to a port which none of its pods declares."""
    pods = selected(service, inventory) if selects(service) else ()
    return _unknown_ports(service, pods) if pods else None


def selector_shared(service: Entry, inventory: Inventory, _: Check) -> Answer:
    """Two Services that select the same pods for the same port."""
    if not selects(service):
        return None
    table = inventory.joins.claimed(service.origin.target, "", "Service", _pods_and_ports)
    first, path = table[next(_pods_and_ports(service))[0]]
    if same(first, service):
        return ()
    told = f"service {first.ref.name} selects the same pods for the same ports"
    return [Fault(told, path, beside=((first, path),))]


def monitor_without_service(monitor: Entry, inventory: Inventory, _: Check) -> Answer:
    """A ServiceMonitor that selects none of the services of the namespaces that it watches."""
    namespaces = map_at(monitor.object, "spec", "namespaceSelector")
    if namespaces.get("any") is True or namespaces.get("matchNames"):
        return None  # it watches other namespaces, which may be told elsewhere
    if not inventory.joins.tells_beside(monitor, "", "Service"):
        return None
    services = inventory.joins.beside(monitor, "", "Service")
    holds = compile_selector(at(monitor.object, "spec", "selector"))
    if any(holds(service.labels) for service in services):
        return ()
    return [Fault("the monitor selects no service of its namespace", ("spec", "selector"))]


def selects(service: Entry) -> bool:
    """Tell whether a Service has a selector of its own."""
    external = text_at(service.object, "spec", "type") == "ExternalName"
    return bool(map_at(service.object, "spec", "selector")) and not external


def selected(service: Entry, inventory: Inventory) -> Sequence[Entry]:
    """Return what makes the pods that a Service selects."""
    selector = {"matchLabels": at(service.object, "spec", "selector")}
    return inventory.joins.selected(*home(service), selector)


def _unknown_ports(service: Entry, pods: Sequence[Entry]) -> Iterator[Fault]:
    declared = [port for pod in pods for _, container in pod_containers(pod) for _, port in maps_at(container, "ports")]
    names = {(port.get("name"), _protocol(port)) for port in declared}
    numbers = {(port.get("containerPort"), _protocol(port)) for port in declared}
    for index, port in maps_at(service.object, "spec", "ports"):
        field = "targetPort" if port.get("targetPort") is not None else "port"
        wanted = port.get(field)
        known = names if isinstance(wanted, str) else numbers
        if not isinstance(wanted, str | int) or (wanted, _protocol(port)) in known:
            continue
        if isinstance(wanted, str) or declared:  # pods that declare no port at all may still listen on any number
            witness = text_at(port, "name") or str(port.get("port"))
            path = ("spec", "ports", index, field)
            yield Fault(f"no container behind the service declares port {wanted}", path, witness)


def _protocol(port: dict[str, Any]) -> str:
    return text_at(port, "protocol") or "TCP"


def _pods_and_ports(service: Entry) -> Iterator[tuple[Any, Path]]:
    """Yield what a Service claims: pods, ports, and in which way it leads to them."""
    if not selects(service):
        return
    spec = service.object["spec"]
    ports = frozenset(f"{port.get('port')}/{_protocol(port)}" for _, port in maps_at(spec, "ports"))
    way = text_at(spec, "type") or "ClusterIP", text_at(spec, "clusterIP") == "None"
    yield (home(service), frozenset(texts_at(spec, "selector").items()), ports, way), ("spec", "selector")
