"""Ref: which thing. The same after its lines moved, its pods rolled or its cluster was renamed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Scope = Literal["k8s", "image", "file", "host", "identity", "package"]


class Ref(Struct, frozen=True, cache_hash=True, order=True, omit_defaults=True):
    """Which thing, by name; never a line number and never a UID.

    scope: which of the fields below have a meaning. `k8s` uses all; every other scope uses `name` only
    (an image's repository, a file's path, a host's name).
    """

    scope: Scope = "k8s"
    cluster: str = ""
    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """Return the canonical text: `k8s:apps/Deployment/shop/web`, `k8s:Namespace//shop`, `file:deploy/web.yaml`."""
        if self.scope != "k8s":
            return f"{self.scope}:{self.name}"
        kind = f"{self.group}/{self.kind}" if self.group else self.kind
        where = f"{self.cluster}@" if self.cluster else ""
        return f"k8s:{where}{kind}/{self.namespace}/{self.name}"

    @property
    def short(self) -> str:
        """The name a person would use: `shop/Deployment/web`."""
        if self.scope != "k8s":
            return self.name
        return "/".join(part for part in (self.namespace, self.kind, self.name) if part)


def file_ref(path: str) -> Ref:
    """Return the Ref of a file, for what is known of no object in it."""
    return Ref(scope="file", name=path)


def image_ref(name: str) -> Ref:
    """Return the Ref of an image, whether it was inspected or only a bill of it is known."""
    return Ref(scope="image", group="transom.dev", kind="Image", name=name)
