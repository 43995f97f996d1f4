"""Parts of conditions that different identities meet: worth something to whoever holds these identities at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from transom.identity.escalation.gains import Surroundings, binding_ref, subject_vertex
from transom.identity.escalation.primitives import Primitive, primitives
from transom.identity.escalation.profile import Profiles
from transom.inventory import Inventory
from transom.inventory.authority import Authority
from transom.model.edges import Vertex
from transom.model.refs import Ref

Holders = Mapping[Vertex, Ref]
"""Identities, and of each a binding by which it meets a part."""


class Divided(Struct, frozen=True):
    """A primitive whose parts are all met in one place, by whom. gains: what it comes to there."""

    primitive: str
    namespace: str
    parts: tuple[Holders, ...]
    gains: tuple[Vertex, ...]


def divided(inventory: Inventory, authority: Authority, without: Collection[Ref] = ()) -> Iterator[Divided]:
    """Yield each primitive of several parts that are met for all names, where no binding meets them alone."""
    around = Surroundings(inventory, authority, frozenset(without))
    version = authority.authorizer.version
    profiles = Profiles(primitives(version), version)
    held: dict[int, dict[str, dict[int, dict[Vertex, Ref]]]] = {}
    for binding in around.bindings:
        role = authority.authorizer.policy.roles.get(binding.role_key)
        profile = profiles.of(role.rules if role else ())
        for number, part in profile.met if profile.partial and binding not in around.default_bindings else ():
            if number in profile.partial and profile.met[number, part].all_names:
                here = held.setdefault(number, {}).setdefault(binding.namespace, {}).setdefault(part, {})
                here.update((subject_vertex(each), binding_ref(binding)) for each in binding.subjects)
    for number, by_place in held.items():
        primitive = profiles.primitives[number]
        for namespace in by_place if not (primitive.aggregated or primitive.bound or primitive.where) else ():
            parts = tuple(_of_part(primitive, part, namespace, by_place) for part in range(len(primitive.needs)))
            if all(parts) and not (namespace and primitive.everywhere):
                yield Divided(primitive.id, namespace, parts, tuple(around.gained(primitive, namespace)))


def _of_part(primitive: Primitive, part: int, namespace: str, by_place: Mapping[str, Mapping[int, Holders]]) -> Holders:
    """Return who meets a part in a namespace: there, or everywhere."""
    local = {} if primitive.needs[part].cluster else by_place[namespace].get(part, {})
    return {**local, **by_place.get("", {}).get(part, {})}
