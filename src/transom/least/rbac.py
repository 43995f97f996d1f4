"""RBAC: what each subject holds beside what it asked for, roles that would be enough, and every request put to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from transom.audit.usage import Usage, UsageTable
from transom.kube.authorizer import (
    Authorizer,
    Binding,
    BoundSubject,
    Grant,
    Policy,
    PolicyRule,
    Question,
    Role,
    User,
    allows_rule,
    uncovered,
)
from transom.kube.authorizer.questions import AUTHENTICATED, MASTERS
from transom.kube.authorizer.rules import ALL, atoms
from transom.kube.resources import Resources
from transom.least.roles import Level, Scope, proposed
from transom.model.findings import Skipped
from transom.model.permissions import Period, Permission, Replay, Use
from transom.model.refs import Ref

MIN_COVERAGE = 0.9  # of the wanted time; absence of evidence needs evidence of watching
DAY_S = 86_400.0
PREFIX = "least-"
LABEL = {"app.kubernetes.io/managed-by": "transom"}
NAME_CHARS = 63
RBAC_API = "rbac.authorization.k8s.io"


class Surplus(Struct, frozen=True):
    """A grant of which something was not used. unused: the rule's atoms that nobody asked for; whole: all of them.

    wider: those of the unused that have a star, of which something was used, but never all.
    """

    grant: Grant
    unused: tuple[PolicyRule, ...]
    whole: bool
    wider: tuple[PolicyRule, ...] = ()


class Account(Struct, frozen=True):
    """One subject: what it holds, what it used, and what would be enough.

    coverage: the part of the wanted time that was watched; settled: the part of the watched time since anything was used
    for the first time; scopes: the roles that would be enough.
    """

    subject: BoundSubject
    grants: tuple[Grant, ...]
    uses: tuple[Usage, ...]
    surplus: tuple[Surplus, ...]
    scopes: tuple[Scope, ...]
    coverage: float
    settled: float

    @property
    def confidence(self) -> float:
        """How far to believe that the unused is not needed: coverage x settled."""
        return self.coverage * self.settled

    @property
    def granted(self) -> int:
        """How many atoms were granted."""
        return sum(1 for grant in self.grants for _ in parts(grant.rule))

    @property
    def unused(self) -> int:
        """How many atoms were granted and not used."""
        return sum(len(each.unused) for each in self.surplus)


def accounts(
    authorizer: Authorizer,
    table: UsageTable,
    wanted_s: float,
    level: Level,
    all_subjects: bool = False,
    since_s: Mapping[BoundSubject, float] = MappingProxyType({}),
) -> Iterator[Account | Skipped]:
    """Yield the account of every subject that a binding names; Skipped where it was hardly watched.

    wanted_s: how long a subject must have been watched, in seconds. all_subjects: also those of the system. since_s: when
    subjects began to be there, in seconds since 1970: what was logged before is no watching of them.
    """
    period = table.period()
    uses = _by_asker(table, authorizer)
    for subject in authorizer.subjects():
        if subject.name == MASTERS or (not all_subjects and is_system(subject)):
            continue  # masters are never refused, whatever they are bound to
        grants = tuple(_grants(authorizer.policy, subject))
        began_s = since_s.get(subject, 0.0)
        coverage = period.coverage(wanted_s, began_s) if period else 0.0
        if coverage < MIN_COVERAGE:
            yield _hardly_watched(subject, period, wanted_s, began_s)
        elif grants:
            own = uses.of(subject)
            yield _account(subject, grants, own, coverage, _settled(own, period), level)


def is_system(subject: BoundSubject) -> bool:
    """Tell whether Kubernetes itself made the subject: its own users and groups, and its controllers' accounts."""
    return subject.name.startswith("system:") or subject.namespace == "kube-system"


def _hardly_watched(subject: BoundSubject, period: Period | None, wanted_s: float, began_s: float) -> Skipped:
    watched_s = period.watched_s(began_s) if period else 0.0
    share = min(1.0, watched_s / wanted_s) if wanted_s else 0.0
    reason = (
        f"watched for {watched_s / DAY_S:.1f} of {wanted_s / DAY_S:.1f} days ({share:.0%}), too little to call unused"
    )
    kind, name = subject.kind, subject.name
    ref = Ref(kind=kind, namespace=subject.namespace, name=name)
    return Skipped(ref, reason, "give more of the audit log, or ask for less: --min-days", "unused-permission")


class _ByAsker:
    def __init__(self) -> None:
        self.users: dict[str, list[Usage]] = {}
        self.groups: dict[str, list[Usage]] = {}

    def of(self, subject: BoundSubject) -> Sequence[Usage]:
        """Return what a user asked for, or what the members of a group did."""
        return self.groups.get(subject.name, ()) if subject.kind == "Group" else self.users.get(subject.user, ())


def _by_asker(table: UsageTable, authorizer: Authorizer) -> _ByAsker:
    """Return who asked for what; what everybody may ask for (discovery, reviews of oneself) is nobody's own need."""
    found = _ByAsker()
    anybody = User("", (AUTHENTICATED,))
    for usage in table.uses():
        if AUTHENTICATED not in usage.user.groups or not authorizer.allows(anybody, usage.question):
            found.users.setdefault(usage.user.name, []).append(usage)
        for group in usage.user.groups:
            found.groups.setdefault(group, []).append(usage)
    return found


def _grants(policy: Policy, subject: BoundSubject) -> Iterator[Grant]:
    for binding in policy.bindings:
        if subject in binding.subjects:
            role = policy.roles.get(binding.role_key)
            yield from (Grant(binding, subject, rule) for rule in (role.rules if role else ()))


def _account(
    subject: BoundSubject,
    grants: tuple[Grant, ...],
    uses: Sequence[Usage],
    coverage: float,
    settled: float,
    level: Level,
) -> Account:
    matches = _Matches(grants)
    own = tuple(usage for usage in uses if matches.of(usage.question))
    surplus = tuple(_surplus(grant, matches.questions(number)) for number, grant in enumerate(grants))
    held: dict[str, list[PolicyRule]] = {}
    for grant in grants:
        held.setdefault(grant.namespace, []).append(grant.rule)
    scopes = tuple(proposed((usage.question for usage in own), dict(held), level))
    return Account(subject, grants, own, tuple(each for each in surplus if each.unused), scopes, coverage, settled)


class _Matches:
    """Which of some grants allow a question; the answer hangs on names only where a rule has any."""

    def __init__(self, grants: Sequence[Grant]) -> None:
        self._grants = grants
        self._names = any(grant.rule.resource_names for grant in grants)
        self._known: dict[tuple[Any, ...], list[int]] = {}
        self._asked: dict[int, dict[Question, None]] = {}

    def of(self, question: Question) -> list[int]:
        key = (question.verb, question.group, question.resource, question.subresource, question.path)
        whole = (*key, question.namespace, question.name if self._names else "")
        found = self._known.get(whole)
        if found is None:
            found = self._known[whole] = [
                number
                for number, grant in enumerate(self._grants)
                if grant.namespace in ("", question.namespace)
                and not (grant.namespace and question.path is not None)
                and allows_rule(grant.rule, question)
            ]
            for number in found:
                self._asked.setdefault(number, {})[question] = None
        return found

    def questions(self, number: int) -> Iterable[Question]:
        """Return what was asked of a grant, one question for each way to ask."""
        return self._asked.get(number, {})


def _surplus(grant: Grant, used: Iterable[Question]) -> Surplus:
    """Return what was not used of a grant. A star allows more than anybody asks for, so it always counts as unused."""
    questions = list(used)
    every = list(parts(grant.rule))
    asked = {atom: any(allows_rule(atom, question) for question in questions) for atom in every}
    unused = tuple(atom for atom in every if _has_star(atom) or not asked[atom])
    wider = tuple(atom for atom in unused if asked[atom])
    return Surplus(grant, unused, not any(asked.values()), wider)


def parts(rule: PolicyRule) -> Iterator[PolicyRule]:
    """Yield a rule taken apart; where its verbs are a star, by the verbs that a resource is known to have."""
    for atom in atoms(rule):
        known = served().get(atom.api_groups[0], atom.resources[0]) if atom.resources and atom.api_groups else None
        if atom.verbs == (ALL,) and known and known.verbs:
            yield from (replace(atom, verbs=(verb,)) for verb in known.verbs)
        else:
            yield atom


def _has_star(atom: PolicyRule) -> bool:
    return (
        ALL in (*atom.verbs, *atom.api_groups)
        or any(each.startswith(ALL) for each in atom.resources)
        or any(each.endswith(ALL) for each in atom.non_resource_urls)
    )


@lru_cache(maxsize=1)
def served() -> Resources:
    """Return what Kubernetes itself serves, by which stars are taken apart."""
    return Resources()


def _settled(uses: Sequence[Usage], period: Period | None) -> float:
    """Return the part of the watched time in which nothing was used for the first time any more."""
    if period is None or period.end_s <= period.start_s:
        return 0.0
    firsts: dict[tuple[str, ...], float] = {}
    for usage in uses:
        question = usage.question
        key = (question.verb, question.group, question.resource, question.subresource, question.path or "")
        firsts[key] = min(firsts.get(key, usage.seen.first_s), usage.seen.first_s)
    last = max(firsts.values(), default=period.start_s)
    return max(0.0, period.end_s - last) / (period.end_s - period.start_s)


# the proposal


class Proposal(Struct, frozen=True):
    """Roles and bindings that take the place of others.

    roles, bindings: to create; kept: present bindings without the subjects that get their own; removed: bindings that
    nobody is left in; beyond: what the new roles would allow that was not granted, which must be nothing.
    """

    roles: tuple[Role, ...]
    bindings: tuple[Binding, ...]
    kept: tuple[Binding, ...]
    removed: tuple[Binding, ...]
    beyond: tuple[PolicyRule, ...]

    def policy(self, present: Policy) -> Policy:
        """Return the policy once the proposal is applied."""
        changed = {(each.namespace, each.name): each for each in self.kept}
        gone = {(each.namespace, each.name) for each in (*self.removed, *self.bindings)}
        left = [
            changed.get((each.namespace, each.name), each)
            for each in present.bindings
            if (each.namespace, each.name) not in gone
        ]
        return Policy({**present.roles, **{role.key: role for role in self.roles}}, [*left, *self.bindings])


def proposal(policy: Policy, found: Iterable[Account]) -> Proposal:
    """Return what would be enough for subjects that hold more than they use."""
    roles: list[Role] = []
    bindings: list[Binding] = []
    beyond: list[PolicyRule] = []
    moved: set[BoundSubject] = set()
    for account in found:
        if not account.surplus:
            continue
        moved.add(account.subject)
        for scope in account.scopes:
            name = _name(account.subject)
            roles.append(Role(scope.namespace, name, scope.rules))
            kind = "Role" if scope.namespace else "ClusterRole"
            bindings.append(Binding(scope.namespace, name, kind, name, (account.subject,)))
            held = [grant.rule for grant in account.grants if grant.namespace in ("", scope.namespace)]
            beyond += uncovered(held, scope.rules)
    kept, removed = _without(policy, moved)
    again = {(each.namespace, each.name) for each in bindings}  # of an earlier proposal: they are written anew
    removed = [each for each in removed if (each.namespace, each.name) not in again]
    return Proposal(tuple(roles), tuple(bindings), tuple(kept), tuple(removed), tuple(beyond))


def _name(subject: BoundSubject) -> str:
    parts = [PREFIX + subject.kind.lower(), subject.namespace, subject.name]
    text = "-".join(filter(None, parts)).lower()
    safe = "".join(each if each.isascii() and (each.isalnum() or each in "-.") else "-" for each in text)
    if safe == text and len(safe) <= NAME_CHARS:
        return safe
    from hashlib import sha256

    return f"{safe[: NAME_CHARS - 9].rstrip('-.')}-{sha256(str(subject).encode()).hexdigest()[:8]}"


def _without(policy: Policy, moved: set[BoundSubject]) -> tuple[list[Binding], list[Binding]]:
    kept, removed = [], []
    for binding in policy.bindings:
        left = tuple(subject for subject in binding.subjects if subject not in moved)
        if not left and binding.subjects:
            removed.append(binding)
        elif len(left) < len(binding.subjects):
            kept.append(replace(binding, subjects=left))
    return kept, removed


def manifests(made: Proposal) -> Iterator[dict[str, Any]]:
    """Yield the objects to apply: new roles and bindings, then present bindings without those who left them."""
    for role in made.roles:
        kind = "Role" if role.namespace else "ClusterRole"
        rules = [_rule_object(rule) for rule in role.rules]
        yield {**_head(kind, role.namespace, role.name, LABEL), "rules": rules}
    for binding in (*made.bindings, *made.kept):
        reference = {"apiGroup": RBAC_API, "kind": binding.role_kind, "name": binding.role_name}
        subjects = [_subject_object(each) for each in binding.subjects]
        labels = LABEL if binding in made.bindings else {}
        head = _head(binding.kind, binding.namespace, binding.name, labels)
        yield {**head, "roleRef": reference, "subjects": subjects}


def _head(kind: str, namespace: str, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    return {"apiVersion": f"{RBAC_API}/v1", "kind": kind, "metadata": metadata}


def _rule_object(rule: PolicyRule) -> dict[str, Any]:
    fields = {
        "apiGroups": rule.api_groups,
        "resources": rule.resources,
        "resourceNames": rule.resource_names,
        "nonResourceURLs": rule.non_resource_urls,
        "verbs": rule.verbs,
    }
    return {field: list(words) for field, words in fields.items() if words}


def _subject_object(subject: BoundSubject) -> dict[str, str]:
    if subject.kind == "ServiceAccount":
        return {"kind": subject.kind, "name": subject.name, "namespace": subject.namespace}
    return {"apiGroup": RBAC_API, "kind": subject.kind, "name": subject.name}


# the proof


def replay(present: Authorizer, made: Proposal, table: UsageTable) -> Replay:
    """Put every recorded request to the policy as it would be.

    What the present policy does not allow either was allowed by something else, or under another policy: unexplained.
    """
    after = Authorizer(made.policy(present.policy), present.nodes, present.version)
    requests = 0
    denied: list[Use] = []
    unexplained: list[Use] = []
    for usage in table.uses():
        requests += usage.seen.count
        if after.allows(usage.user, usage.question):
            continue
        (denied if present.allows(usage.user, usage.question) else unexplained).append(use_of(usage))
    return Replay(requests, tuple(denied), tuple(unexplained))


def use_of(usage: Usage) -> Use:
    """Return a request in the words that all domains share."""
    seen = usage.seen
    return Use(usage.user.name, permission_of(usage.question), seen.count, seen.first_s, seen.last_s)


def permission_of(question: Question) -> Permission:
    """Return what was asked in the words that all domains share."""
    if question.path is not None:
        return Permission("rbac", question.verb, question.path)
    resource = f"{question.resource}/{question.subresource}" if question.subresource else question.resource
    thing = f"{resource}.{question.group}" if question.group else resource
    return Permission("rbac", question.verb, f"{thing} {question.name}" if question.name else thing, question.namespace)
