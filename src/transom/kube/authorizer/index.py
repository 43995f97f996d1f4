"""The authorizer, compiled: a question costs a few look-ups, however many bindings there are.

Rules are numbered, and equal roles share one *rule set*. What a question asks for (its *shape*, all but who asks and
where) is looked up once in an inverted index, which gives the rule sets that allow it; a user, and each of its groups,
holds rule sets in the whole cluster and in namespaces. A question is allowed where the two meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from transom.kube.authorizer.nodes import NodeAuthorizer
from transom.kube.authorizer.policy import Binding, BoundSubject, Policy, Role
from transom.kube.authorizer.questions import Question, User
from transom.kube.authorizer.rules import ALL, PolicyRule, allows_rule, resource_names, url_matches
from transom.kube.authorizer.versions import LATEST, Version

MAX_SHAPES = 200_000  # remembered; one takes about 0.5 kB, and a cluster's own requests have some thousand

RuleSets = frozenset[int]
NONE: RuleSets = frozenset()


class Grant(Struct, frozen=True):
    """One rule that somebody holds: through which binding, as which of its subjects. namespace: "" for everywhere."""

    binding: Binding
    subject: BoundSubject
    rule: PolicyRule

    @property
    def namespace(self) -> str:
        """Where it holds."""
        return self.binding.namespace

    def __str__(self) -> str:
        """Return it as the API server words its reason."""
        binding, subject = self.binding, self.subject
        name = f"{binding.name}/{binding.namespace}" if binding.namespace else binding.name
        who = f"{subject.name}/{subject.namespace}" if subject.kind == "ServiceAccount" else subject.name
        role = f'{binding.role_kind} "{binding.role_name}"'
        return f'{binding.kind} "{name}" of {role} to {subject.kind} "{who}"'


class Decision(Struct, frozen=True):
    """What was decided, in the API server's words. grant: the rule that allowed it, where it was RBAC."""

    allowed: bool
    reason: str = ""
    grant: Grant | None = None


class _Held:
    """What a user or group holds: rule sets in the whole cluster and in namespaces, and the bindings that give them."""

    __slots__ = ("bindings", "cluster", "local")

    def __init__(self) -> None:
        self.bindings: dict[str, list[tuple[int, int]]] = {}
        self.cluster: RuleSets = NONE
        self.local: dict[str, RuleSets] = {}

    def meets(self, allowing: RuleSets, namespace: str) -> bool:
        """Tell whether one of some rule sets is held, in the whole cluster or in the namespace."""
        if not allowing.isdisjoint(self.cluster):
            return True
        local = self.local.get(namespace)
        return local is not None and not allowing.isdisjoint(local)


class Authorizer:
    """Decides over one policy. Nothing of it changes once it is made but what it remembers."""

    def __init__(self, policy: Policy, nodes: NodeAuthorizer | None = None, version: Version = LATEST) -> None:
        self.policy = policy
        self.nodes = nodes
        self.version = version
        self._index = _RuleIndex()
        self._bindings = sorted(policy.bindings, key=lambda binding: bool(binding.namespace))  # cluster-wide ones first
        self._sets: list[int | None] = [self._rule_set(policy.roles.get(each.role_key)) for each in self._bindings]
        self._has_dangling = None in self._sets
        self._users: dict[str, _Held] = {}
        self._groups: dict[str, _Held] = {}
        self._by_set: dict[int, list[int]] = {}
        for number in range(len(self._bindings)):
            self._hold(number)
        for held in (*self._users.values(), *self._groups.values()):
            _settle(held)

    def _rule_set(self, role: Role | None) -> int | None:
        return None if role is None else self._index.number(role.rules)

    def _hold(self, number: int) -> None:
        binding, rules = self._bindings[number], self._sets[number]
        if rules is not None:
            self._by_set.setdefault(rules, []).append(number)
        for subject in binding.subjects:
            table, name = (self._groups, subject.name) if subject.kind == "Group" else (self._users, subject.user)
            held = table.setdefault(name, _Held())
            held.bindings.setdefault(binding.namespace, []).append((number, -1 if rules is None else rules))

    # decisions

    def allows(self, user: User, question: Question) -> bool:
        """Tell whether a user may do what is asked."""
        if user.is_master or self.rbac_allows(user, question):
            return True
        return self.nodes is not None and self.nodes.decide(user, question).allowed

    def rbac_allows(self, user: User, question: Question) -> bool:
        """Tell whether RBAC alone allows it."""
        allowing = self._index.allowing(question)
        if not allowing:
            return False
        namespace = question.namespace
        held = self._users.get(user.name)
        if held is not None and held.meets(allowing, namespace):
            return True
        groups = self._groups
        for group in user.groups:
            held = groups.get(group)
            if held is not None and held.meets(allowing, namespace):
                return True
        return False

    def _holders(self, user: User) -> Iterator[_Held]:
        held = self._users.get(user.name)
        if held is not None:
            yield held
        groups = self._groups
        for group in user.groups:
            if group in groups:
                yield groups[group]

    def decide(self, user: User, question: Question) -> Decision:
        """Decide, and say why, as a SubjectAccessReview does."""
        if user.is_master:
            return Decision(True)
        reasons = []
        if self.nodes is not None:
            verdict = self.nodes.decide(user, question)
            if verdict.allowed:
                return Decision(True, verdict.reason)
            reasons.append(verdict.reason)
        grant = self.explain(user, question)
        if grant is not None:
            return Decision(True, f"RBAC: allowed by {grant}", grant)
        reasons.append(self._unresolved(user, question.namespace))
        return Decision(False, "\n".join(filter(None, reasons)))

    def explain(self, user: User, question: Question) -> Grant | None:
        """Return the first grant that allows it: cluster-wide bindings before those of the namespace."""
        if not self.rbac_allows(user, question):
            return None
        return next(grant for grant in self.grants(user, question.namespace) if allows_rule(grant.rule, question))

    def _unresolved(self, user: User, namespace: str) -> str:
        """Return what the API server says of bindings of a user whose role there is not."""
        missing = []
        for number in self._numbers_of(user, namespace) if self._has_dangling else ():
            if self._sets[number] is None:
                binding = self._bindings[number]
                kind = binding.role_kind.lower()
                missing.append(f'{kind}.rbac.authorization.k8s.io "{binding.role_name}" not found')
        told = list(dict.fromkeys(missing))
        return f"RBAC: {told[0] if len(told) == 1 else '[' + ', '.join(told) + ']'}" if told else ""

    # what somebody holds

    def rules_for(self, user: User, namespace: str) -> list[PolicyRule]:
        """Return every rule that a user holds in a namespace, as a SelfSubjectRulesReview does; "" for the cluster only."""
        return [grant.rule for grant in self.grants(user, namespace)]

    def grants(self, user: User, namespace: str | None) -> Iterator[Grant]:
        """Yield what a user holds in a namespace and in the whole cluster; None for all namespaces."""
        for number in self._numbers_of(user, namespace):
            binding = self._bindings[number]
            role = self.policy.roles.get(binding.role_key)
            subject = next(each for each in binding.subjects if _names(each, user))
            for rule in role.rules if role else ():
                yield Grant(binding, subject, rule)

    def bindings_of(self, user: User) -> list[Binding]:
        """Return the bindings that name a user or one of its groups, in all namespaces."""
        return [self._bindings[number] for number in self._numbers_of(user, None)]

    def _numbers_of(self, user: User, namespace: str | None) -> list[int]:
        found: set[int] = set()
        for held in self._holders(user):
            places = held.bindings if namespace is None else ("", namespace) if namespace else ("",)
            found.update(number for place in places for number, _ in held.bindings.get(place, ()))
        return sorted(found)

    # who holds something

    def who_can(self, question: Question, everywhere: bool = False) -> Iterator[Grant]:
        """Yield each grant of what is asked, for each subject of its binding, whoever that is.

        everywhere: also what holds in one namespace only, where the question names none. A question without a name
        finds also rules for some names: Grant.rule tells these.
        """
        numbers = (number for rules in self._index.touching(question) for number in self._by_set.get(rules, ()))
        for number in sorted(numbers):
            binding = self._bindings[number]
            if binding.namespace and not (everywhere or binding.namespace == question.namespace):
                continue
            if binding.namespace and question.path is not None:
                continue  # URLs are nobody's in one namespace
            for rule in self.policy.roles[binding.role_key].rules:
                if allows_rule(rule, question) or (not question.name and _names_some(rule, question)):
                    for subject in binding.subjects:
                        yield Grant(binding, subject, rule)

    def subjects(self) -> list[BoundSubject]:
        """Return everybody whom a binding names, in order."""
        return sorted({subject for binding in self._bindings for subject in binding.subjects})


def _settle(held: _Held) -> None:
    """Keep what a holder holds as sets that meet others quickly."""
    for namespace, bindings in held.bindings.items():
        rules = frozenset(rule_set for _, rule_set in bindings if rule_set >= 0)
        if namespace:
            held.local[namespace] = rules
        else:
            held.cluster = rules


def _names(subject: BoundSubject, user: User) -> bool:
    return subject.name in user.groups if subject.kind == "Group" else subject.user == user.name


def _names_some(rule: PolicyRule, question: Question) -> bool:
    """Tell whether a rule allows what is asked for some names only."""
    if not rule.resource_names or question.path is not None:
        return False
    return allows_rule(PolicyRule(rule.verbs, rule.api_groups, rule.resources), question)


class _Allowing:
    """The rule sets that allow a shape whatever the name, and those that do so for some name."""

    __slots__ = ("any_name", "by_name", "merged")

    def __init__(self, any_name: set[int], by_name: dict[str, set[int]]) -> None:
        self.any_name: RuleSets = frozenset(any_name)
        self.by_name = by_name
        self.merged: dict[str, RuleSets] = {}

    def named(self, name: str) -> RuleSets:
        """Return those that allow it for a name, whether they tell names or not."""
        found = self.merged.get(name)
        if found is None:
            found = self.any_name | self.by_name[name] if name in self.by_name else self.any_name
            if name in self.by_name:
                self.merged[name] = found
        return found


class _RuleIndex:
    """Rules by what they name, and the rule sets that they stand in."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[PolicyRule, ...], int] = {}
        self._rules: dict[PolicyRule, int] = {}
        self._names: list[tuple[str, ...]] = []
        self._sets_of: list[list[int]] = []
        self._by_word: dict[tuple[str, str], int] = {}
        self._by_url: dict[str, int] = {}
        self._shapes: dict[tuple[str, str, str, str, str | None], _Allowing] = {}

    def number(self, rules: tuple[PolicyRule, ...]) -> int:
        """Return the number of a rule set; equal ones have the same."""
        known = self._numbers.get(rules)
        if known is None:
            known = self._numbers[rules] = len(self._numbers)
            for rule in dict.fromkeys(rules):
                self._sets_of[self._rule(rule)].append(known)
        return known

    def _rule(self, rule: PolicyRule) -> int:
        known = self._rules.get(rule)
        if known is None:
            known = self._rules[rule] = len(self._sets_of)
            self._sets_of.append([])
            self._names.append(rule.resource_names)
            for field, words in (
                ("verb", rule.verbs),
                ("group", rule.api_groups),
                ("resource", rule.resources),
            ):
                for word in words:
                    self._by_word[field, word] = self._by_word.get((field, word), 0) | 1 << known
            for url in rule.non_resource_urls:
                self._by_url[url] = self._by_url.get(url, 0) | 1 << known
        return known

    def allowing(self, question: Question) -> RuleSets:
        """Return the rule sets that allow a question."""
        shape = self._shape(question)
        return shape.named(question.name) if shape.by_name else shape.any_name

    def touching(self, question: Question) -> RuleSets:
        """Return the rule sets that allow a question, at least for some names where it has none."""
        shape = self._shape(question)
        return shape.named(question.name) if question.name else shape.any_name.union(*shape.by_name.values())

    def _shape(self, question: Question) -> _Allowing:
        key = (question.verb, question.group, question.resource, question.subresource, question.path)
        found = self._shapes.get(key)
        if found is None:
            if len(self._shapes) >= MAX_SHAPES:
                self._shapes.clear()
            found = self._shapes[key] = self._allowing(question)
        return found

    def _allowing(self, question: Question) -> _Allowing:
        any_name: set[int] = set()
        by_name: dict[str, set[int]] = {}
        for number in self._matching(question):
            names = self._names[number] if question.path is None else ()
            for name in names:
                by_name.setdefault(name, set()).update(self._sets_of[number])
            if not names:
                any_name.update(self._sets_of[number])
        return _Allowing(any_name, by_name)

    def _matching(self, question: Question) -> Iterator[int]:
        """Yield the rules that allow a question but for its name."""
        found = self._naming("verb", (ALL, question.verb))
        if question.path is not None:
            path = question.path
            found &= _union(rules for url, rules in self._by_url.items() if url_matches(url, path))
        else:
            found &= self._naming("group", (ALL, question.group))
            found &= self._naming("resource", resource_names(question.resource, question.subresource))
        return _members(found)

    def _naming(self, field: str, words: Sequence[str]) -> int:
        return _union(self._by_word.get((field, word), 0) for word in words)


# sets of rules as bits of one integer: to intersect those of a large cluster takes a microsecond, sets 100 times that


def _union(sets: Iterable[int]) -> int:
    whole = 0
    for each in sets:
        whole |= each
    return whole


def _members(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
