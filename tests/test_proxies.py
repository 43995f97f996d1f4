"""The way out: which proxy is taken, and that each kind of it works."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from transom.model.errors import UsageError
from transom.proxies import Pools, pool_through, proxy_of_environment


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answering) as here:
        thread = threading.Thread(target=here.serve_forever, daemon=True)
        thread.start()
        yield here.server_port
        here.shutdown()
        thread.join()


def received(connection: socket.socket, count: int) -> bytes:
    held = b""
    while len(held) < count:
        held += connection.recv(count - len(held))
    return held


@contextmanager
def socks_proxy(target_port: int, asked: list[str]) -> Iterator[str]:
    """Serve one SOCKS 5 connection (RFC 1928), whatever name is asked for, to a port of this machine."""

    def serve() -> None:
        client, _ = listening.accept()
        with client, socket.create_connection(("127.0.0.1", target_port)) as target:
            received(client, received(client, 2)[1])
            client.sendall(b"\x05\x00")
            assert received(client, 4)[3] == 3  # a name, not an address: the proxy looks it up
            asked.append(received(client, received(client, 1)[0]).decode())
            received(client, 2)
            client.sendall(b"\x05\x00\x00\x01" + bytes(6))
            target.sendall(client.recv(65536))
            while part := target.recv(65536):
                client.sendall(part)
                if part.endswith(b"hello"):
                    break

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_given_the_name_and_reaches_it(scheme: str) -> None:
    asked: list[str] = []
    with server() as port, socks_proxy(port, asked) as address:
        pool = pool_through(f"{scheme}://{address}", retries=False)
        assert pool.request("GET", "http://cluster.example:8080/").data == b"hello"
        pool.clear()
    assert asked == ["cluster.example"]


def test_a_http_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with server() as port:
        monkeypatch.setenv("http_proxy", f"http://user:word@127.0.0.1:{port}")
        pools = Pools(retries=False)
        assert pools.of("http://registry.example/").request("GET", "http://registry.example/").data == b"hello"
        pools.close()


def test_hosts_of_no_proxy_and_this_machine_are_reached_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", ".corp.example")
    assert proxy_of_environment("https", "registry.example") == "http://proxy.example:3128"
    assert proxy_of_environment("https", "registry.corp.example") == ""
    assert proxy_of_environment("https", "127.0.0.1") == ""


def test_all_proxy_serves_schemes_that_have_none_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.setenv("all_proxy", "socks5://proxy.example:1080")
    assert proxy_of_environment("https", "registry.example") == "socks5://proxy.example:1080"


def test_a_proxy_of_another_kind_is_refused_without_showing_its_login() -> None:
    with pytest.raises(UsageError, match=r"ftp://proxy\.example is no address") as refused:
        pool_through("ftp://user:word@proxy.example")
    assert "word" not in str(refused.value)
