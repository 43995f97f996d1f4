"""A recorded stream of changes, replayed through followers, mailbox, inventory and verdicts; run in a process of its own.

python -m bench.watching CHANGES     prints what was digested as one line of JSON
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from transom.inventory import Inventory
from transom.inventory.live import LiveInventory, Step, follow
from transom.kube.client import Client, Event, Listing, Resource, list_all, watch
from transom.model.clusters import ClusterFacts
from transom.rules.load import builtin_pack
from transom.scan import ScanOptions
from transom.verdicts import Verdicts

DEPLOYMENTS, REPLICAS, SERVICES = 500, 10, 200
WAITING = 1_000  # changes that the mailbox holds: few, so that little of the stream is coalesced
KINDS = (
    Resource("apps", "v1", "Deployment", "deployments", True, ("list", "watch")),
    Resource("apps", "v1", "ReplicaSet", "replicasets", True, ("list", "watch")),
    Resource("", "v1", "Pod", "pods", True, ("list", "watch")),
    Resource("", "v1", "Service", "services", True, ("list", "watch")),
    Resource("", "v1", "Namespace", "namespaces", False, ("list", "watch")),
)
Thing = dict[str, Any]


class Recording:
    """A cluster's objects and the changes of them, as the bytes that an API server sends. The same each time."""

    def __init__(self, changes: int) -> None:
        self._random = random.Random(7)
        self._version = itertools.count(1_000)
        self._waiting: deque[Callable[[], tuple[str, str, Thing]]] = deque()  # what is left of a rollout
        self._specs: dict[int, Thing] = {}
        self._things: dict[str, dict[str, Thing]] = {kind.plural: {} for kind in KINDS}
        for number in range(40):
            self._put("namespaces", {"metadata": {"name": f"team-{number}"}})
        for number in range(DEPLOYMENTS):
            self._deploy(number)
        for number in range(SERVICES):
            spec = {"selector": {"app": f"app-{number}"}, "ports": [{"port": 80, "targetPort": 8080}]}
            self._put("services", {"metadata": self._named(f"app-{number}", number), "spec": spec})
        self.lists = {plural: self._list(list(things.values())) for plural, things in self._things.items()}
        self.streams: dict[str, list[bytes]] = {kind.plural: [] for kind in KINDS}
        for _ in range(changes):
            plural, change, thing = self._change()
            event = {"type": change, "object": thing}
            self.streams[plural].append(json.dumps(event).encode() + b"\n")
        self.changes = changes

    def _named(self, name: str, number: int) -> Thing:
        return {"name": name, "namespace": f"team-{number % 40}", "labels": {"app": f"app-{number}"}}

    def _put(self, plural: str, thing: Thing) -> Thing:
        thing["metadata"]["resourceVersion"] = str(next(self._version))
        self._things[plural][thing["metadata"]["name"]] = thing
        return thing

    def _list(self, items: list[Thing]) -> bytes:
        return json.dumps({"metadata": {"resourceVersion": str(next(self._version))}, "items": items}).encode()

    def _deploy(self, number: int) -> None:
        name = f"app-{number}"
        template = {"metadata": {"labels": {"app": name}}, "spec": self._spec(number)}
        spec = {"replicas": REPLICAS, "selector": {"matchLabels": {"app": name}}, "template": template}
        self._put("deployments", {"metadata": self._named(name, number), "spec": spec})
        metadata = self._named(f"{name}-1", number) | {"ownerReferences": [self._owner("Deployment", name)]}
        self._put("replicasets", {"metadata": metadata, "spec": spec})
        for replica in range(REPLICAS):
            self._put("pods", self._pod(number, f"{name}-1-{replica}"))

    def _pod(self, number: int, name: str) -> Thing:
        metadata = self._named(name, number) | {"ownerReferences": [self._owner("ReplicaSet", f"app-{number}-1")]}
        return {"metadata": metadata, "spec": self._spec(number), "status": {"phase": "Running", "conditions": []}}

    @staticmethod
    def _owner(kind: str, name: str) -> Thing:
        return {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True, "uid": "1"}

    def _spec(self, number: int) -> Thing:
        if number in self._specs:
            return self._specs[number]
        app = {
            "name": "app",
            "image": f"registry.example/team/app-{number}:1.{number}",
            "ports": [{"containerPort": 8080}],
            "env": [{"name": "LOG_LEVEL", "value": "info"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "securityContext": {"allowPrivilegeEscalation": number % 9 == 0, "privileged": number % 50 == 0},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
        }
        return {"serviceAccountName": "app", "containers": [app], "volumes": [{"name": "tmp", "emptyDir": {}}]}

    def _change(self) -> tuple[str, str, Thing]:
        """Return one change, of the kinds and in the shares in which clusters change: most are pods that report."""
        share = self._random.random()
        if self._waiting and share < 0.15:
            return self._waiting.popleft()()
        if share < 0.95:
            pod = self._next_of("pods")
            condition = {"type": "Ready", "status": "True", "lastTransitionTime": str(next(self._version))}
            status = {"phase": "Running", "conditions": [condition]}
            return "pods", "MODIFIED", self._put("pods", {**pod, "status": status})
        if share < 0.97:
            service = self._next_of("services")
            ports = [{"port": 80, "targetPort": 8080 + self._random.randrange(2)}]
            return (
                "services",
                "MODIFIED",
                self._put("services", {**service, "spec": {**service["spec"], "ports": ports}}),
            )
        if share < 0.99 or self._waiting:
            deployment = self._next_of("deployments")
            return "deployments", "MODIFIED", self._put("deployments", {**deployment, "status": {"replicas": REPLICAS}})
        return self._roll_out()

    def _roll_out(self) -> tuple[str, str, Thing]:
        """Change the template of a Deployment; its ReplicaSet and its pods follow, one after the other."""
        deployment = self._next_of("deployments")
        name = deployment["metadata"]["name"]
        number = int(name.removeprefix("app-"))
        spec = json.loads(json.dumps(deployment["spec"]))
        context = spec["template"]["spec"]["containers"][0]["securityContext"]
        context["privileged"] = not context["privileged"]
        self._specs[number] = spec["template"]["spec"]
        replicas = self._things["replicasets"].pop(f"{name}-1")
        self._waiting.append(lambda: ("replicasets", "MODIFIED", self._put("replicasets", {**replicas, "spec": spec})))
        for pod in [each for each in self._things["pods"].values() if each["metadata"]["labels"]["app"] == name]:
            self._waiting.append(
                lambda: ("pods", "ADDED", self._put("pods", self._pod(number, self._fresh_name(name))))
            )
            self._waiting.append(lambda pod=pod: ("pods", "DELETED", self._gone(pod)))
        return "deployments", "MODIFIED", self._put("deployments", {**deployment, "spec": spec})

    def _fresh_name(self, name: str) -> str:
        return f"{name}-1-{next(self._version)}"

    def _gone(self, pod: Thing) -> Thing:
        gone = self._things["pods"].pop(pod["metadata"]["name"])
        return {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(next(self._version))}}

    def _next_of(self, plural: str) -> Thing:
        """Return the thing that changed longest ago."""
        things = self._things[plural]
        name = next(iter(things))
        thing = things.pop(name)
        return {**thing, "metadata": dict(thing["metadata"])}


class _Reply:
    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self._lines), 50):
            yield b"".join(self._lines[start : start + 50])

    def close(self) -> None:
        """Nothing is open."""


class Replay:
    """The cluster of a recording; what it sends is read by the client's own code."""

    def __init__(self, recording: Recording) -> None:
        self.begun = threading.Event()  # by whoever has digested the lists
        self.ended = threading.Event()
        self._recording = recording
        self._left = len(KINDS)

    def resources(self) -> tuple[tuple[Resource, ...], tuple[()]]:
        return KINDS, ()

    def list(self, resource: Resource) -> Listing:
        return list_all(cast(Client, self), resource)

    def watch(self, resource: Resource, version: str) -> Iterator[Event]:
        if self._recording.streams[resource.plural] is None:
            time.sleep(3600)  # nothing more happens
        self.begun.wait()
        yield from watch(cast(Client, self), resource, version)
        self._recording.streams[resource.plural] = None  # type: ignore[assignment]
        self._left -= 1
        if not self._left:
            self.ended.set()

    def get(self, path: str, *_: object) -> bytes:
        return self._recording.lists[path.rpartition("/")[2]]

    def stream(self, path: str, *_: object) -> _Reply:
        return _Reply(self._recording.streams[path.rpartition("/")[2]])


def main(changes: int) -> None:
    """Replay and print what it took."""
    import resource as usage

    pack = builtin_pack((1, 36))
    options = ScanOptions(policies=pack.policies, checks=pack.checks)
    replay = Replay(Recording(changes))
    inventory = Inventory()
    inventory.clusters["cluster"] = ClusterFacts("cluster", "v1.36.0")
    live = LiveInventory(inventory, "cluster")
    verdicts = Verdicts(options, inventory)
    with follow(replay, WAITING) as followed:
        begun: list[Step] = []
        while followed.kinds is None or not live.synced(followed.kinds):
            begun += live.apply(followed.mailbox.take(1.0))
        verdicts.digest(begun)
        del begun
        replay.begun.set()
        before_s, peak = time.process_time(), usage.getrusage(usage.RUSAGE_SELF).ru_maxrss
        turns = digests = 0
        while not replay.ended.is_set() or len(followed.mailbox):
            turns += len(verdicts.digest(live.apply(followed.mailbox.take(0.2))))
            digests += 1
        cpu_s = time.process_time() - before_s
    after = usage.getrusage(usage.RUSAGE_SELF).ru_maxrss
    told = {
        "objects": len(inventory),
        "changes": changes,
        "cpu_s": round(cpu_s, 3),
        "changes_a_second": round(changes / cpu_s),
        "coalesced": followed.mailbox.coalesced,
        "digests": digests,
        "turns": turns,
        "peak_mb": round(after / 1024, 1),
        "grown_mb": round((after - peak) / 1024, 1),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]))
