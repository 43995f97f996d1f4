"""The service accounts that there are: those told, and those that pods run as."""

from __future__ import annotations

from transom.inventory.entries import Entry
from transom.inventory.inventory import Inventory
from transom.inventory.joins import home, pod_path
from transom.kube.reading import map_at, text_at

DEFAULT_ACCOUNT = "default"  # of each namespace, whether told or not


def service_accounts(inventory: Inventory) -> dict[str, list[str]]:
    """Return the names of the service accounts of each namespace, in the order in which they are told."""
    found: dict[str, dict[str, None]] = {}
    for entry in inventory.of_kind("", "ServiceAccount"):
        found.setdefault(home(entry)[1], {})[entry.ref.name] = None
    for entry in inventory.entries():
        if inventory.joins.makes_pods(entry):
            found.setdefault(home(entry)[1], {})[account_of(entry)] = None
    return {namespace: list(names) for namespace, names in found.items()}


def account_of(entry: Entry) -> str:
    """Return the service account that the pods of an entry run as."""
    spec = map_at(entry.object, *pod_path(entry), "spec")
    return text_at(spec, "serviceAccountName") or text_at(spec, "serviceAccount") or DEFAULT_ACCOUNT
