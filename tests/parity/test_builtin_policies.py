"""What the API server says of an object with our own rules installed is what we say of the object as it stored it."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.api import Api
from transom.inventory import Inventory, Origin
from transom.inventory.sources import fill
from transom.kube.kinds import is_built_in, kind_of
from transom.model.findings import Finding
from transom.rules.export import export
from transom.rules.judge import judge
from transom.rules.load import Pack, builtin_pack

NAMESPACE = "parity-policies"
WARNING = re.compile(r"Validation failed for ValidatingAdmissionPolicy '([^']+)' with binding '[^']+': (.*)", re.S)
SETTLED_S = 60.0  # the server compiles new policies in the background

PARTS = 3
"""How many parts the rules are installed in: an API server cuts its warnings off at 4 KiB, about thirty of them."""

Verdict = set[tuple[str, str]]


@pytest.fixture(scope="module", params=range(PARTS))
def pack(request: pytest.FixtureRequest) -> Pack:
    return Pack(builtin_pack().policies[request.param :: PARTS])


@pytest.fixture(scope="module")
def installed(api: Api, pack: Pack) -> Iterator[Pack]:
    """Our rules in the server, warning only; taken away again, because they hold for every namespace."""
    api.namespace(NAMESPACE)
    made = []
    for each in export(pack.policies, ("Warn",)):
        answer = api.create(each, validation="Strict")
        if each["kind"] == "Namespace":  # of the parameters; nothing here would ever take it away again
            assert answer.status in (201, 409), answer.message
            continue
        assert answer.status == 201, (each["metadata"]["name"], answer.message)
        assert answer.warnings == [], (each["metadata"]["name"], answer.warnings)
        made.append(each)
    _wait_until_settled(api)
    yield pack
    for each in made:
        api.delete(each)


def _wait_until_settled(api: Api) -> None:
    """Return when the server warns of the worst pod in the same words three times running."""
    container = {"name": "a", "image": "nginx", "securityContext": {"privileged": True}}
    worst = _pod({"hostPID": True, "hostNetwork": True, "hostIPC": True, "containers": [container]})
    before: list[str] = []
    same, end = 0, time.monotonic() + SETTLED_S
    while same < 3:
        assert time.monotonic() < end, "the server did not take up the policies"
        time.sleep(1)
        now = sorted(api.create(worst, dry_run=True).warnings)
        same = same + 1 if now and now == before else 0
        before = now


def _pod(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worst", "namespace": NAMESPACE}, "spec": spec}


def test_the_server_takes_every_rule_and_agrees_on_every_example(installed: Pack, api: Api) -> None:
    asked, invalid, differences = 0, 0, []
    for rule, name, thing in _examples(installed):
        for each in (thing, *_as_deployment(thing)):
            answer = api.create(each, dry_run=True)
            if answer.status >= 300:  # an example of hostile types: the server refuses it before any policy sees it
                invalid += 1
                continue
            asked += 1
            theirs = {found.groups() for text in answer.warnings if (found := WARNING.match(text))}
            ours = _ours(installed, answer.body)
            if theirs != ours:
                differences.append((rule, name, each["kind"], sorted(ours - theirs), sorted(theirs - ours)))
    assert differences == []
    assert asked > 200
    assert invalid < asked / 2


def test_the_server_agrees_on_public_manifests(installed: Pack, api: Api, corpora: Path) -> None:
    asked, differences = 0, []
    for folder in ("kubernetes-goat", "microservices-demo", "kubernetes-examples", "netpol-recipes"):
        for thing in _objects(corpora / folder):
            answer = api.create(thing, dry_run=True)
            if answer.status >= 300:
                continue
            asked += 1
            theirs = {found.groups() for text in answer.warnings if (found := WARNING.match(text))}
            ours = _ours(installed, answer.body)
            if theirs != ours:
                name = thing["metadata"].get("name")
                differences.append((folder, thing["kind"], name, sorted(ours - theirs), sorted(theirs - ours)))
    assert differences == []
    assert asked > 400


def _ours(pack: Pack, thing: dict[str, Any]) -> Verdict:
    inventory = Inventory()
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    inventory.add(namespace, Origin("test"))
    entry = inventory.add(thing, Origin("test"))
    findings = [found for found in judge(inventory, pack.policies, [entry]) if isinstance(found, Finding)]
    return {(found.rule, found.message) for found in findings}


def _examples(pack: Pack) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for policy in pack.policies:
        file = Path(policy.file).with_name(f"{policy.id}.test.yaml")
        cases = yaml.safe_load(file.read_text())
        for case in (*cases.get("good", ()), *cases.get("bad", ())):
            if not {"oldObject", "operation", "params", "userInfo", "namespace"} & set(case):
                yield file.name.removesuffix(".test.yaml"), case["name"], _placed(case["object"])


def _placed(thing: dict[str, Any]) -> dict[str, Any]:
    """Return an object with a name, and in the test's namespace if it is in one at all."""
    made = copy.deepcopy(thing)
    metadata = made.setdefault("metadata", {})
    metadata.setdefault("name", "example")
    metadata.pop("namespace", None)
    if kind_of(made["apiVersion"], made["kind"]).namespaced:
        metadata["namespace"] = NAMESPACE
    return made


def _as_deployment(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the Deployment that would make a pod."""
    if pod["kind"] != "Pod":
        return
    labels = {"app": "example"}
    metadata = {key: value for key, value in pod["metadata"].items() if key == "annotations"}
    template = {
        "metadata": {**metadata, "labels": {**(pod["metadata"].get("labels") or {}), **labels}},
        "spec": pod["spec"],
    }
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "example", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": copy.deepcopy(template)},
    }


def _objects(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of kinds that the server has by itself."""
    inventory = Inventory()
    list(fill(inventory, str(folder)))
    for entry in inventory.entries():
        if is_built_in(entry.ref.group, entry.ref.kind):
            yield _placed(entry.object)
