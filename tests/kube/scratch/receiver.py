"""A web service that a scratch cluster calls: it keeps what it was sent, and answers as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from transom.kube.scratch.certificates import Authority

Reply = Callable[[dict[str, Any]], dict[str, Any]]


@contextmanager
def receiver(folder: Path, authority: Authority, reply: Reply) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the address of a running service, and the list that what it receives is put into."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(body)
            answer = json.dumps(reply(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    pair = authority.server("receiver", ("127.0.0.1",))
    (folder / "receiver.pem").write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "receiver.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}/", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig_of(url: str, authority: Authority) -> dict[str, Any]:
    """Return what a part of the cluster is told of the service."""
    import base64

    ca = base64.b64encode(authority.pem).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "receiver", "cluster": {"server": url, "certificate-authority-data": ca}}],
        "users": [{"name": "apiserver", "user": {}}],
        "contexts": [{"name": "receiver", "context": {"cluster": "receiver", "user": "apiserver"}}],
        "current-context": "receiver",
    }
