"""Where a registry may send those who ask it: out to the internet, never into the network that they are in.

A name is looked up twice, for the check and for the connection, and whoever owns it may answer otherwise the second time. So
the connection itself is checked too, by the address at its other end, before anything is sent.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_within(host: str) -> bool:
    """Tell whether a host is of this machine or a private network, by all of its addresses."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        return False
    return any(not ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_global for each in found)


def outward(pool: urllib3.PoolManager) -> urllib3.PoolManager:
    """Return connections that reach nothing within; a proxy's are its own matter, and are left as they are."""
    if type(pool) is urllib3.PoolManager:
        pool.pool_classes_by_scheme = {"http": _OutwardPool, "https": _OutwardSecurePool}
    return pool


def _checked(connection: HTTPConnection, opened: Any) -> Any:
    peer = str(opened.getpeername()[0])
    if not ipaddress.ip_address(peer.partition("%")[0]).is_global:
        opened.close()
        raise NewConnectionError(connection, f"{peer} is an address of this network")
    return opened


class _OutwardConnection(HTTPConnection):
    def _new_conn(self) -> Any:
        return _checked(self, super()._new_conn())


class _OutwardSecureConnection(HTTPSConnection):
    def _new_conn(self) -> Any:
        return _checked(self, super()._new_conn())


class _OutwardPool(HTTPConnectionPool):
    ConnectionCls = _OutwardConnection


class _OutwardSecurePool(HTTPSConnectionPool):
    ConnectionCls = _OutwardSecureConnection
