"""The way out to the network: straight, or through the proxy that a setting or the environment names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from transom.model.errors import UsageError

if TYPE_CHECKING:
    import urllib3

SOCKS = ("socks5", "socks5h")


class Pools:
    """Connections to any host, each by its own way. settings: of urllib3's pools, for all of them."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._pools: dict[str, urllib3.PoolManager] = {}

    def of(self, url: str) -> urllib3.PoolManager:
        """Return what reaches a URL; raises UsageError for a proxy that cannot be used."""
        parts = urlsplit(url)
        proxy = proxy_of_environment(parts.scheme, parts.hostname or "")
        if proxy not in self._pools:
            self._pools[proxy] = pool_through(proxy, **self._settings)
        return self._pools[proxy]

    def close(self) -> None:
        """End every connection."""
        for pool in self._pools.values():
            pool.clear()


def proxy_of_environment(scheme: str, host: str) -> str:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY choose, "" for none."""
    from urllib.request import getproxies, proxy_bypass

    if host in ("localhost", "::1") or host.startswith("127."):  # as Go does, whatever NO_PROXY says
        return ""
    proxies = getproxies()
    return "" if proxy_bypass(host) else proxies.get(scheme, proxies.get("all", ""))


def pool_through(proxy: str, **settings: Any) -> urllib3.PoolManager:
    """Return connections through a proxy (http, https, socks5, socks5h), "" for straight ones; raises UsageError."""
    import urllib3

    if not proxy:
        return urllib3.PoolManager(**settings)
    address = proxy if "://" in proxy else f"http://{proxy}"
    parts = urlsplit(address)
    if parts.scheme in SOCKS:
        from urllib3.contrib.socks import SOCKSProxyManager

        # as Go does and kubectl documents, the proxy looks up names for both schemes
        return SOCKSProxyManager(address.replace("socks5://", "socks5h://", 1), **settings)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("cannot use the proxy", f"{_shown(address)} is no address of one", "name http://HOST:PORT")
    login = None
    if parts.username:
        login = urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    host = parts.netloc.rpartition("@")[2]
    return urllib3.ProxyManager(f"{parts.scheme}://{host}", proxy_headers=login, **settings)


def _shown(address: str) -> str:
    """Return an address without the login in it."""
    scheme, separator, rest = address.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
