"""Resources as people name them: plural, singular, kind, short name, with a group behind a dot; and what they are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

VERSION = "v1.36"  # whose defaults are shipped
FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content", "kubernetes")


class Resource(Struct, frozen=True):
    """A resource. group: "" for the core group; name: its plural, with `/subresource` where it is one; short: aliases."""

    group: str
    name: str
    kind: str = ""
    namespaced: bool = True
    singular: str = ""
    short: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """Its name with the group behind it, as kubectl writes it."""
        return f"{self.name}.{self.group}" if self.group else self.name


def shipped(name: str) -> Any:
    """Return what a fresh API server has by itself: `rbac`, its bootstrap policy, or `resources`, all that it serves."""
    with open(os.path.join(FOLDER, VERSION, f"{name}.json"), "rb") as stream:
        return msgspec.json.decode(stream.read())


class Resources:
    """The resources of a cluster: those that Kubernetes serves, and those that CustomResourceDefinitions add."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]] = ()) -> None:
        self.all: list[Resource] = msgspec.convert(shipped("resources"), list[Resource])
        for definition in definitions:
            self.all += _defined(definition)
        self._by_word: dict[str, list[Resource]] = {}
        for resource in self.all:
            if "/" not in resource.name:
                for word in {resource.name, resource.singular, resource.kind.lower(), *resource.short} - {""}:
                    self._by_word.setdefault(word, []).append(resource)
        self._by_name = {(each.group, each.name): each for each in self.all}

    def find(self, word: str) -> Resource | None:
        """Return the resource that a word names: `po`, `Pod`, `deploy.apps`, `deployments.v1.apps`; None for unknown ones.

        Of several groups that have one, the first that the API server tells wins, as with kubectl.
        """
        name, _, group = word.partition(".")
        candidates = self._by_word.get(name.lower(), [])
        for wanted in (group, group.partition(".")[2]) if group else (None,):  # a version may stand before the group
            for resource in candidates:
                if wanted is None or resource.group == wanted:
                    return resource
        return None

    def get(self, group: str, name: str) -> Resource | None:
        """Return the resource, or `resource/subresource`, of exactly this group and name."""
        return self._by_name.get((group, name))


def _defined(definition: Mapping[str, Any]) -> list[Resource]:
    """Return what a CustomResourceDefinition adds; nothing for a malformed one."""
    try:
        spec = msgspec.convert(definition.get("spec"), _Definition)
    except msgspec.ValidationError:
        return []
    names, verbs = spec.names, ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
    made = Resource(
        spec.group,
        names.plural,
        names.kind,
        spec.scope == "Namespaced",
        names.singular or names.kind.lower(),
        tuple(names.short_names or ()),
        verbs,
    )
    subresources = {name for version in spec.versions for name in version.subresources or ()}
    return [made, *(_subresource(made, name) for name in sorted(subresources))]


def _subresource(parent: Resource, name: str) -> Resource:
    return Resource(
        parent.group, f"{parent.name}/{name}", parent.kind, parent.namespaced, verbs=("get", "patch", "update")
    )


class _Names(Struct, rename="camel"):
    plural: str
    kind: str
    singular: str | None = None
    short_names: Sequence[str] | None = None


class _Version(Struct):
    subresources: dict[str, Any] | None = None


class _Definition(Struct):
    group: str
    names: _Names
    scope: str = "Namespaced"
    versions: Sequence[_Version] = ()
