"""Lists: all objects of a resource, page by page, whatever happens on the way.

Follows the API's chunking: pages by `limit` and `continue`; a continue token lives for some minutes, and when it has
expired (410) the list begins again, at last without pages. What was read before a list broke off is kept, and told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct, json

from transom.kube.client.client import JSON_TYPE, Client
from transom.kube.client.decoding import DECODE_ERRORS, Shape, shape_of
from transom.kube.client.discovery import Resource
from transom.kube.client.errors import ApiError, GoneError, unreadable
from transom.kube.client.transport import TooLargeError

PAGE = 500  # kubectl's own; 2.5 MB of pods
LIMITS = (PAGE, PAGE, 0)  # of each beginning: a list that expires twice while it is read is asked for in one piece


class Listing(Struct, frozen=True):
    """What a list brought. error: why it is not all; unreadable: how many objects could not be decoded.

    resource_version: of the list as a whole, where a watch goes on from; "" where the list is not whole.
    """

    objects: list[dict[str, Any]]
    resource_version: str = ""
    error: ApiError | None = None
    unreadable: int = 0


class Page(Struct, frozen=True):
    """Some objects of a list, decoded as far as the list's shape says; resource_version: the same on all its pages.

    unreadable: how many objects could not be decoded.
    """

    items: list[Any]
    resource_version: str
    token: str = ""
    unreadable: int = 0


class _ListMeta(Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


Item = TypeVar("Item")


class _List(Struct, Generic[Item], frozen=True):
    metadata: _ListMeta = _ListMeta()
    items: list[Item] | None = None


def list_all(
    client: Client,
    resource: Resource,
    namespace: str = "",
    query: Mapping[str, str] | None = None,
    shape: Shape | None = None,
    accept: str = JSON_TYPE,
) -> Listing:
    """Return the objects of a resource, of all namespaces or of one; never raises for what a cluster does.

    query: further parameters, such as labelSelector. shape: how objects are decoded.
    """
    shape = shape or shape_of(resource)
    listing = Listing([])
    for limit in LIMITS:
        read = pages(client, resource.path(namespace), limit, query, accept, shape.item)
        listing = _listed(resource, read, shape)
        if not isinstance(listing.error, GoneError):
            break
    return listing


def _listed(resource: Resource, read: Iterator[Page], shape: Shape) -> Listing:
    objects: list[dict[str, Any]] = []
    version, broken = "", 0
    try:
        for page in read:
            version = page.resource_version
            broken += page.unreadable
            for item in page.items:
                try:
                    objects.append(shape.make(item, resource))
                except DECODE_ERRORS:
                    broken += 1
    except ApiError as error:
        return Listing(objects, "", error, broken)
    return Listing(objects, version, None, broken)


def pages(
    client: Client,
    path: str,
    limit: int = PAGE,
    query: Mapping[str, str] | None = None,
    accept: str = JSON_TYPE,
    item: Any = Raw,
) -> Iterator[Page]:
    """Yield the pages of a list; raises ApiError, and GoneError where its continue token has expired.

    limit: objects a page, 0 for all in one; item: what each is decoded as. Pages that are too large to be held are asked
    for again, smaller.
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
        page = _page(body, path, item)
        yield page
        token = page.token
        if not token:
            return


def _page(body: bytes, path: str, item: Any) -> Page:
    """Decode a page in one go, or, where one of its objects cannot be decoded, object by object."""
    try:
        whole = _decoder(item).decode(body)
        return Page(whole.items or [], whole.metadata.resource_version, whole.metadata.continue_)
    except DECODE_ERRORS:
        pass
    try:
        raw = _decoder(Raw).decode(body)
    except DECODE_ERRORS as error:
        raise unreadable(f"cannot read the list {path}") from error
    found = []
    for each in raw.items or ():
        with suppress(*DECODE_ERRORS):
            found.append(json.decode(each, type=item))
    broken = len(raw.items or ()) - len(found)
    return Page(found, raw.metadata.resource_version, raw.metadata.continue_, broken)


@cache
def _decoder(item: Any) -> json.Decoder[_List[Any]]:
    return json.Decoder(_List[item])


def _too_large(path: str) -> ApiError:
    return ApiError(f"cannot read the list {path}", "an answer is larger than 64 MiB", "list fewer objects: add -n")
