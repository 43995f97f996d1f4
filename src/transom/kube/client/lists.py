"""Lists: all objects of a resource, page by page, whatever happens on the way.

Follows the API's chunking: pages by `limit` and `continue`; a continue token lives for some minutes, and when it has
expired (410) the list begins again, at last without pages. What was read before a list broke off is kept, and told so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct, json

from transom.kube.client.client import JSON_TYPE, Client
from transom.kube.client.decoding import DECODE_ERRORS, decoded
from transom.kube.client.discovery import Resource
from transom.kube.client.errors import ApiError, GoneError, unreadable
from transom.kube.client.transport import TooLargeError

PAGE = 500  # kubectl's own; 2.5 MB of pods
LIMITS = (PAGE, PAGE, 0)  # of each beginning: a list that expires twice while it is read is asked for in one piece

Decode = Callable[[Raw, Resource], dict[str, Any]]


class Listing(Struct, frozen=True):
    """What a list brought. error: why it is not all; unreadable: how many objects could not be decoded.

    resource_version: of the list as a whole, where a watch goes on from; "" where the list is not whole.
    """

    objects: list[dict[str, Any]]
    resource_version: str = ""
    error: ApiError | None = None
    unreadable: int = 0


class Page(Struct, frozen=True):
    """Some objects of a list, undecoded; resource_version: the same on all its pages."""

    items: list[Raw]
    resource_version: str


class _ListMeta(Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _List(Struct, frozen=True):
    metadata: _ListMeta = _ListMeta()
    items: list[Raw] | None = None


_decode_list = json.Decoder(_List).decode


def list_all(
    client: Client,
    resource: Resource,
    namespace: str = "",
    query: Mapping[str, str] | None = None,
    decode: Decode = decoded,
    accept: str = JSON_TYPE,
) -> Listing:
    """Return the objects of a resource, of all namespaces or of one; never raises for what a cluster does.

    query: further parameters, such as labelSelector. decode: makes the object that is kept.
    """
    listing = Listing([])
    for limit in LIMITS:
        listing = _listed(client, resource, pages(client, resource.path(namespace), limit, query, accept), decode)
        if not isinstance(listing.error, GoneError):
            break
    return listing


def _listed(client: Client, resource: Resource, read: Iterator[Page], decode: Decode) -> Listing:
    objects: list[dict[str, Any]] = []
    version, broken = "", 0
    try:
        for page in read:
            version = page.resource_version
            for item in page.items:
                try:
                    objects.append(decode(item, resource))
                except DECODE_ERRORS:
                    broken += 1
    except ApiError as error:
        return Listing(objects, "", error, broken)
    return Listing(objects, version, None, broken)


def pages(
    client: Client, path: str, limit: int = PAGE, query: Mapping[str, str] | None = None, accept: str = JSON_TYPE
) -> Iterator[Page]:
    """Yield the pages of a list; raises ApiError, and GoneError where its continue token has expired.

    limit: objects a page, 0 for all in one. Pages that are too large to be held are asked for again, smaller.
    """
    token = ""
    while True:
        asked = {**(query or {}), **({"limit": str(limit)} if limit else {}), **({"continue": token} if token else {})}
        try:
            body = client.get(path, asked, accept)
        except TooLargeError:
            if limit <= 1:
                raise _too_large(path) from None
            limit = max(1, limit // 8)
            continue
        try:
            answer = _decode_list(body)
        except DECODE_ERRORS as error:
            raise unreadable(f"cannot read the list {path}") from error
        yield Page(answer.items or [], answer.metadata.resource_version)
        token = answer.metadata.continue_
        if not token:
            return


def _too_large(path: str) -> ApiError:
    return ApiError(f"cannot read the list {path}", "an answer is larger than 64 MiB", "list fewer objects: add -n")
