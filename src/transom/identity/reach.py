"""What somebody may do, who may do something, and what changed between two policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from transom.identity.subjects import user_of
from transom.kube.authorizer import Authorizer, Binding, BoundSubject, Grant, PolicyRule, Question, User
from transom.kube.authorizer.questions import AUTHENTICATED, MASTERS, NODE_PREFIX, implied
from transom.kube.authorizer.rules import atoms, covers_atom
from transom.kube.authorizer.versions import verbs_that_stream
from transom.model.language import mark

STREAMING = ("exec", "attach", "portforward")
BY_MASTERS, BY_NODE = mark("never refused"), mark("Node authorizer")


class Holder(Struct, frozen=True):
    """Somebody who may do what was asked. namespace: "" for everywhere; names: empty for all names.

    verb: of what was asked, or another one that comes to the same. binding and rule: None where no binding gave it;
    by: then what did.
    """

    subject: BoundSubject
    verb: str
    namespace: str = ""
    names: tuple[str, ...] = ()
    binding: Binding | None = None
    rule: PolicyRule | None = None
    by: str = ""
    through: str = ""


def who_can(authorizer: Authorizer, question: Question, everywhere: bool = False) -> Iterator[Holder]:
    """Yield everybody who may do what is asked: system:masters, nodes, and each subject of each binding.

    everywhere: also who may in one namespace only, where the question names none.
    """
    yield Holder(BoundSubject("Group", MASTERS), question.verb, by=BY_MASTERS)
    for asked in comes_to(authorizer, question):
        if authorizer.nodes is not None:
            for node in sorted(authorizer.nodes.nodes_for(asked)):
                subject = BoundSubject("User", NODE_PREFIX + node)
                yield Holder(subject, asked.verb, asked.namespace, _names(asked), by=BY_NODE)
        for grant in dict.fromkeys(authorizer.who_can(asked, everywhere)):
            names = grant.rule.resource_names if not asked.name and asked.path is None else ()
            yield Holder(grant.subject, asked.verb, grant.namespace, names, grant.binding, grant.rule)


def _names(question: Question) -> tuple[str, ...]:
    return (question.name,) if question.name else ()


def comes_to(authorizer: Authorizer, question: Question) -> Iterator[Question]:
    """Yield a question, and those that come to the same: before 1.35 who may get pods/exec may exec as well."""
    yield question
    is_stream = question.verb == "create" and question.resource == "pods" and question.subresource in STREAMING
    for verb in verbs_that_stream(authorizer.version) if is_stream else ():
        if verb != question.verb:
            yield replace(question, verb=verb)


def expanded(holders: Iterable[Holder], accounts: Sequence[BoundSubject], everyone: bool = False) -> Iterator[Holder]:
    """Yield holders, and behind each group of service accounts those that are in it.

    everyone: also behind system:authenticated, in which all are.
    """
    members: dict[str, list[BoundSubject]] = {}
    for account in accounts:
        for group in implied(account.user).groups:
            if everyone or group != AUTHENTICATED:
                members.setdefault(group, []).append(account)
    for holder in holders:
        yield holder
        if holder.subject.kind == "Group":
            for account in members.get(holder.subject.name, ()):
                yield replace(holder, subject=account, through=holder.subject.name)


# what somebody may do


class Reach(Struct, frozen=True, order=True):
    """One atom of what somebody may do: a verb on a resource in a namespace ("" for everywhere), or on a URL."""

    namespace: str
    group: str
    resource: str
    name: str
    url: str
    verb: str


def atoms_of(grants: Iterable[Grant]) -> dict[Reach, Grant]:
    """Return grants taken apart, each atom with the first grant that gives it."""
    found: dict[Reach, Grant] = {}
    for grant in grants:
        for atom in atoms(grant.rule):
            found.setdefault(_reach(grant, atom), grant)
    return found


def _reach(grant: Grant, atom: PolicyRule) -> Reach:
    return Reach(
        namespace=grant.namespace,
        group=atom.api_groups[0] if atom.api_groups else "",
        resource=atom.resources[0] if atom.resources else "",
        name=atom.resource_names[0] if atom.resource_names else "",
        url=atom.non_resource_urls[0] if atom.non_resource_urls else "",
        verb=atom.verbs[0],
    )


def has_effect(grant: Grant) -> bool:
    """Tell whether a grant gives anything where it stands: URLs are nobody's in one namespace."""
    return not (grant.namespace and grant.rule.non_resource_urls)


# what changed


class Change(Struct, frozen=True):
    """What a subject may do on one side only. binding: what gives it there."""

    subject: BoundSubject
    added: bool
    reach: Reach
    binding: Binding


def changes(old: Authorizer, new: Authorizer) -> Iterator[Change]:
    """Yield what reach was added and removed, for each subject; what it may do on both sides by other ways is no change."""
    for subject in sorted({*old.subjects(), *new.subjects()}):
        yield from _gained(subject, new, old, added=True)
        yield from _gained(subject, old, new, added=False)


def _gained(subject: BoundSubject, here: Authorizer, there: Authorizer, added: bool) -> Iterator[Change]:
    own = User("", (subject.name,)) if subject.kind == "Group" else User(subject.user)
    known = set(map(_shape, there.grants(own, None)))
    grants = [grant for grant in here.grants(own, None) if has_effect(grant) and _shape(grant) not in known]
    if not grants:
        return
    other = [grant for grant in there.grants(user_of(subject), None) if has_effect(grant)]
    for reach, grant in sorted(atoms_of(grants).items()):
        atom = _atom(reach)
        if not any(each.namespace in ("", reach.namespace) and covers_atom(each.rule, atom) for each in other):
            yield Change(subject, added, reach, grant.binding)


def _shape(grant: Grant) -> tuple[str, PolicyRule]:
    return grant.namespace, grant.rule


def _atom(reach: Reach) -> PolicyRule:
    if reach.url:
        return PolicyRule((reach.verb,), non_resource_urls=(reach.url,))
    return PolicyRule((reach.verb,), (reach.group,), (reach.resource,), (reach.name,) if reach.name else ())
