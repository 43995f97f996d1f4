"""Registries of private authorities are trusted where the machine's settings say so, and only those."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from transom.kube.scratch.certificates import Authority
from transom.model.errors import TransomError
from transom.model.images import parse_image
from transom.registry import client as module
from transom.registry import trust
from transom.registry.client import RegistryClient
from transom.registry.credentials import Login
from transom.registry.trust import context_of

AUTHORITY = Authority()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(trust, "FOLDERS", (f"{tmp_path}/certs.d",))
    monkeypatch.setattr(module, "PAUSES_S", ())
    return tmp_path / "certs.d"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server that asks for a client certificate of the same authority."""
    pair = AUTHORITY.server("registry", ["127.0.0.1"])
    for name, content in (("s.crt", pair.certificate), ("s.key", pair.key), ("ca.crt", AUTHORITY.pem)):
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "s.crt", tmp_path / "s.key")
    context.load_verify_locations(tmp_path / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    made = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    made.handle_error = lambda *_: None  # type: ignore[method-assign]
    made.socket = context.wrap_socket(made.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


def trusted(folders: Path, host: str, authority: Authority = AUTHORITY, user: bool = True) -> None:
    folder = folders / host
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(authority.pem)
    if user:
        pair = AUTHORITY.user("me")
        (folder / "client.cert").write_bytes(pair.certificate)
        (folder / "client.key").write_bytes(pair.key)


def size(host: str) -> int:
    client = RegistryClient(parse_image(f"{host}/a/b:1"), Login())
    try:
        return client.manifest().size
    finally:
        client.close()


def test_a_registry_of_a_private_authority_is_asked_with_the_certificate_for_it(server: str, folders: Path) -> None:
    trusted(folders, server)
    assert size(server) == 2


@pytest.mark.parametrize("wrong", ["authority", "no certificate"])
def test_one_that_is_not_trusted_or_does_not_trust_is_told(server: str, folders: Path, wrong: str) -> None:
    trusted(folders, server, Authority() if wrong == "authority" else AUTHORITY, wrong != "no certificate")
    with pytest.raises(TransomError, match="cannot reach"):
        size(server)


def test_nothing_is_changed_where_nothing_is_told(folders: Path) -> None:
    assert context_of("registry.example") is None


@pytest.mark.parametrize("host", ["..", "../certs.d/a", "a/../b", "", ".", "a\nb"])
def test_a_host_that_is_none_leads_nowhere(folders: Path, host: str) -> None:
    trusted(folders, "a")
    assert context_of(host) is None


def test_a_certificate_that_is_broken_is_told_with_its_file(folders: Path) -> None:
    trusted(folders, "registry.example")
    (folders / "registry.example" / "ca.crt").write_text("rubbish")
    with pytest.raises(TransomError, match=r"ca\.crt"):
        context_of("registry.example")
