"""Bindings that lead an attacker on: which exposed workloads go through each, to what, and by which role they would not.

A binding is at fault for what is worth most of that to which it is on a shortest way; several bindings of one identity
that serve only together are one fault, that of the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from transom.identity.escalation.lesser import lesser
from transom.identity.escalation.primitives import primitives, titles
from transom.identity.escalation.profile import Profiles
from transom.inventory import Entry, Inventory
from transom.inventory.accounts import account_of
from transom.inventory.joins import home
from transom.inventory.placement import workload_of
from transom.kube.authorizer import Binding, PolicyRule, Role
from transom.kube.authorizer.defaults import is_default
from transom.kube.authorizer.policy import GROUP, RefusedError, read_object
from transom.kube.authorizer.questions import AUTHENTICATED, SERVICE_ACCOUNTS, account_name
from transom.kube.authorizer.versions import LATEST, Version
from transom.kube.reading import maps_at, text_at
from transom.model.edges import ESCAPE, Vertex
from transom.model.language import mark
from transom.paths.attack import JEWELS, Field, Step, exposed_workloads, field_of, shortest_ways, steps
from transom.paths.search import Ways
from transom.paths.words import TITLES, told
from transom.rules.check import Answer, Check, Fault

BINDINGS = ("RoleBinding", "ClusterRoleBinding")
MADE_BY = "transom.paths.leads"
Place = tuple[str, str, str]
"""Kind, namespace and name."""


class Lead(Struct, frozen=True):
    """What a binding leads to. entries: the workloads that go through it; steps: the shortest way of one of them.

    instead: the rules of its role without what leads on; () where nobody can tell what would be left.
    """

    jewel: str
    entries: tuple[Vertex, ...]
    steps: tuple[Step, ...]
    instead: tuple[PolicyRule, ...]


class Leads(Struct, frozen=True):
    """What all bindings of one target lead to; field: the graph that it was found in, None where there is no way."""

    found: dict[Place, Lead]
    field: Field | None = None
    bindings: dict[Place, Binding] = {}
    exposed: dict[Vertex, Entry] = {}


def leads_on(binding: Entry, inventory: Inventory, check: Check) -> Answer:
    """A binding through which exposed workloads get to a jewel."""
    if not inventory.exposures or is_default(binding.object):
        return None
    known = _leads(inventory, binding.origin.target, check.version if check.version > (0, 0) else LATEST)
    lead = known.found.get(
        (binding.ref.kind, home(binding)[1] if binding.ref.kind == "RoleBinding" else "", binding.ref.name)
    )
    if lead is None or lead.jewel != check.parameters["jewel"]:
        return ()
    return [
        Fault(_message(lead), ("roleRef", "name"), expected=_instead(binding, lead), beside=tuple(_beside(known, lead)))
    ]


def _message(lead: Lead) -> str:
    many = mark(f"{len(lead.entries)} exposed workloads") if len(lead.entries) > 1 else told(lead.entries[0])
    counted = f"{len(lead.steps)} steps" if len(lead.steps) > 1 else "1 step"
    names = {key: texts["en"] for key, texts in titles().items()}
    way = " -> ".join(f"{told(each.gains)} ({_lower(names[each.primitive])})" for each in lead.steps)
    return mark(f"it gives {many} a path to {TITLES[lead.jewel]}, in {counted}: {told(lead.steps[0].who)} -> {way}")


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]


def _instead(binding: Entry, lead: Lead) -> str:
    """Return a role that does not lead on, as YAML in one line; "" where none can be told."""
    if not lead.instead:
        return ""
    import msgspec

    local = binding.ref.kind == "RoleBinding"
    kind, name = ("Role" if local else "ClusterRole"), f"{text_at(binding.object, 'roleRef', 'name')}-less"
    metadata = {"name": name, **({"namespace": home(binding)[1]} if local else {})}
    role = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": lead.instead}
    return mark(f"a role like {msgspec.json.encode(role).decode()}")  # JSON is YAML, and stands in one line


def _beside(known: Leads, lead: Lead) -> Iterator[tuple[Entry, tuple[str, ...]]]:
    """Yield the first of the workloads, and the roles on the way."""
    assert known.field is not None
    inventory = known.field.inventory
    first = known.exposed.get(lead.entries[0])
    if first is not None:
        yield first, ("kind",)
    passed = (known.bindings.get((ref.kind, ref.namespace, ref.name)) for step in lead.steps for ref in step.through)
    roles = dict.fromkeys((each.role_kind, *each.role_key) for each in passed if each is not None)
    for place in roles:
        entry = known.field.authority.entries.get(place)
        if entry is not None and entry in inventory:
            yield entry, ("rules",)


# found once for each target


def _leads(inventory: Inventory, target: str, version: Version) -> Leads:
    by_target: dict[str, Leads] = inventory.derived.setdefault(MADE_BY, {})
    if target not in by_target:
        by_target[target] = _found(_of_target(inventory, target), version)
    return by_target[target]


def _of_target(inventory: Inventory, target: str) -> Inventory:
    """Return what one target tells: no path leads from one cluster into another."""
    if all(entry.origin.target == target for entry in inventory.entries()):
        return inventory
    made = Inventory()
    made.clusters = {name: facts for name, facts in inventory.clusters.items() if name == target}
    for entry in inventory.entries():
        if entry.origin.target == target:
            made.add(entry.object, entry.origin, entry.source)
    return made


def _found(inventory: Inventory, version: Version) -> Leads:
    profiles = Profiles(primitives(version), version)
    if not _may_lead(inventory, profiles):
        return Leads({})
    field = field_of(inventory, version)
    bindings = {_place(each): each for each in field.authority.authorizer.policy.bindings}
    found: dict[Place, Lead] = {}
    for jewel in JEWELS:
        ways = shortest_ways(field.graph, list(field.exposures), jewel)
        for vertex in ways.passages() if ways.entries else ():
            place = _own_binding(field, vertex)
            if place is not None and place not in found:
                found[place] = _lead(field, ways, vertex, jewel, bindings[place], profiles)
    exposed = {workload_of(inventory, each): each for each in exposed_workloads(inventory)}
    return Leads(found, field, bindings, exposed)


def _may_lead(inventory: Inventory, profiles: Profiles) -> bool:
    """Tell whether making the graph can pay: an exposed workload's account is bound to a role that leads anywhere, or nodes
    are known to go on from.

    Without either the first step of every path is missing, and most repositories have neither.
    """
    bound = set(_bound(inventory, profiles))
    groups = {AUTHENTICATED, SERVICE_ACCOUNTS}
    for entry in exposed_workloads(inventory):
        namespace = home(entry)[1]
        account = account_of(entry)
        names = {f"{namespace}/{account}", account_name(namespace, account), f"{SERVICE_ACCOUNTS}:{namespace}", *groups}
        if not names.isdisjoint(bound):
            return True
    return any(text_at(entry.object, "spec", "nodeName") for entry in inventory.of_kind("", "Pod"))


def _bound(inventory: Inventory, profiles: Profiles) -> Iterator[str]:
    """Yield whom bindings name whose roles may lead anywhere: accounts as NAMESPACE/NAME, users and groups by name."""
    harmless = _harmless(inventory, profiles)
    for kind in BINDINGS:
        for entry in inventory.of_kind(GROUP, kind):
            role = text_at(entry.object, "roleRef", "kind"), text_at(entry.object, "roleRef", "name")
            if role in harmless or is_default(entry.object):
                continue
            for _, subject in maps_at(entry.object, "subjects"):
                name = text_at(subject, "name")
                account = f"{text_at(subject, 'namespace') or home(entry)[1]}/{name}"
                yield account if subject.get("kind") == "ServiceAccount" else name


def _harmless(inventory: Inventory, profiles: Profiles) -> set[tuple[str, str]]:
    """Return kind and name of roles that are told here, wherever they are, and of which none meets any need of a primitive."""
    roles = [each for kind in ("Role", "ClusterRole") for each in inventory.of_kind(GROUP, kind)]
    leading = {(each.ref.kind, each.ref.name) for each in roles if _leads_somewhere(each, profiles)}
    return {(each.ref.kind, each.ref.name) for each in roles} - leading


def _leads_somewhere(role: Entry, profiles: Profiles) -> bool:
    try:
        read = read_object(role.object)
    except RefusedError:
        return True  # no API server takes it, but a default role may have its name
    return not isinstance(read, Role) or read.selectors is not None or bool(profiles.of(read.rules).touched)


def _own_binding(field: Field, vertex: int) -> Place | None:
    """Return the binding that a person would change to take a vertex away; None for what is no binding."""
    if vertex not in field.graph.removable or field.graph.vertices[vertex].kind == ESCAPE:
        return None
    for ref in field.graph.via(vertex):
        entry = field.authority.entries.get((ref.kind, ref.namespace, ref.name))
        if ref.kind in BINDINGS and entry is not None and not is_default(entry.object):
            return ref.kind, ref.namespace, ref.name
    return None


def _lead(field: Field, ways: Ways, vertex: int, jewel: str, binding: Binding, profiles: Profiles) -> Lead:
    entries, way = ways.through(vertex)
    taken = tuple(steps(field.graph, way))
    used = {step.primitive for step in taken}
    role = field.authority.authorizer.policy.roles.get(binding.role_key)
    instead = lesser(role.rules, profiles, field.authority.resources, used) if role else ()
    return Lead(jewel, tuple(field.graph.vertices[each] for each in entries), taken, instead)


def _place(binding: Binding) -> Place:
    return binding.kind, binding.namespace, binding.name
