"""A transport that tests write: each request gets the next answer of a script, or what a function makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from transom.kube.client.client import Client
from transom.kube.client.credentials import Credential, Credentials
from transom.kube.client.kubeconfig import Cluster, Target, User
from transom.kube.client.transport import Request

NOBODY = User()


class Scripted:
    """An answer: status, body (bytes, or chunks, or something to say as JSON), headers; error: raised after the body."""

    def __init__(
        self, status: int, body: Any = b"", headers: Mapping[str, str] | None = None, error: Exception | None = None
    ) -> None:
        self.status = status
        self.headers = headers or {}
        self._chunks = body if isinstance(body, list) else [body if isinstance(body, bytes) else said(body)]
        self._error = error
        self.closed = False

    def chunks(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed = True


class Script:
    """A transport. answers: Scripted, or an exception to raise; what was asked is in `asked`."""

    def __init__(self, answers: Sequence[Scripted | Exception] | Callable[[Request], Scripted]) -> None:
        self._answers = answers if callable(answers) else iter(answers)
        self.asked: list[Request] = []
        self.identities: list[Credential] = []

    def send(self, request: Request) -> Scripted:
        self.asked.append(request)
        answer = self._answers(request) if callable(self._answers) else next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        pass

    def header(self, index: int, name: str) -> list[str]:
        return [value for key, value in self.asked[index].headers if key == name]

    def client(
        self, user: User = NOBODY, credentials: Credentials | None = None, pauses: list[float] | None = None
    ) -> Client:
        def connect(_: Cluster, credential: Credential) -> Script:
            self.identities.append(credential)
            return self

        target = Target("test", Cluster(server="https://cluster.example"), user)
        return Client(target, credentials, connect, sleep=(pauses if pauses is not None else []).append)


def said(value: Any) -> bytes:
    return json.dumps(value).encode()


def status(code: int, reason: str, message: str) -> Scripted:
    """What an API server says when it refuses."""
    return Scripted(
        code,
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code},
    )


def page(names: Sequence[str], token: str = "", version: str = "7") -> Scripted:
    """A page of a list of pods."""
    items = [{"metadata": {"name": name, "namespace": "shop"}, "spec": {}} for name in names]
    return Scripted(200, {"metadata": {"resourceVersion": version, "continue": token}, "items": items})
