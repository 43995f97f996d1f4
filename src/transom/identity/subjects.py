"""Who is meant: `alice`, `group:devs`, `sa:shop/web`, `node:worker-1`, or a user name as the API server knows it."""

from __future__ import annotations

from transom.kube.authorizer import BoundSubject, User, implied
from transom.kube.authorizer.questions import (
    AUTHENTICATED,
    NODE_PREFIX,
    UNAUTHENTICATED,
    account_name,
    service_account,
)
from transom.model.errors import UsageError

ACCOUNTS = ("sa", "serviceaccount")
HOW = "write it like alice, group:devs, sa:shop/web or node:worker-1"


def parse_subject(text: str, groups: tuple[str, ...] = ()) -> User:
    """Return who is meant, with the groups that Kubernetes gives by itself; raises UsageError.

    groups: further ones, as an identity provider would tell them.
    """
    kind, colon, name = text.partition(":")
    kind = kind.lower()
    if not text or (colon and not name):
        raise UsageError(f"{text!r} names nobody", "", HOW)
    if colon and kind in ACCOUNTS:
        namespace, slash, account = name.partition("/")
        if not slash or not service_account(account_name(namespace, account)):
            raise UsageError(f"{text!r} is no service account", "", "write it like sa:shop/web")
        return implied(account_name(namespace, account), groups)
    if colon and kind == "group":
        own = () if name == UNAUTHENTICATED else (AUTHENTICATED,)
        return User("", tuple(dict.fromkeys((name, *groups, *own))))
    if colon and kind == "node":
        return implied(NODE_PREFIX + name, groups)
    return implied(name if colon and kind == "user" else text, groups)


def user_of(subject: BoundSubject) -> User:
    """Return a binding's subject as somebody who asks."""
    if subject.kind != "Group":
        return implied(subject.user)
    own = () if subject.name == UNAUTHENTICATED else (AUTHENTICATED,)
    return User("", tuple(dict.fromkeys((subject.name, *own))))


def told(user: User) -> str:
    """Return who somebody is, as a person would write it."""
    account = service_account(user.name)
    if account:
        return f"ServiceAccount {'/'.join(account)}"
    return f"User {user.name}" if user.name else f"Group {user.groups[0]}"
