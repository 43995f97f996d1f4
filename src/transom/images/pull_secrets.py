"""Logins of pull secrets, for images that run in a cluster: read only where a person asks for it, and never told.

Which Secrets a pod pulls with stands in the pod, where the API server has put its service account's; each is read by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import msgspec

from transom.inventory import Entry, Inventory
from transom.inventory.cluster import ClusterOptions, client_of
from transom.kube.client import ApiError, Client, ForbiddenError, NotFoundError
from transom.kube.client.decoding import DECODE_ERRORS
from transom.kube.reading import maps_at, text_at
from transom.model.errors import TransomError
from transom.model.findings import Skipped
from transom.model.images import ImageError, parse_image
from transom.model.refs import Ref
from transom.registry.credentials import Login
from transom.registry.keyring import Keyring, keyring_of, logins_for

MAX_SECRETS = 1_000  # that are read in one scan; most clusters pull with some ten
DEFAULT_ACCOUNT = "default"
Name = tuple[str, str]
"""Namespace and name of a Secret."""


def secrets_of(pod: Entry, inventory: Inventory, target: str) -> Iterator[Name]:
    """Yield the Secrets that a pod is pulled with: its own, else those of its service account."""
    namespace = pod.ref.namespace
    own = [text_at(each, "name") for _, each in maps_at(pod.object, "spec", "imagePullSecrets")]
    if not any(own):
        name = text_at(pod.object, "spec", "serviceAccountName") or DEFAULT_ACCOUNT
        account = inventory.get(target, Ref(kind="ServiceAccount", namespace=namespace, name=name))
        own = [text_at(each, "name") for _, each in maps_at(account.object, "imagePullSecrets")] if account else []
    yield from ((namespace, name) for name in own if name)


class PullSecrets:
    """The logins of Secrets, each Secret read once. target: a live cluster."""

    def __init__(self, target: str, options: ClusterOptions) -> None:
        self._target = target
        self._options = options
        self._keyrings: dict[Name, Keyring] = {}

    def read(self, names: Iterable[Name]) -> Iterator[Skipped]:
        """Read Secrets; yield those that could not be."""
        wanted = sorted(set(names))
        for namespace, name in wanted[MAX_SECRETS:]:
            yield Skipped(
                _ref(namespace, name), f"more than {MAX_SECRETS:,} pull secrets are asked for", "scan one namespace: -n"
            )
        try:
            with client_of(self._target, self._options) as client:
                for each in wanted[:MAX_SECRETS]:
                    yield from self._read(client, each)
        except TransomError as error:
            yield Skipped(Ref(kind="Secret", name="*"), f"{error.what}: {error.why}", error.next_step)

    def _read(self, client: Client, name: Name) -> Iterator[Skipped]:
        ref = _ref(*name)
        try:
            self._keyrings[name] = keyring_of(_secret(client, name))
        except NotFoundError:
            return  # the kubelet goes on without it, too
        except ForbiddenError:
            reason = "reading it is refused: it needs the permission to get secrets in this namespace"
            yield Skipped(ref, reason, "bind the role that `transom permissions scan --pull-secrets` prints")
        except ApiError as error:
            yield Skipped(ref, f"it cannot be read: {error.why}", error.next_step)
        except ValueError as error:
            yield Skipped(ref, f"it cannot be used: {error}", "make it anew: kubectl create secret docker-registry")

    def logins(self, image: str, names: Iterable[Name]) -> tuple[Login, ...]:
        """Return the logins of some Secrets that fit an image, the likeliest first."""
        keyring = Keyring()
        for name in sorted(set(names)):
            keyring = keyring.joined(self._keyrings.get(name, Keyring()))
        with suppress(ImageError):
            return logins_for(parse_image(image), keyring)
        return ()


def _secret(client: Client, name: Name) -> dict[str, Any]:
    """Return a Secret with its values; raises ApiError, ValueError."""
    namespace, own = name
    try:
        return msgspec.json.decode(client.get(f"/api/v1/namespaces/{namespace}/secrets/{own}"), type=dict[str, Any])
    except DECODE_ERRORS:
        raise ValueError("the API server's answer cannot be decoded") from None


def _ref(namespace: str, name: str) -> Ref:
    return Ref(kind="Secret", namespace=namespace, name=name)
