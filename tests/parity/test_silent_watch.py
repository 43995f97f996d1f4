"""A real API server behind a line that goes dead without a word: what happened meanwhile is found all the same."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Api
from transom.inventory import Inventory
from transom.inventory.cluster import ClusterOptions
from transom.inventory.live import LiveInventory, follow
from transom.inventory.live.source import LiveCluster
from transom.kube.client import Access
from transom.kube.scratch import ControlPlane

PATIENCE_S = 60.0
NAMESPACE = "silent"


class Line:
    """Carries bytes to a port, until it is dead: then what it carries is lost, and nobody is told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._dead: set[socket.socket] = set()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def die(self) -> None:
        """Lose what the connections of this moment carry from now on; later ones are well."""
        self._dead.update(self._open)

    def close(self) -> None:
        self._listening.close()
        for each in self._open:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                return
            self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if source not in self._dead:
                    target.sendall(data)
            if source not in self._dead:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def line(control_plane: ControlPlane) -> Iterator[Line]:
    made = Line(control_plane.port)
    yield made
    made.close()


def test_what_happens_while_a_line_is_dead_is_found(
    control_plane: ControlPlane, api: Api, line: Line, tmp_path: Path
) -> None:
    api.namespace(NAMESPACE)
    config = json.loads(control_plane.kubeconfig().read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{line.port}"
    (tmp_path / "config").write_text(json.dumps(config))
    options = ClusterOptions(
        Access(kubeconfig=str(tmp_path / "config")), NAMESPACE, reads=lambda _, kind: kind == "ConfigMap"
    )
    cluster = LiveCluster(options, silence_s=3.0)
    live = LiveInventory(Inventory(), "cluster")
    with follow(cluster) as followed:

        def until(holds: Callable[[set[str]], bool]) -> None:
            end = time.monotonic() + PATIENCE_S
            while not holds({entry.ref.name for entry in live.inventory.of_kind("", "ConfigMap")}):
                assert time.monotonic() < end
                list(live.apply(followed.mailbox.take(0.1)))

        first, second = (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}}
            for name in ("first", "second")
        )
        assert api.create(first).status == 201
        until(lambda names: "first" in names)
        line.die()
        assert api.create(second).status == 201
        api.delete(first)
        until(lambda names: "second" in names and "first" not in names)
    cluster.close()
