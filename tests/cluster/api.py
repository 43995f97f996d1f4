"""A client for tests, as small as can be: JSON in and out over one connection, warnings included."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from queue import SimpleQueue
from threading import get_ident
from typing import Any

from msgspec import Struct

from transom.kube.kinds import kind_of
from transom.kube.scratch import ControlPlane


class Answer(Struct):
    """What the server said: its status, the decoded body, the texts of its warnings."""

    status: int
    body: dict[str, Any]
    warnings: list[str]

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class Api:
    """One user's connection to the API server."""

    def __init__(self, plane: ControlPlane, user: str = "", groups: tuple[str, ...] = ()) -> None:
        context = ssl.create_default_context(cadata=plane.authority.pem.decode())
        pair = plane.user(user, groups) if user else plane.user()
        file = plane.folder / f"{user or 'admin'}-{get_ident()}-connection.pem"
        file.write_bytes(pair.certificate + pair.key)
        context.load_cert_chain(file)
        self.plane = plane
        self._connection = http.client.HTTPSConnection("127.0.0.1", plane.port, timeout=60, context=context)

    def close(self) -> None:
        self._connection.close()

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Answer:
        raw = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
        response = self._response(method, path, raw, content_type)
        text = response.read()
        warnings = [_warning(header) for header in response.headers.get_all("Warning") or []]
        return Answer(response.status, json.loads(text) if text[:1] == b"{" else {"message": text.decode()}, warnings)

    def _response(self, method: str, path: str, raw: bytes | None, content_type: str) -> http.client.HTTPResponse:
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        try:
            self._connection.request(method, path, raw, headers)
            return self._connection.getresponse()
        except (http.client.HTTPException, OSError):
            self._connection.close()  # it was idle for too long, or the server hung up
            self._connection.request(method, path, raw, headers)
            return self._connection.getresponse()

    def create(self, thing: dict[str, Any], dry_run: bool = False, validation: str = "Ignore") -> Answer:
        """Create an object in its namespace; validation: Ignore, Warn or Strict, about unknown fields."""
        query = f"?fieldValidation={validation}" + ("&dryRun=All" if dry_run else "")
        return self.request("POST", collection(thing) + query, thing)

    def delete(self, thing: dict[str, Any]) -> Answer:
        return self.request("DELETE", f"{collection(thing)}/{thing['metadata']['name']}")

    def namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        made = self.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}}
        )
        assert made.status in (200, 201, 409), made.message


CONNECTIONS = 6  # a server on two cores answers no faster with more
Asked = Callable[[Api], Answer]


def collection(thing: dict[str, Any]) -> str:
    """Return the path that objects of a thing's kind are created at."""
    version = thing["apiVersion"]
    kind = kind_of(version, thing["kind"])
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    if not kind.namespaced:
        return f"{root}/{kind.plural}"
    return f"{root}/namespaces/{thing.get('metadata', {}).get('namespace') or 'default'}/{kind.plural}"


def _warning(header: str) -> str:
    """Return the text of a header like `299 - "text"` (RFC 7234, 5.5)."""
    text = header.partition('"')[2].rpartition('"')[0]
    return text.replace('\\"', '"').replace("\\\\", "\\")


def ask_all(plane: ControlPlane, asked: Iterable[Asked], user: str = "", groups: tuple[str, ...] = ()) -> list[Answer]:
    """Return the answers to many requests, in their order, asked over several connections at once."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(CONNECTIONS))
        idle: SimpleQueue[Api] = SimpleQueue()
        for _ in range(CONNECTIONS):
            idle.put(stack.enter_context(closing(Api(plane, user, groups))))

        def ask(one: Asked) -> Answer:
            api = idle.get()
            try:
                return one(api)
            finally:
                idle.put(api)

        return list(pool.map(ask, asked))
