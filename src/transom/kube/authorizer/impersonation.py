"""Impersonation: may somebody do something as somebody else, and under which mode.

Followed: apiserver/pkg/endpoints/filters/impersonation of Kubernetes 1.36 (KEP-5284). Constrained modes need two rights:
`impersonate:MODE` on whom, and `impersonate-on:MODE:VERB` on what is done; the old right `impersonate` needs no second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.authorizer.index import Authorizer
from transom.kube.authorizer.questions import (
    ANONYMOUS,
    AUTHENTICATED,
    MASTERS,
    NODE_PREFIX,
    NODES,
    SERVICE_ACCOUNTS,
    UNAUTHENTICATED,
    Question,
    User,
    is_subdomain,
    service_account,
)
from transom.kube.authorizer.versions import has

AUTHENTICATION = "authentication.k8s.io"
MANY = 4  # groups or extra values, from which on the right to all of them is tried first


class Wanted(Struct, frozen=True):
    """Who somebody wants to be, as the headers of a request say."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, Sequence[str]] = {}

    @property
    def is_name_only(self) -> bool:
        """Whether nothing but the name is asked for."""
        return not (self.groups or self.uid or self.extra)


class Impersonated(Struct, frozen=True):
    """Who somebody becomes, and by which mode: "legacy", or one of the constrained ones."""

    user: User
    mode: str


def impersonate(
    authorizer: Authorizer, user: User, wanted: Wanted, question: Question, own_node: str = ""
) -> Impersonated | None:
    """Return who a user becomes that asks something as somebody else; None where it may not.

    own_node: the node of the pod that a service account's token is bound to, where it is known.
    """
    if has(authorizer.version, "ConstrainedImpersonation"):
        for mode in _modes(wanted, own_node):
            on = replace(question, verb=f"impersonate-on:{mode}:{question.verb}")
            if authorizer.allows(user, on) and all(_allows(authorizer, user, each) for each in _asked(wanted, mode)):
                return Impersonated(_becomes(wanted, constrained=True), mode)
    if all(authorizer.allows(user, each) for each in _legacy(wanted)):
        return Impersonated(_becomes(wanted, constrained=False), "legacy")
    return None


def _modes(wanted: Wanted, own_node: str) -> Iterator[str]:
    """Yield the constrained modes that apply to whom somebody wants to be, in their order."""
    if _is_node(wanted.name):
        if wanted.is_name_only:
            if own_node and wanted.name == NODE_PREFIX + own_node:
                yield "associated-node"
            yield "arbitrary-node"
    elif service_account(wanted.name):
        if wanted.is_name_only:
            yield "serviceaccount"
    elif MASTERS not in wanted.groups and "" not in wanted.groups and _is_valid(wanted.extra):
        yield "user-info"


def _is_node(name: str) -> bool:
    return name.startswith(NODE_PREFIX) and is_subdomain(name.removeprefix(NODE_PREFIX))


def _is_valid(extra: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether constrained impersonation takes extra values: keys in lower case, nothing empty."""
    return all(key and key == key.lower() and values and all(values) for key, values in extra.items())


def needed(wanted: Wanted, mode: str, question: Question) -> Iterator[Question]:
    """Yield the rights that acting as somebody took, by the mode that allowed it: "" for the old right.

    question: what was done. Where a right to all would do as well as that to the one, it is that to the one.
    """
    if not mode:
        yield from _legacy(wanted)
        return
    yield replace(question, verb=f"impersonate-on:{mode}:{question.verb}")
    for asked in _asked(wanted, mode):
        yield asked[-1]


def asked_for(name: str, groups: Sequence[str]) -> tuple[str, ...]:
    """Return the groups that somebody asked for, of those that it got: some come by themselves."""
    left = [group for group in groups if group not in (AUTHENTICATED, UNAUTHENTICATED)]
    account = service_account(name)
    by_itself = [SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{account[0]}"] if account else []
    if _is_node(name):
        by_itself = [NODES]
    return () if sorted(left) == sorted(by_itself) else tuple(left)


_Asked = tuple[Question, ...]
"""Questions of which one answered with yes is enough."""


def _asked(wanted: Wanted, mode: str) -> Iterator[_Asked]:
    verb = f"impersonate:{mode}"
    account = service_account(wanted.name)
    if mode == "associated-node":
        yield (Question(verb, AUTHENTICATION, "nodes", name="*"),)
    elif mode == "arbitrary-node":
        yield (Question(verb, AUTHENTICATION, "nodes", name=wanted.name.removeprefix(NODE_PREFIX)),)
    elif account:
        yield (Question(verb, AUTHENTICATION, "serviceaccounts", namespace=account[0], name=account[1]),)
    else:
        yield (Question(verb, AUTHENTICATION, "users", name=wanted.name),)
    yield from _attributes(wanted, verb, AUTHENTICATION, wildcards=True)


def _legacy(wanted: Wanted) -> Iterator[Question]:
    account = service_account(wanted.name)
    if account:
        yield Question("impersonate", "", "serviceaccounts", namespace=account[0], name=account[1])
    else:
        yield Question("impersonate", "", "users", name=wanted.name)
    for (question,) in _attributes(wanted, "impersonate", "", wildcards=False):
        yield question


def _attributes(wanted: Wanted, verb: str, group: str, wildcards: bool) -> Iterator[_Asked]:
    if wanted.uid:
        yield (Question(verb, AUTHENTICATION, "uids", name=wanted.uid),)
    everyone = (Question(verb, group, "groups", name="*"),) if wildcards and len(wanted.groups) >= MANY else ()
    for name in wanted.groups:
        yield (*everyone, Question(verb, group, "groups", name=name))
    many = max(len(wanted.extra), sum(map(len, wanted.extra.values()))) >= MANY
    everything = (Question(verb, AUTHENTICATION, "userextras", "*", name="*"),) if wildcards and many else ()
    for key, values in wanted.extra.items():
        for value in values:
            yield (*everything, Question(verb, AUTHENTICATION, "userextras", key, name=value))


def _allows(authorizer: Authorizer, user: User, asked: _Asked) -> bool:
    return any(authorizer.allows(user, question) for question in asked)


def _becomes(wanted: Wanted, constrained: bool) -> User:
    groups = wanted.groups
    account = service_account(wanted.name)
    if constrained and _is_node(wanted.name):
        groups = (NODES,)
    elif account and not groups:
        groups = (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{account[0]}")
    if wanted.name == ANONYMOUS:
        added = UNAUTHENTICATED
    else:
        added = "" if UNAUTHENTICATED in groups else AUTHENTICATED
    return User(wanted.name, tuple(dict.fromkeys((*groups, *filter(None, (added,))))))
