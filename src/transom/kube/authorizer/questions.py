"""What an authorizer is asked: who wants to do what; and the groups that authentication gives to a user."""

from __future__ import annotations

import re

from msgspec import Struct

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
NODES = "system:nodes"
SERVICE_ACCOUNTS = "system:serviceaccounts"
ANONYMOUS = "system:anonymous"
NODE_PREFIX = "system:node:"
ACCOUNT_PREFIX = "system:serviceaccount:"
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\Z")
MAX_SUBDOMAIN_CHARS = 253


class User(Struct, frozen=True, order=True):
    """Who asks, as authentication leaves it: groups are those that it is in, and no others."""

    name: str
    groups: tuple[str, ...] = ()

    @property
    def is_master(self) -> bool:
        """Whether the user is never refused anything."""
        return MASTERS in self.groups


class Question(Struct, frozen=True):
    """What is asked. path: a URL that is no resource, without its query; None for a question about a resource.

    namespace: "" for cluster-wide resources, and for all namespaces together. name: "" where the request names none:
    create (but not on a subresource), list and watch without metadata.name in the field selector, deletecollection.
    fields: the requirements of the field selector, as (field, operator, value).
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str | None = None
    fields: tuple[tuple[str, str, str], ...] = ()


def implied(name: str, groups: tuple[str, ...] = ()) -> User:
    """Return a user with the groups that Kubernetes gives it by itself, behind those that are known of it."""
    return User(name, tuple(dict.fromkeys((*groups, *_implied_groups(name)))))


def _implied_groups(name: str) -> tuple[str, ...]:
    if name == ANONYMOUS:
        return (UNAUTHENTICATED,)
    account = service_account(name)
    if account:
        return (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{account[0]}", AUTHENTICATED)
    return (NODES, AUTHENTICATED) if name.startswith(NODE_PREFIX) else (AUTHENTICATED,)


def account_name(namespace: str, name: str) -> str:
    """Return the user name of a service account."""
    return f"{ACCOUNT_PREFIX}{namespace}:{name}"


def service_account(user: str) -> tuple[str, str] | None:
    """Return namespace and name of the service account that a user name stands for."""
    if not user.startswith(ACCOUNT_PREFIX):
        return None
    namespace, colon, name = user.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, name) if colon and is_subdomain(namespace) and is_subdomain(name) else None


def is_subdomain(name: str) -> bool:
    """Tell whether a name is a DNS subdomain (RFC 1123), as names of nodes and service accounts are."""
    return len(name) <= MAX_SUBDOMAIN_CHARS and bool(_SUBDOMAIN.match(name))
