"""A whole cluster followed, while its server breaks, falls silent and changes what it serves."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from transom.inventory import Inventory
from transom.inventory.cluster import ClusterOptions
from transom.inventory.live import Followed, LiveInventory, follow
from transom.inventory.live.source import LiveCluster
from transom.kube.client import Access

PATIENCE_S = 30.0


class FaultServer(ThreadingHTTPServer):
    """An API server of pods and widgets; tests set what it has, and what it does wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Condition()
        self.version = 10
        self.pods: dict[str, dict[str, Any]] = {}
        self.events: list[tuple[int, dict[str, Any]]] = []
        self.compacted = 0
        self.kinds = ["Pod"]
        self.refuses: set[str] = set()
        self.silent = False
        self.lists = 0

    def put(self, name: str, told: bool = True, **spec: Any) -> None:
        self._change("MODIFIED" if name in self.pods else "ADDED", name, told, spec)

    def delete(self, name: str, told: bool = True) -> None:
        self._change("DELETED", name, told, {})

    def _change(self, change: str, name: str, told: bool, spec: dict[str, Any]) -> None:
        with self.lock:
            self.version += 1
            metadata = {"name": name, "namespace": "shop", "resourceVersion": str(self.version)}
            thing = {"metadata": metadata, "spec": spec}
            if change == "DELETED":
                del self.pods[name]
            else:
                self.pods[name] = thing
            if told:
                self.events.append((self.version, {"type": change, "object": thing}))
            self.lock.notify_all()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    server: FaultServer

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        answer = {"/version": {"gitVersion": "v1.36.0"}, "/api": self._discovery(), "/apis": GROUPS}.get(path)
        plural = path.rpartition("/")[2]
        if answer is not None:
            self._answer(200, answer)
        elif plural in self.server.refuses:
            self._answer(403, {"kind": "Status", "code": 403, "message": f"{plural} is forbidden"})
        elif f"{plural[:-1]}".title() not in self.server.kinds:
            self._answer(404, {"kind": "Status", "code": 404, "message": "not served"})
        elif "watch=1" in query:
            self._watch(int(query.partition("resourceVersion=")[2].partition("&")[0]))
        else:
            self.server.lists += 1
            items = list(self.server.pods.values()) if plural == "pods" else []
            self._answer(200, {"metadata": {"resourceVersion": str(self.server.version)}, "items": items})

    def _discovery(self) -> dict[str, Any]:
        resources = [
            {
                "resource": f"{kind.lower()}s",
                "scope": "Namespaced",
                "verbs": ["list", "watch"],
                "responseKind": {"group": "", "version": "v1", "kind": kind},
            }
            for kind in self.server.kinds
        ]
        group = {"metadata": {"name": ""}, "versions": [{"version": "v1", "resources": resources}]}
        return {**GROUPS, "items": [group]}

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def _watch(self, version: int) -> None:
        server = self.server
        self.send_response(200)
        self.end_headers()
        if version < server.compacted:
            status = {"kind": "Status", "code": 410, "message": "too old resource version"}
            self.wfile.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
            return
        began = len(server.events)
        sent = next((index for index, (number, _) in enumerate(server.events) if number > version), began)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with server.lock:
                if server.silent or len(server.events) == sent:
                    server.lock.wait(0.2)
                    continue
                events, sent = server.events[sent:], len(server.events)
            for _, event in events:
                self.wfile.write(json.dumps(event).encode() + b"\n")
                self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


GROUPS: dict[str, Any] = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": []}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    made = FaultServer()
    thread = threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def live(server: FaultServer, tmp_path: Path) -> Iterator[Live]:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{server.server_address[1]}"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {}}],
        "current-context": "a",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    access = Access(kubeconfig=str(tmp_path / "config"))
    cluster = LiveCluster(ClusterOptions(access), silence_s=1.0)
    with follow(cluster) as followed:
        yield Live(LiveInventory(Inventory(), "cluster"), followed)
    cluster.close()


class Live:
    """A live inventory of the server."""

    def __init__(self, kept: LiveInventory, followed: Followed) -> None:
        self.kept = kept
        self._followed = followed

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, (self.names(), self.kept.skipped)
            list(self.kept.apply(self._followed.mailbox.take(0.1)))

    def names(self) -> str:
        return "".join(sorted(entry.ref.name for entry in self.kept.inventory.entries()))

    def has(self, names: str) -> None:
        self.until(lambda: self.names() == names)


def test_what_happens_is_there_a_moment_later(server: FaultServer, live: Live) -> None:
    server.put("a")
    live.has("a")
    server.put("b")
    server.delete("a")
    live.has("b")


def test_a_watch_that_falls_silent_is_begun_again(server: FaultServer, live: Live) -> None:
    server.put("a")
    live.has("a")
    server.silent = True
    server.put("b")
    time.sleep(1.5)  # longer than a watch may be silent
    server.silent = False
    live.has("ab")


def test_a_compacted_history_is_listed_again(server: FaultServer, live: Live) -> None:
    server.put("a")
    server.put("c")
    live.has("ac")
    before = server.lists
    server.delete("a", told=False)
    server.put("b", told=False)
    server.compacted = server.version
    live.has("bc")
    assert server.lists > before


def test_what_is_refused_is_told_and_the_rest_is_followed(server: FaultServer, live: Live) -> None:
    server.refuses.add("widgets")
    server.kinds.append("Widget")
    server.put("a")
    live.has("a")
    live.until(lambda: any("widgets is forbidden" in skip.reason for skip in live.kept.skipped))


def test_a_kind_that_is_no_longer_served_takes_its_objects_along(server: FaultServer, live: Live) -> None:
    server.put("a")
    live.has("a")
    server.kinds.remove("Pod")
    live.has("")
