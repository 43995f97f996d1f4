"""What a workload names, and whether it is there: ConfigMaps, Secrets and their keys, claims, services, controllers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.inventory import Entry, Inventory
from transom.inventory.joins import pod_containers, pod_path
from transom.kube.reading import map_at, maps_at, text_at
from transom.rules.check import Answer, Check, Fault

if TYPE_CHECKING:
    from transom.model.places import Path

ROOT_CERTIFICATES = "kube-root-ca.crt"  # the ConfigMap that every namespace has
MAKERS = (  # what makes Secrets: group, kind, and where it says under which name
    ("external-secrets.io", "ExternalSecret", ("spec", "target", "name")),
    ("bitnami.com", "SealedSecret", ("spec", "template", "metadata", "name")),
    ("cert-manager.io", "Certificate", ("spec", "secretName")),
    ("secrets.hashicorp.com", "VaultStaticSecret", ("spec", "destination", "name")),
    ("secrets.hashicorp.com", "VaultDynamicSecret", ("spec", "destination", "name")),
)


class Reference(Struct, frozen=True):
    """A workload's reference to a ConfigMap or Secret; key: "" for all of it."""

    kind: str
    name: str
    key: str
    path: Path
    container: str = ""


def settings_missing(workload: Entry, inventory: Inventory, _: Check) -> Answer:
    """A ConfigMap that is not there, or has not the key."""
    return _missing(workload, inventory, "ConfigMap")


def secret_missing(workload: Entry, inventory: Inventory, _: Check) -> Answer:
    """A Secret that is not there, or has not the key."""
    return _missing(workload, inventory, "Secret")


def claim_missing(workload: Entry, inventory: Inventory, _: Check) -> Answer:
    """A PersistentVolumeClaim that is not there."""
    claims = list(_claims(workload))
    if not claims or not inventory.joins.tells_beside(workload, "", "PersistentVolumeClaim"):
        return None
    return [
        Fault(f"there is no volume claim {name}", path, name)
        for name, path in claims
        if inventory.joins.named(workload, "", "PersistentVolumeClaim", name) is None
    ]


def service_missing(stateful_set: Entry, inventory: Inventory, _: Check) -> Answer:
    """A StatefulSet whose service is not there, or has an address of its own."""
    name = text_at(stateful_set.object, "spec", "serviceName")
    if not name or not inventory.joins.tells_beside(stateful_set, "", "Service"):
        return None
    service = inventory.joins.named(stateful_set, "", "Service", name)
    if service is None:
        return [Fault(f"there is no service {name}, so its pods have no names", ("spec", "serviceName"))]
    if text_at(service.object, "spec", "clusterIP") != "None":
        beside = ((service, ("spec", "clusterIP")),)
        return [
            Fault(f"service {name} is not headless, so its pods have no names", ("spec", "serviceName"), beside=beside)
        ]
    return ()


def _missing(workload: Entry, inventory: Inventory, kind: str) -> Answer:
    wanted = [reference for reference in references(workload) if reference.kind == kind and reference.name]
    if not wanted or not inventory.joins.tells_beside(workload, "", kind):
        return None
    made = _made(workload, inventory) if kind == "Secret" else {ROOT_CERTIFICATES}
    return _faults(workload, inventory, [reference for reference in wanted if reference.name not in made])


def _faults(workload: Entry, inventory: Inventory, wanted: list[Reference]) -> Iterator[Fault]:
    for reference in wanted:
        found = inventory.joins.named(workload, "", reference.kind, reference.name)
        word = "ConfigMap" if reference.kind == "ConfigMap" else "Secret"
        witness = "/".join(filter(None, (reference.container, reference.name, reference.key)))
        if found is None:
            yield Fault(f"there is no {word} {reference.name}", reference.path, witness, reference.container)
        elif reference.key and not _has_key(found, reference.key):
            told = f"{word} {reference.name} has no key {reference.key}"
            beside = ((found, ("metadata", "name")),)
            yield Fault(told, reference.path, witness, reference.container, beside=beside)


def _has_key(entry: Entry, key: str) -> bool:
    """Tell whether an object has a key; one whose keys were not told may have any."""
    keys = {name for field in ("data", "stringData", "binaryData") for name in map_at(entry.object, field)}
    return not keys or key in keys


def _made(workload: Entry, inventory: Inventory) -> set[str]:
    """Return the names of Secrets that something else makes in the workload's namespace."""
    return {
        text_at(maker.object, *path) or maker.ref.name
        for group, kind, path in MAKERS
        for maker in inventory.joins.beside(workload, group, kind)
    }


def references(workload: Entry) -> Iterator[Reference]:
    """Yield the references of a workload's pods that they cannot start without."""
    for path, container in pod_containers(workload):
        yield from _of_container(container, path)
    spec: Path = (*pod_path(workload), "spec")
    for index, volume in maps_at(workload.object, *spec, "volumes"):
        here: Path = (*spec, "volumes", index)
        yield from _of_source(volume, here, "configMap", "secret", "secretName")
        for number, source in maps_at(volume, "projected", "sources"):
            yield from _of_source(source, (*here, "projected", "sources", number), "configMap", "secret", "name")
    for index, secret in maps_at(workload.object, *spec, "imagePullSecrets"):
        yield Reference("Secret", text_at(secret, "name"), "", (*spec, "imagePullSecrets", index, "name"))


def _of_container(container: dict[str, Any], path: Path) -> Iterator[Reference]:
    name = text_at(container, "name")
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        for index, variable in maps_at(container, "env"):
            found = map_at(variable, "valueFrom", field)
            if found and found.get("optional") is not True:
                here = (*path, "env", index, "valueFrom", field, "name")
                yield Reference(kind, text_at(found, "name"), text_at(found, "key"), here, name)
    for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        for index, source in maps_at(container, "envFrom"):
            found = map_at(source, field)
            if found and found.get("optional") is not True:
                yield Reference(kind, text_at(found, "name"), "", (*path, "envFrom", index, field, "name"), name)


def _of_source(source: dict[str, Any], path: Path, settings: str, secret: str, secret_name: str) -> Iterator[Reference]:
    for field, kind, name in ((settings, "ConfigMap", "name"), (secret, "Secret", secret_name)):
        found = map_at(source, field)
        if found and found.get("optional") is not True:
            yield Reference(kind, text_at(found, name), "", (*path, field, name))
            for index, item in maps_at(found, "items"):
                if item.get("optional") is not True:
                    here = (*path, field, "items", index, "key")
                    yield Reference(kind, text_at(found, name), text_at(item, "key"), here)


def _claims(workload: Entry) -> Iterator[tuple[str, Path]]:
    spec: Path = (*pod_path(workload), "spec")
    for index, volume in maps_at(workload.object, *spec, "volumes"):
        name = text_at(volume, "persistentVolumeClaim", "claimName")
        if name:
            yield name, (*spec, "volumes", index, "persistentVolumeClaim", "claimName")
