"""The primitives of escalation, as their files write them."""

from __future__ import annotations

from functools import lru_cache
from os.path import dirname, join
from typing import Any

import msgspec
from msgspec import Struct

from transom.kube.authorizer.versions import LATEST, Version
from transom.kube.builder import build

FOLDER = join(dirname(dirname(dirname(__file__))), "content", "primitives")


class Need(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A part of a condition: a grant of one of the verbs on one of the resources.

    wildcard: all of everything, by stars; named: a right to some names gains those; any_name: such a right is enough;
    object: the right must hold for this name; cluster: it must hold for the whole cluster, as the resource does.
    """

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    wildcard: bool = False
    named: bool = False
    any_name: bool = False
    object: str = ""
    cluster: bool = False


class Primitive(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One right that is worth more than it says. any_of: one need is enough; else all are, in one namespace.

    gains: admin, namespace, users, accounts, secrets, workloads, pods, node, or account with its name in `account`.
    streams: before 1.35 `get` was enough.
    since: the version from which there is such a right. where: the ConfigMap of kube-system without which it means nothing.
    bound: the ClusterRole that must be bound to those who come with a join token. aggregated: it needs an aggregated role
    of one's own, too, and gains what that may be made to allow.
    """

    id: str
    title: str
    title_zh: str
    gains: str
    needs: tuple[Need, ...]
    everywhere: bool = False
    names: str = ""
    any_of: bool = False
    account: str = ""
    in_namespace: str = ""
    where: str = ""
    bound: str = ""
    aggregated: bool = False
    streams: bool = False
    since: str = ""
    mitre: tuple[str, ...] = ()


class Way(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """How Kubernetes leads from one thing to the next."""

    id: str
    title: str
    title_zh: str


class _Primitives(Struct, forbid_unknown_fields=True):
    primitives: tuple[Primitive, ...]


class _Ways(Struct, forbid_unknown_fields=True):
    ways: tuple[Way, ...]


def primitives(version: Version = LATEST) -> tuple[Primitive, ...]:
    """Return the primitives of a version, the strongest first."""
    return tuple(each for each in _all() if not each.since or _version(each.since) <= version)


@lru_cache(maxsize=1)
def _all() -> tuple[Primitive, ...]:
    found: _Primitives = _read("rights.yaml", _Primitives)
    return found.primitives


def _version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


@lru_cache(maxsize=1)
def titles() -> dict[str, dict[str, str]]:
    """Return what each primitive and way is called, by id and language."""
    named: tuple[Primitive | Way, ...] = (*_all(), *_read("ways.yaml", _Ways).ways)
    return {each.id: {"en": each.title, "zh-CN": each.title_zh} for each in named}


def _read(name: str, kind: Any) -> Any:
    with open(join(FOLDER, name), "rb") as stream:
        return msgspec.convert(build(stream.read()).value, kind)
