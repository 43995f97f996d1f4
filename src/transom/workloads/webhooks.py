"""Admission webhooks: whom they leave out, and whether anybody answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.inventory import Entry, Inventory
from transom.kube.reading import map_at, maps_at, text_at
from transom.rules.check import Answer, Check, Fault

SET_BY_SERVER = frozenset(("kubernetes.io/metadata.name",))
"""Labels that whoever makes an object cannot choose."""


def leaves_out(webhooks: Entry, _: Inventory, __: Check) -> Answer:
    """A webhook that leaves out whoever puts a label on an object or a namespace of theirs."""
    return list(_exempted(webhooks))


def service_missing(webhooks: Entry, inventory: Inventory, _: Check) -> Answer:
    """A webhook whose service is not there."""
    faults, judged = [], False
    for index, each in maps_at(webhooks.object, "webhooks"):
        service = map_at(each, "clientConfig", "service")
        name, namespace = text_at(service, "name"), text_at(service, "namespace")
        if not name or not inventory.joins.tells(webhooks.origin.target, namespace, "", "Service"):
            continue
        judged = True
        if inventory.joins.named_in(webhooks.origin.target, namespace, "", "Service", name) is None:
            path = ("webhooks", index, "clientConfig", "service", "name")
            faults.append(Fault(f"there is no service {name} in namespace {namespace}", path, text_at(each, "name")))
    return faults if judged else None


def _exempted(webhooks: Entry) -> Iterator[Fault]:
    for index, each in maps_at(webhooks.object, "webhooks"):
        for field in ("objectSelector", "namespaceSelector"):
            for number, term in maps_at(each, field, "matchExpressions"):
                if _excludes(term) and term.get("key") not in SET_BY_SERVER:
                    told = f"whoever sets the label {term.get('key')} is left out"
                    path = ("webhooks", index, field, "matchExpressions", number)
                    yield Fault(told, path, f"{text_at(each, 'name')}/{field}/{term.get('key')}")


def _excludes(term: dict[str, Any]) -> bool:
    return term.get("operator") in ("NotIn", "DoesNotExist")
