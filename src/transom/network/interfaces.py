"""What can be reached from outside, by what runs behind it: images of interfaces that run code or ask for no login."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.inventory import Entry, Inventory
from transom.inventory.joins import home, pod_containers
from transom.kube.reading import list_at, map_at, maps_at, text_at
from transom.model.places import Path
from transom.network.exposure import OPEN_TYPES
from transom.network.services import selected, selects
from transom.rules.check import Answer, Check, Fault

EVERYWHERE = frozenset(("0.0.0.0/0", "::/0"))

Door = tuple[Path, Entry]
"""Where an entrance names a service, and the service."""


def sensitive_image(entrance: Entry, inventory: Inventory, check: Check) -> Answer:
    """An open Service, an Ingress or a route that leads to pods of a sensitive image."""
    doors = list(_doors(entrance, inventory))
    if not doors:
        return None
    return _faults(doors, inventory, check.words("images"))


def _faults(doors: Sequence[Door], inventory: Inventory, images: Sequence[str]) -> Iterator[Fault]:
    for path, service in doors:
        for workload in selected(service, inventory) if selects(service) else ():
            for container, fields in pod_containers(workload):
                name = _named(text_at(fields, "image"), images)
                if name:
                    told = f"{name} of {workload.ref.kind} {workload.ref.name} can be reached from outside"
                    beside = ((workload, (*container, "image")),)
                    yield Fault(told, path, f"{workload.ref.kind}/{workload.ref.name}/{name}", beside=beside)


def _named(image: str, images: Sequence[str]) -> str:
    """Return which of the names an image's repository ends in, "" for none."""
    repository = image.partition("@")[0]
    last = repository.rpartition("/")[2]
    repository = repository.removesuffix(f":{last.partition(':')[2]}") if ":" in last else repository
    return next((name for name in images if f"/{repository}".endswith(f"/{name}")), "")


def _doors(entrance: Entry, inventory: Inventory) -> Iterator[Door]:
    if entrance.ref.kind == "Service":
        ranges = list_at(entrance.object, "spec", "loadBalancerSourceRanges")
        limited = bool(ranges) and EVERYWHERE.isdisjoint(map(str, ranges))
        if text_at(entrance.object, "spec", "type") in OPEN_TYPES and not limited:
            yield ("spec", "type"), entrance
        return
    for path, name, namespace in _backends(entrance):
        service = inventory.joins.named_in(entrance.origin.target, namespace, "", "Service", name)
        if service is not None:
            yield path, service


def _backends(entrance: Entry) -> Iterator[tuple[Path, str, str]]:
    """Yield where an Ingress or a route names services, their names and namespaces."""
    own = home(entrance)[1]
    default = text_at(entrance.object, "spec", "defaultBackend", "service", "name")
    if default:
        yield ("spec", "defaultBackend", "service", "name"), default, own
    for index, rule in maps_at(entrance.object, "spec", "rules"):
        for number, each in maps_at(rule, "http", "paths"):
            path: Path = ("spec", "rules", index, "http", "paths", number, "backend", "service", "name")
            yield path, text_at(map_at(each, "backend"), "service", "name"), own
        for number, each in maps_at(rule, "backendRefs"):
            place: Path = ("spec", "rules", index, "backendRefs", number, "name")
            yield place, text_at(each, "name"), text_at(each, "namespace") or own
