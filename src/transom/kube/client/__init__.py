"""A client of a Kubernetes API server: kubeconfig, credentials, discovery, lists and watches.

    with connect(Access()) as client:
        served = discover(client)
        pods = list_all(client, served.find("", "Pod"))
        for event in watch(client, served.find("", "Pod"), pods.resource_version):
            ...

The network is reached through one seam, transport.Transport. Nothing here knows of inventories or rules.
"""

from transom.kube.client.client import Client, Version, connect
from transom.kube.client.discovery import Resource, Served, Stale, discover
from transom.kube.client.errors import (
    ApiError,
    ForbiddenError,
    GoneError,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
    UnreadableError,
)
from transom.kube.client.kubeconfig import Access
from transom.kube.client.lists import Listing, list_all
from transom.kube.client.watches import Event, watch

__all__ = [
    "Access",
    "ApiError",
    "Client",
    "Event",
    "ForbiddenError",
    "GoneError",
    "Listing",
    "NotFoundError",
    "Resource",
    "Served",
    "Stale",
    "UnauthorizedError",
    "UnreachableError",
    "UnreadableError",
    "Version",
    "connect",
    "discover",
    "list_all",
    "watch",
]
