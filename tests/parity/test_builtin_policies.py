"""What the API server says of an object with our own rules installed is what we say of the object as it stored it."""

from __future__ import annotations

import copy
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct

from tests.cluster.api import Answer, Api, ask_all
from tests.parity.figures import record
from tests.parity.manifests import placed, public_objects
from transom.inventory import Inventory, Origin
from transom.kube.scratch import ControlPlane
from transom.model.findings import Finding
from transom.rules.export import export
from transom.rules.judge import judge
from transom.rules.load import Pack, builtin_pack

NAMESPACE = "parity-policies"
NAME_LABEL = "kubernetes.io/metadata.name"
WARNING = re.compile(r"Validation failed for ValidatingAdmissionPolicy '([^']+)' with binding '[^']+': (.*)", re.S)
SETTLED_S = 60.0  # the server compiles new policies in the background

PARTS = 3
"""How many parts the rules are installed in: an API server cuts its warnings off at 4 KiB, about thirty of them."""

Verdict = set[tuple[str, str]]


def _namespace(part: int) -> str:
    return f"{NAMESPACE}-{part}"


@pytest.fixture(scope="module")
def packs(api: Api) -> Iterator[list[Pack]]:
    """Our rules in the server, warning only, each part in a namespace of its own; taken away again."""
    found = [Pack(builtin_pack().policies[part::PARTS]) for part in range(PARTS)]
    made = [each for part, pack in enumerate(found) for each in _installed(api, pack, _namespace(part))]
    _wait_until_settled(api, found)
    yield found
    for each in made:
        api.delete(each)


@pytest.fixture(params=range(PARTS))
def part(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def _installed(api: Api, pack: Pack, namespace: str) -> Iterator[dict[str, Any]]:
    api.namespace(namespace)
    for each in export(pack.policies, ("Warn",)):
        if each["kind"].endswith("Binding"):
            elsewhere = [other for part in range(PARTS) if (other := _namespace(part)) != namespace]
            selector = {"key": NAME_LABEL, "operator": "NotIn", "values": elsewhere}  # Namespaces are judged as well
            each["spec"]["matchResources"] = {"namespaceSelector": {"matchExpressions": [selector]}}
        answer = api.create(each, validation="Strict")
        if each["kind"] == "Namespace":  # of the parameters; nothing here would ever take it away again
            assert answer.status in (201, 409), answer.message
            continue
        assert answer.status == 201, (each["metadata"]["name"], answer.message)
        assert answer.warnings == [], (each["metadata"]["name"], answer.warnings)
        yield each


def _wait_until_settled(api: Api, packs: Sequence[Pack]) -> None:
    """Return when the server says of the worst pod what we say; it takes up new policies in the background."""
    container = {"name": "a", "image": "nginx", "securityContext": {"privileged": True}}
    worst = {"hostPID": True, "hostNetwork": True, "hostIPC": True, "containers": [container]}
    end = time.monotonic() + SETTLED_S
    for part, pack in enumerate(packs):
        while _difference(pack, api.create(_pod(worst, _namespace(part)), dry_run=True), ()) and time.monotonic() < end:
            time.sleep(1)
    time.sleep(1)


def _pod(spec: dict[str, Any], namespace: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "worst", "namespace": namespace}, "spec": spec}


def test_the_server_takes_every_rule_and_agrees_on_every_example(
    packs: list[Pack], control_plane: ControlPlane, part: int
) -> None:
    found = list(_examples(packs[part], _namespace(part)))
    left = Counter(example.left for example in found if example.left)
    things = [
        (example, thing)
        for example in found
        if not example.left
        for thing in (example.value, *_as_deployment(example.value))
    ]
    asked, differences = 0, []
    for (example, thing), answer in _answered(control_plane, things):
        if answer.status >= 300:  # an example of hostile types: the server refuses it before any policy sees it
            left["invalid by itself"] += 1
            continue
        asked += 1
        differences += _difference(packs[part], answer, (example.rule, example.name, thing["kind"]))
    record(f"built-in rules: examples, part {part + 1} of {PARTS}", asked, asked - len(differences), None, **left)
    assert differences == []
    assert asked > 200
    assert left.total() < asked


def test_the_server_agrees_on_public_manifests(
    packs: list[Pack], control_plane: ControlPlane, corpora: Path, part: int
) -> None:
    asked, differences = 0, []
    things = [(None, thing) for thing in public_objects(corpora, _namespace(part))]
    for (_, thing), answer in _answered(control_plane, things):
        if answer.status < 300:
            asked += 1
            differences += _difference(packs[part], answer, (thing["kind"], thing["metadata"].get("name")))
    record(f"built-in rules: public manifests, part {part + 1} of {PARTS}", asked, asked - len(differences))
    assert differences == []
    assert asked > 400


def _answered(
    plane: ControlPlane, things: Sequence[tuple[Any, dict[str, Any]]]
) -> Iterator[tuple[tuple[Any, dict[str, Any]], Answer]]:
    answers = ask_all(plane, [partial(Api.create, thing=thing, dry_run=True) for _, thing in things])
    return zip(things, answers, strict=True)


def _difference(pack: Pack, answer: Answer, where: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    known = {policy.id for policy in pack.policies}
    said = [found.groups() for text in answer.warnings if (found := WARNING.match(text))]
    theirs = {(rule, message) for rule, message in said if rule in known}
    ours = _ours(pack, answer.body)
    return [(where, sorted(ours - theirs), sorted(theirs - ours))] if theirs != ours else []


def _ours(pack: Pack, thing: dict[str, Any]) -> Verdict:
    inventory = Inventory()
    if home := thing["metadata"].get("namespace"):
        inventory.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home}}, Origin("test"))
    entry = inventory.add(thing, Origin("test"))
    findings = [found for found in judge(inventory, pack.policies, [entry]) if isinstance(found, Finding)]
    return {(found.rule, found.message) for found in findings}


OF_REQUESTS = {
    "params": "with parameters, asked elsewhere",  # test_rule_parameters.py
    "objects": "of several objects together",
    "dockerfile": "of Dockerfiles, which no server sees",
    **dict.fromkeys(("oldObject", "operation", "userInfo", "namespace"), "of other requests than creating it here"),
}
"""What an example may tell that cannot be put to the server by creating one object, and how that is counted."""


class Example(Struct, frozen=True):
    """One example of a rule; left: why it is not asked."""

    rule: str
    name: str
    value: dict[str, Any]
    left: str = ""


def _examples(pack: Pack, namespace: str) -> Iterator[Example]:
    for policy in pack.policies:
        file = Path(policy.file).with_name(f"{policy.id}.test.yaml")
        cases = yaml.safe_load(file.read_text())
        for case in (*cases.get("good", ()), *cases.get("bad", ())):
            left = next((why for field, why in OF_REQUESTS.items() if field in case), "")
            value = {} if left else placed(case["object"], namespace)
            yield Example(policy.id, case["name"], value, left)


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
        "metadata": {"name": "example", "namespace": pod["metadata"]["namespace"]},
        "spec": {"selector": {"matchLabels": labels}, "template": copy.deepcopy(template)},
    }
