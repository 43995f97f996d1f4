"""From identities to their bindings, and from these to what their rules gain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from transom.identity.escalation.gains import Surroundings, binding_ref, subject_vertex
from transom.identity.escalation.primitives import Primitive, primitives
from transom.identity.escalation.profile import Met, Profile, Profiles
from transom.identity.subjects import user_of
from transom.kube.authorizer import Binding, BoundSubject
from transom.model.edges import ADMIN, TOGETHER, Edge, Vertex, gain
from transom.model.refs import Ref

MAX_ROUNDS = 20  # a role gained, by which another is gained …: each round adds one; honest chains have one or two


class Held(Struct, frozen=True):
    """Rules that somebody holds in a namespace ("" for everywhere), and the bindings that give them."""

    namespace: str
    profile: Profile
    via: tuple[Binding, ...]


def from_rights(around: Surroundings) -> Iterator[Edge]:
    """Yield the edges of every binding, and of bindings of one identity that gain something only together."""
    version = around.authority.authorizer.version
    profiles = Profiles(primitives(version), version)
    found = _Rights(around, profiles)
    for binding in around.bindings:
        yield from found.of_binding(binding)
    for subject in around.subjects:
        yield from found.of_several(subject)
        yield from found.of_aggregated(subject)
    yield from found.of_roles()


class _Rights:
    """What was found on the way: the roles that somebody may bind, whose rules are edges of their own."""

    def __init__(self, around: Surroundings, profiles: Profiles) -> None:
        self.around = around
        self.profiles = profiles
        self.roles: dict[Vertex, None] = {}

    def of_binding(self, binding: Binding) -> Iterator[Edge]:
        """Yield what one binding gains by itself, for all of its subjects."""
        here = binding_vertex(binding)
        ref, removable = binding_ref(binding), binding not in self.around.default_bindings
        profile = self._profile(binding)
        gained = list(self._gained(here, profile, binding.namespace, (ref,)))
        for subject in binding.subjects if gained else ():
            yield Edge(subject_vertex(subject), here, "bound", (ref,), removable)
        yield from gained

    def _profile(self, binding: Binding) -> Profile:
        role = self.around.authority.authorizer.policy.roles.get(binding.role_key)
        return self.profiles.of(role.rules if role else ())

    def _gained(self, here: Vertex, profile: Profile, namespace: str, via: tuple[Ref, ...]) -> Iterator[Edge]:
        for number in profile.touched:
            primitive = self.profiles.primitives[number]
            met = [profile.met.get((number, part)) for part in range(len(primitive.needs))]
            for target in self._targets(primitive, met, namespace):
                yield Edge(here, target, primitive.id, via)

    def _targets(self, primitive: Primitive, met: list[Met | None], namespace: str) -> Iterator[Vertex]:
        """Yield what a primitive gains where its needs are met so far."""
        known = [each for each in met if each is not None]
        if not (known if primitive.any_of else len(known) == len(met)) or not self._applies(primitive, namespace):
            return
        names = [each.names for each in known if not each.all_names]
        if not names or (primitive.any_of and len(names) < len(known)):
            yield from self.around.gained(primitive, namespace)
        elif len(names) == 1:
            yield from self._named(primitive, names[0], namespace)

    def _applies(self, primitive: Primitive, namespace: str) -> bool:
        if not self._is_there(primitive):
            return False
        if namespace and (primitive.everywhere or any(need.cluster for need in primitive.needs)):
            return False
        if primitive.in_namespace and namespace not in ("", primitive.in_namespace):
            return False
        return not primitive.where or self.around.has_config_map("kube-system", primitive.where)

    def _is_there(self, primitive: Primitive) -> bool:
        """Tell whether a primitive means anything in this cluster, by the way on which all but aggregated ones are found."""
        return not primitive.aggregated and (not primitive.bound or self.around.lets_nodes_join(primitive.bound))

    def _named(self, primitive: Primitive, names: Iterable[str], namespace: str) -> Iterator[Vertex]:
        for name in sorted(names):
            if primitive.names == "ClusterRole":
                role = Vertex("role", namespace, name)
                if ("", name) in self.around.authority.authorizer.policy.roles:
                    self.roles.setdefault(role)
                    yield role
            elif primitive.names in ("User", "Group"):
                yield subject_vertex(BoundSubject(primitive.names, name))
            else:
                yield from self.around.named(primitive.names, namespace, name)

    def of_roles(self) -> Iterator[Edge]:
        """Yield what roles gain that somebody may bind to itself."""
        done: set[Vertex] = set()
        while len(done) < len(self.roles):
            for role in [each for each in self.roles if each not in done]:
                done.add(role)
                rules = self.around.authority.authorizer.policy.roles["", role.name].rules
                yield from self._gained(role, self.profiles.of(rules), role.namespace, ())

    # several bindings together

    def of_several(self, subject: BoundSubject) -> Iterator[Edge]:
        """Yield what an identity gains by bindings of its own and of its groups that none of them gains alone."""
        held = self._held(subject)
        if not any(each.profile.partial for each in held):
            return
        here = subject_vertex(subject)
        known: set[Vertex] = set()
        for _ in range(MAX_ROUNDS):
            roles: list[Held] = []
            for namespace in dict.fromkeys(each.namespace for each in held):
                local = [each for each in held if each.namespace in ("", namespace)]
                for primitive, target, via in self._joined(local, namespace):
                    together = Vertex(TOGETHER, namespace, f"{here.short}: {primitive.id} {target.short}")
                    if together in known:
                        continue
                    known.add(together)
                    refs = tuple(binding_ref(each) for each in via)
                    removable = any(each not in self.around.default_bindings for each in via)
                    yield Edge(here, together, "bound", refs, removable)
                    yield Edge(together, target, primitive.id, refs)
                    if target.kind == "role":
                        rules = self.around.authority.authorizer.policy.roles["", target.name].rules
                        roles.append(Held(target.namespace, self.profiles.of(rules), via))
            if not roles:
                return
            held += roles

    def of_aggregated(self, subject: BoundSubject) -> Iterator[Edge]:
        """Yield what an identity gains that may widen an aggregated role of its own by a new one with the right labels."""
        for number, primitive in enumerate(self.profiles.primitives):
            if not primitive.aggregated:
                continue
            held = [each for each in self._held(subject) if each.namespace == ""]
            meeting = [_meeting(held, number, part, primitive) for part in range(len(primitive.needs))]
            for binding in self._aggregated_of(subject) if all(meeting) else ():
                target = gain("namespace", binding.namespace) if binding.namespace else ADMIN
                via = dict.fromkeys((binding, *(each for found in meeting for each in found[0].via)))
                refs = tuple(binding_ref(each) for each in via)
                here = subject_vertex(subject)
                together = Vertex(TOGETHER, binding.namespace, f"{here.short}: {primitive.id} {binding.name}")
                yield Edge(here, together, "bound", refs, any(each not in self.around.default_bindings for each in via))
                yield Edge(together, target, primitive.id, refs)

    def _aggregated_of(self, subject: BoundSubject) -> Iterator[Binding]:
        authorizer = self.around.authority.authorizer
        for binding in authorizer.bindings_of(user_of(subject)):
            role = authorizer.policy.roles.get(binding.role_key)
            if role is not None and role.selectors and binding_ref(binding) not in self.around.without:
                yield binding

    def _held(self, subject: BoundSubject) -> list[Held]:
        authorizer = self.around.authority.authorizer
        bindings = authorizer.bindings_of(user_of(subject))
        return [
            Held(each.namespace, profile, (each,))
            for each in bindings
            if binding_ref(each) not in self.around.without and (profile := self._profile(each)).met
        ]

    def _joined(self, held: list[Held], namespace: str) -> Iterator[tuple[Primitive, Vertex, tuple[Binding, ...]]]:
        if len(held) < 2:
            return
        for number in sorted({number for each in held for number in each.profile.partial}):
            primitive = self.profiles.primitives[number]
            parts = range(len(primitive.needs))
            meeting = [_meeting(held, number, part, primitive) for part in parts]
            if not all(meeting) or any(all((number, part) in each.profile.met for part in parts) for each in held):
                continue
            met = [_best(each.profile.met[number, part] for each in meeting[part]) for part in parts]
            via = tuple(dict.fromkeys(binding for each in meeting for binding in each[0].via))
            scope = "" if all(each[0].namespace == "" for each in meeting) else namespace
            if (primitive.everywhere and scope) or not self._is_there(primitive):
                continue
            for target in self._targets_of_parts(primitive, met, scope):
                yield primitive, target, via

    def _targets_of_parts(self, primitive: Primitive, met: list[Met], scope: str) -> Iterator[Vertex]:
        names = [each.names for each in met if not each.all_names]
        if not names:
            yield from self.around.gained(primitive, scope)
        elif len(names) == 1:
            yield from self._named(primitive, names[0], scope)


def _meeting(held: list[Held], number: int, part: int, primitive: Primitive) -> list[Held]:
    """Return what meets a need, everywhere before in a namespace, all names before some."""
    cluster = primitive.needs[part].cluster or primitive.everywhere
    found = [each for each in held if (number, part) in each.profile.met and not (cluster and each.namespace)]
    return sorted(found, key=lambda each: (not each.profile.met[number, part].all_names, bool(each.namespace)))


def _best(met: Iterable[Met]) -> Met:
    whole = list(met)
    if any(each.all_names for each in whole):
        return Met(True)
    return Met(False, frozenset().union(*(each.names for each in whole)))


def binding_vertex(binding: Binding) -> Vertex:
    """Return the vertex of a binding."""
    return Vertex(binding.kind, binding.namespace, binding.name)
