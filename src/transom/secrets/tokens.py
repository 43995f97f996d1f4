"""Tokens in Secrets: those that let machines join, and how long they do."""

from __future__ import annotations

from transom.inventory import Entry, Inventory
from transom.kube.reading import map_at, text_at
from transom.rules.check import Answer, Check, Fault

BOOTSTRAP = "bootstrap.kubernetes.io/token"


def bootstrap_without_end(secret: Entry, _: Inventory, __: Check) -> Answer:
    """A bootstrap token that never expires; one whose keys were not told may have an end."""
    keys = {*map_at(secret.object, "data"), *map_at(secret.object, "stringData")}
    if text_at(secret.object, "type") != BOOTSTRAP or not keys:
        return None
    return () if "expiration" in keys else [Fault("the token never expires", ("type",))]
