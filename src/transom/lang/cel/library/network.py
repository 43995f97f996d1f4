"""Kubernetes' IP addresses and networks: no leading zeros, no zones, no IPv4 within IPv6."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse

MAX_ADDRESS_CHARS = 60
_PREFIX = re.compile(r"0\Z|[1-9][0-9]{0,2}\Z")


class Address:
    """An IP address."""

    __slots__ = ("address",)
    cel_type = "net.IP"

    def __init__(self, address: IPv4Address | IPv6Address) -> None:
        self.address = address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    def cel_text(self) -> str:
        """Return the canonical text."""
        return str(self.address)


class Network:
    """An address and the length of its prefix; bits behind the prefix are kept."""

    __slots__ = ("address", "prefix")
    cel_type = "net.CIDR"

    def __init__(self, address: IPv4Address | IPv6Address, prefix: int) -> None:
        self.address = address
        self.prefix = prefix

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Network) and (self.address, self.prefix) == (other.address, other.prefix)

    def __hash__(self) -> int:
        return hash((self.address, self.prefix))

    def cel_text(self) -> str:
        """Return the canonical text."""
        return f"{self.address}/{self.prefix}"

    def block(self) -> IPv4Network | IPv6Network:
        """Return the network without the bits behind the prefix."""
        return ip_network((self.address, self.prefix), strict=False)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    if len(text) > MAX_ADDRESS_CHARS or "%" in text or not text.isascii():
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = isinstance(address, IPv6Address) and address.ipv4_mapped is not None
    return None if mapped else address


def _network(text: str) -> Network | None:
    host, slash, prefix = text.partition("/")
    address = _address(host)
    if address is None or not slash or not _PREFIX.match(prefix) or int(prefix) > address.max_prefixlen:
        return None
    return Network(address, int(prefix))


def ip_(value: Any) -> Address:
    """Read an address, or return the address of a network."""
    if isinstance(value, Network):
        return Address(value.address)
    if not isinstance(value, str):
        raise refuse("ip", value)
    address = _address(value)
    if address is None:
        raise EvaluationError(f"{value[:80]!r} is no IP address")
    return Address(address)


def isIP_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text is an IP address."""
    if isinstance(value, str):
        return _address(value) is not None
    raise refuse("isIP", value)


def ip_isCanonical_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text is an address written the one canonical way; an error where it is no address."""
    return ip_(value).cel_text() == str(value)


def cidr_(value: Any) -> Network:
    """Read a network."""
    if not isinstance(value, str):
        raise refuse("cidr", value)
    network = _network(value)
    if network is None:
        raise EvaluationError(f"{value[:80]!r} is no network in CIDR notation")
    return network


def isCIDR_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text is a network."""
    if isinstance(value, str):
        return _network(value) is not None
    raise refuse("isCIDR", value)


def _ip(name: str, value: Any) -> IPv4Address | IPv6Address:
    if isinstance(value, Address):
        return value.address
    raise refuse(name, value)


def _cidr(name: str, value: Any) -> Network:
    if isinstance(value, Network):
        return value
    raise refuse(name, value)


def family_(value: Any) -> int:
    """Return 4 or 6."""
    return _ip("family", value).version


def isUnspecified_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether an address is all zeros."""
    return _ip("isUnspecified", value).is_unspecified


def isLoopback_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether an address is of the host itself."""
    return _ip("isLoopback", value).is_loopback


def isLinkLocalMulticast_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether an address is in 224.0.0.0/24 or is multicast of link-local scope."""
    address = _ip("isLinkLocalMulticast", value)
    if isinstance(address, IPv4Address):
        return address in IPv4Network("224.0.0.0/24")
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 0x02


def isLinkLocalUnicast_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether an address is in 169.254.0.0/16 or fe80::/10."""
    address = _ip("isLinkLocalUnicast", value)
    return address in (IPv4Network("169.254.0.0/16") if isinstance(address, IPv4Address) else IPv6Network("fe80::/10"))


def isGlobalUnicast_(value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether an address is of one host anywhere, private ranges included, as Go's netip has it."""
    address = _ip("isGlobalUnicast", value)
    if str(address) == "255.255.255.255":
        return False
    special = address.is_unspecified or address.is_loopback or address.is_multicast or isLinkLocalUnicast_(value)
    return not special


def containsIP_(network: Any, value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a network contains an address."""
    block = _cidr("containsIP", network).block()
    address = _ip("containsIP", ip_(value) if isinstance(value, str) else value)
    return address.version == block.version and address in block


def containsCIDR_(network: Any, value: Any) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a network contains all of another."""
    block = _cidr("containsCIDR", network).block()
    other = _cidr("containsCIDR", cidr_(value) if isinstance(value, str) else value)
    return other.address.version == block.version and other.prefix >= block.prefixlen and other.address in block


def masked_(network: Any) -> Network:
    """Return a network without the bits behind its prefix."""
    found = _cidr("masked", network)
    return Network(found.block().network_address, found.prefix)


def prefixLength_(network: Any) -> int:  # noqa: N802 - CEL's own name
    """Return the length of a network's prefix."""
    return _cidr("prefixLength", network).prefix
