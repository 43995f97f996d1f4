"""`transom watch` beside a real API server, through what happens to both."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api
from transom.kube.scratch import ControlPlane

PATIENCE_S = 60.0  # a busy machine; a passing test waits for none of it


def pod(name: str, namespace: str, privileged: bool = True) -> dict[str, Any]:
    container = {"name": "app", "image": "app:1", "securityContext": {"privileged": privileged}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [container]},
    }


class Watching:
    """A running `transom watch -o jsonl`."""

    def __init__(self, kubeconfig: Path, folder: Path, *words: str) -> None:
        self.lines = folder / "turns.jsonl"
        self.told = folder / "told.txt"
        command = [sys.executable, "-m", "transom", "watch", "-o", "jsonl", "--kubeconfig", str(kubeconfig), *words]
        environment = {**os.environ, "LC_ALL": "C"}
        with self.lines.open("wb") as lines, self.told.open("wb") as told:
            self.process = subprocess.Popen(command, stdout=lines, stderr=told, env=environment)

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert self.process.poll() is None, self.told.read_text()
            assert time.monotonic() < end, f"{what}\n{self.told.read_text()}\n{self.lines.read_text()[-3000:]}"
            time.sleep(0.1)

    def begun(self) -> None:
        self.wait(lambda: "are watched" in self.told.read_text(), "everything was read")

    def turns(self) -> list[tuple[str, str, str]]:
        records = [json.loads(line) for line in self.lines.read_text().splitlines() if line.endswith("}")]
        return [(each["state"], each["ref"]["name"] or each["ref"]["kind"], each["rule"]) for each in records]

    def saw(self, *turn: str) -> None:
        self.wait(lambda: turn in self.turns(), f"{turn} was told")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Callable[..., Watching]]:
    made: list[Watching] = []

    def start(kubeconfig: Path, *words: str) -> Watching:
        made.append(Watching(kubeconfig, tmp_path, *words))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()


def test_what_is_created_changed_and_deleted_is_told(
    control_plane: ControlPlane, api: Api, watching: Callable[..., Watching]
) -> None:
    api.namespace("watched")
    watch = watching(control_plane.kubeconfig(), "-n", "watched", "--rule", "privileged-container")
    watch.begun()
    thing = pod("web", "watched")
    assert api.create(thing).status == 201
    watch.saw("appeared", "web", "privileged-container")
    api.delete(thing)
    watch.saw("vanished", "web", "privileged-container")
    assert watch.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(control_plane: ControlPlane, watching: Callable[..., Watching], number: int) -> None:
    watch = watching(control_plane.kubeconfig())
    watch.begun()
    assert watch.end(number) == 0
    assert "Traceback" not in watch.told.read_text()


def test_a_kind_is_followed_from_its_definition_to_its_end(
    control_plane: ControlPlane, api: Api, watching: Callable[..., Watching], tmp_path: Path
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "odd.yaml").write_text(json.dumps(WIDGET_POLICY))
    watch = watching(control_plane.kubeconfig(), "--rules", str(tmp_path / "rules"), "--rule", "no-odd-widgets")
    watch.begun()
    assert api.create(WIDGETS).status == 201
    api.namespace("widgets")
    widget = {"apiVersion": "watch.example/v1", "kind": "Widget", "metadata": {"name": "one", "namespace": "widgets"}}
    watch.wait(lambda: api.create({**widget, "odd": True}).status in (201, 409), "the kind is served")
    watch.saw("appeared", "one", "no-odd-widgets")
    api.delete(WIDGETS)
    watch.saw("vanished", "one", "no-odd-widgets")
    assert watch.end() == 0


def test_a_refused_kind_is_skipped_until_it_is_granted(
    control_plane: ControlPlane, api: Api, watching: Callable[..., Watching]
) -> None:
    api.namespace("granted")
    watch = watching(control_plane.kubeconfig("nobody", ()), "-n", "granted", "--rule", "privileged-container")
    watch.wait(lambda: ("appeared", "*", "") in watch.turns(), "the refusal was told")
    assert "forbidden" in watch.lines.read_text()
    assert watch.end() == 0


@pytest.fixture
def own_plane(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    with ControlPlane(control_plane.binaries) as plane:
        yield plane


def test_killed_servers_and_compacted_histories_lose_nothing(
    own_plane: ControlPlane, watching: Callable[..., Watching]
) -> None:
    api = Api(own_plane)
    api.namespace("watched")
    assert api.create(pod("stays", "watched")).status == 201
    assert api.create(pod("goes", "watched")).status == 201
    watch = watching(own_plane.kubeconfig(), "--rule", "privileged-container", "--present")
    watch.begun()
    watch.saw("present", "goes", "privileged-container")

    own_plane.kill("kube-apiserver")
    own_plane.restart("kube-apiserver")
    api.close()
    api = Api(own_plane)
    api.delete(pod("goes", "watched"))
    watch.saw("vanished", "goes", "privileged-container")

    own_plane.kill("kube-apiserver")
    _delete_and_compact(own_plane, "/registry/pods/watched/stays")  # behind the back of every watch: 410
    own_plane.restart("kube-apiserver")
    watch.saw("vanished", "stays", "privileged-container")
    api.close()
    api = Api(own_plane)
    assert api.create(pod("new", "watched")).status == 201
    watch.saw("appeared", "new", "privileged-container")
    assert watch.end() == 0
    api.close()


def _delete_and_compact(plane: ControlPlane, key: str) -> None:
    """Delete an object in etcd itself, and forget all that happened before, through etcd's JSON gateway."""
    deleted = _etcd(plane, "kv/deleterange", {"key": base64.b64encode(key.encode()).decode()})
    assert deleted["deleted"] == "1"
    _etcd(plane, "kv/compaction", {"revision": deleted["header"]["revision"], "physical": True})


def _etcd(plane: ControlPlane, path: str, body: dict[str, Any]) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", plane.etcd_port, timeout=10)
    connection.request("POST", f"/v3/{path}", json.dumps(body))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    found = json.loads(answer.read())
    connection.close()
    return found


WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.watch.example"},
    "spec": {
        "group": "watch.example",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"odd": {"type": "boolean"}}}},
            }
        ],
    },
}
WIDGET_POLICY = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "no-odd-widgets"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["watch.example"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["widgets"],
                }
            ]
        },
        "validations": [{"expression": "!object.?odd.orValue(false)", "message": "the widget is odd"}],
    },
}
