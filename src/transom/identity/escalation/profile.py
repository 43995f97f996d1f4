"""What the rules of one role meet of each primitive: found once for all bindings that hand out equal rules."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from transom.identity.escalation.primitives import Need, Primitive
from transom.kube.authorizer import PolicyRule, Question, allows_rule
from transom.kube.authorizer.rules import FULL_AUTHORITY, covers_atom, resource_names
from transom.kube.authorizer.versions import Version, verbs_that_stream


class Met(Struct, frozen=True):
    """How far a need is met: for all names, or for some."""

    all_names: bool
    names: frozenset[str] = frozenset()


class Profile(Struct, frozen=True, eq=False):
    """met: by the numbers of a primitive and of one of its needs; what is not met at all is not there.

    touched: the numbers of primitives of which some need is met; partial: those of which others are not.
    """

    met: dict[tuple[int, int], Met]
    touched: tuple[int, ...]
    partial: frozenset[int]


class Profiles:
    """Profiles of rules, each made once."""

    def __init__(self, primitives: Sequence[Primitive], version: Version) -> None:
        self.primitives = primitives
        self._questions = [[list(_questions(each, need, version)) for need in each.needs] for each in primitives]
        self._wildcards: list[tuple[int, int]] = []
        self._by_resource: dict[str, dict[tuple[int, int], None]] = {}  # the needs that a word among resources may meet
        self._known: dict[tuple[PolicyRule, ...], Profile] = {}
        for number, primitive in enumerate(primitives):
            for part, need in enumerate(primitive.needs):
                self._index((number, part), need)

    def _index(self, key: tuple[int, int], need: Need) -> None:
        if need.wildcard:
            self._wildcards.append(key)
            return
        number, part = key
        for question in self._questions[number][part]:
            for word in resource_names(question.resource, question.subresource):
                self._by_resource.setdefault(word, {})[key] = None

    def of(self, rules: tuple[PolicyRule, ...]) -> Profile:
        """Return the profile of a role's rules."""
        found = self._known.get(rules)
        if found is None:
            met = dict(self._made(rules))
            touched = tuple(sorted({number for number, _ in met}))
            found = self._known[rules] = Profile(met, touched, frozenset(self._partial(met)))
        return found

    def needed(self, rules: tuple[PolicyRule, ...], ways: Collection[str]) -> Iterator[Question]:
        """Yield what the rules are asked by the primitives that they meet; for some names only of those called `ways`."""
        profile = self.of(rules)
        for number in profile.touched:
            primitive = self.primitives[number]
            met = [profile.met.get((number, part)) for part in range(len(primitive.needs))]
            everything = number not in profile.partial and all(each is None or each.all_names for each in met)
            if everything or primitive.id in ways:
                for part, each in enumerate(met):
                    yield from self._questions[number][part] if each is not None else ()

    def _partial(self, met: dict[tuple[int, int], Met]) -> Iterator[int]:
        for number in {number for number, _ in met}:
            primitive = self.primitives[number]
            if not primitive.any_of and any((number, part) not in met for part in range(len(primitive.needs))):
                yield number

    def _made(self, rules: tuple[PolicyRule, ...]) -> Iterator[tuple[tuple[int, int], Met]]:
        for key, candidates in sorted(self._candidates(rules).items()):
            number, part = key
            met = _met(candidates, self.primitives[number].needs[part], self._questions[number][part])
            if met is not None:
                yield key, met

    def _candidates(self, rules: tuple[PolicyRule, ...]) -> dict[tuple[int, int], Sequence[PolicyRule]]:
        """Return, for each need that may be met at all, the rules that may: without, every role would be asked 300 questions."""
        found: dict[tuple[int, int], list[PolicyRule]] = {}
        for rule in rules:
            words = (self._by_resource.get(word, {}) for word in rule.resources)
            for key in dict.fromkeys(chain.from_iterable(words)):
                found.setdefault(key, []).append(rule)
        return {**dict.fromkeys(self._wildcards, rules), **found}


def _questions(primitive: Primitive, need: Need, version: Version) -> Iterator[Question]:
    verbs = verbs_that_stream(version) if primitive.streams else need.verbs
    for group in need.groups:
        for whole in need.resources:
            resource, _, subresource = whole.partition("/")
            for verb in verbs:
                yield Question(verb, group, resource, subresource, name=need.object)


def _met(rules: Sequence[PolicyRule], need: Need, questions: Sequence[Question]) -> Met | None:
    if need.wildcard:
        whole = any(covers_atom(rule, FULL_AUTHORITY[0]) for rule in rules)
        return Met(True) if whole else None
    names: set[str] = set()
    for rule in rules:
        if rule.non_resource_urls or not any(_matches(rule, question) for question in questions):
            continue
        if not rule.resource_names or need.object or need.any_name:
            return Met(True)
        names.update(rule.resource_names)
    return Met(False, frozenset(names)) if names and need.named else None


def _matches(rule: PolicyRule, question: Question) -> bool:
    """Tell whether a rule allows what is asked; where no name is asked, whatever names the rule has."""
    if question.name or not rule.resource_names:
        return allows_rule(rule, question)
    return allows_rule(PolicyRule(rule.verbs, rule.api_groups, rule.resources), question)
