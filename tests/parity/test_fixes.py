"""The API server makes of our bad examples what we make of them: each fix installed as a MutatingAdmissionPolicy."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.api import Api
from tests.parity import merging_table
from transom.inventory import Inventory, Origin
from transom.kube.kinds import kind_of
from transom.mending.overlay import strategic_patch
from transom.mending.steps import Making, propose
from transom.model.findings import Finding
from transom.rules.export import export_fixes, is_exported
from transom.rules.fixes import Fix, fixes_of
from transom.rules.judge import judge
from transom.rules.load import TESTS_SUFFIX, builtin_pack
from transom.rules.merging import TABLE
from transom.rules.select import select

NAMESPACE = "parity-fixes"
LABEL = "parity-fix"
SETTLED_S = 60.0  # the server compiles new policies in the background
EVERY = builtin_pack()
PACK = select(EVERY, profiles=["default"])
_EVERY_FIX, _ = fixes_of((*EVERY.policies, *EVERY.checks))
FIXES = {rule: fix for rule, fix in _EVERY_FIX.items() if is_exported(fix.policy)}


@pytest.fixture(scope="module")
def installed(api: Api) -> Iterator[None]:
    """Every fix in the server, each for objects with its label only; taken away again."""
    api.namespace(NAMESPACE)
    made = [each for fix in FIXES.values() for each in _objects(fix)]
    for each in made:
        answer = api.create(each, validation="Strict")
        assert answer.status in (201, 409), (each["metadata"]["name"], answer.message)
    _wait_until_settled(api)
    yield
    for each in made:
        api.delete(each)


def _objects(fix: Fix) -> Iterator[dict[str, Any]]:
    for each in export_fixes([fix]):
        if each["kind"] == "MutatingAdmissionPolicyBinding":
            each["spec"]["matchResources"] = {"objectSelector": {"matchLabels": {LABEL: fix.id}}}
        elif each["kind"] == "ConfigMap":
            yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": each["metadata"]["namespace"]}}
        yield each


def _wait_until_settled(api: Api) -> None:
    """Return when the last fixes of the alphabet have changed a pod three times running."""
    pod = _placed(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "a", "image": "x"}]}},
        "writable-root-filesystem",
    )
    settled, end = 0, time.monotonic() + SETTLED_S
    while settled < 3:
        assert time.monotonic() < end, "the server did not take up the policies"
        time.sleep(0.5)
        body = api.create(pod, dry_run=True).body
        settled = settled + 1 if "securityContext" in body["spec"]["containers"][0] else 0


def _placed(value: dict[str, Any], rule: str) -> dict[str, Any]:
    made = copy.deepcopy(value)
    metadata = made.setdefault("metadata", {})
    metadata.setdefault("name", "example")
    metadata.pop("namespace", None)
    metadata["labels"] = {**(metadata.get("labels") or {}), LABEL: rule}
    if kind_of(made["apiVersion"], made["kind"]).namespaced:
        metadata["namespace"] = NAMESPACE
    return made


def _bad_examples() -> Iterator[tuple[Fix, str, dict[str, Any]]]:
    for fix in FIXES.values():
        file = Path(fix.policy.file).with_name(fix.id + TESTS_SUFFIX)
        for example in yaml.safe_load(file.read_text(encoding="utf-8"))["bad"]:
            if not {"oldObject", "operation", "params", "userInfo", "namespace"} & example.keys():
                (made,) = example.get("objects") or [example["object"]]
                for shape, value in _shapes(made):
                    yield fix, f"{example['name']} as {shape}", _placed(value, fix.id)


def _shapes(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an example, and where it is a Pod the Deployment and the CronJob that would make it."""
    yield value["kind"], value
    if value["kind"] == "Pod":
        labels = {"app": "example"}
        metadata = value.get("metadata") or {}
        metadata = {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}
        template = {"metadata": metadata, "spec": value["spec"]}
        deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}}
        yield "Deployment", {**deployment, "spec": {"selector": {"matchLabels": labels}, "template": template}}
        cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {}}
        job = {"template": {**template, "spec": {**value["spec"], "restartPolicy": "Never"}}}
        yield "CronJob", {**cron, "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": job}}}


def _mended(fix: Fix, value: dict[str, Any]) -> dict[str, Any]:
    """Return what we make of an object, whose template is mended as a pod."""
    inventory = Inventory()
    entry = inventory.add(value, Origin("example"))
    making = Making(inventory, entry, PACK.policies, (), ())
    made: dict[str, Any] = making.mutated(fix)
    return made


def test_the_server_takes_every_fix_and_makes_of_bad_examples_what_we_make(installed: None, api: Api) -> None:
    asked, differences, tried = 0, [], set()
    for fix, name, value in _bad_examples():
        theirs = api.create(value, dry_run=True)
        if theirs.status >= 300:
            continue  # no API server takes the example, with any fix or none
        ours = _mended(fix, value)
        if ours == value:
            assert (fix.id, name.partition(" as ")[0]) in NOT_REACHED, (fix.id, name)
            continue
        accepted = api.create(ours, dry_run=True)  # its defaults filled in; the fix finds nothing left to do
        if accepted.status >= 300 or _without_moments(accepted.body) != _without_moments(theirs.body):
            differences.append((fix.id, name, accepted.message))
        asked += 1
        tried.add(fix.id)
    assert differences == []
    assert asked >= 150
    assert FIXES.keys() - tried <= NOT_SERVED


NOT_REACHED = {("retired-image-host", "an init container")}
"""Bad examples that no machine mends."""

NOT_SERVED = {
    *("gateway-routes-from-all", "istio-mtls-off", "removed-api-version"),  # kinds and versions that it does not know
    *("external-ips", "host-process", "mount-propagation"),  # examples that leave out what else it asks for
}
"""Fixes of which no bad example is an object that a server of today takes."""


def _without_moments(body: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: each for key, each in body["metadata"].items() if key not in ("uid", "creationTimestamp")}
    metadata.pop("managedFields", None)
    spec = body.get("spec")
    if isinstance(spec, dict) and "clusterIP" in spec:
        spec = {key: each for key, each in spec.items() if key not in ("clusterIP", "clusterIPs")}
    return {**body, "metadata": metadata, "spec": spec}


def test_the_table_of_merging_is_the_servers(api: Api) -> None:
    assert TABLE.read_text(encoding="utf-8") == merging_table.text(merging_table.table(api))


def test_a_strategic_merge_patch_makes_of_the_object_what_we_make(api: Api) -> None:
    """The patches of `transom fix --patch`, applied by the server to objects without any policy."""
    api.namespace(NAMESPACE)
    asked = 0
    for fix, name, value in _bad_examples():
        value["metadata"]["labels"].pop(LABEL)
        value["metadata"]["name"] = f"patched-{asked}"
        inventory = Inventory()
        entry = inventory.add(value, Origin("example"))
        found = [each for each in judge(inventory, PACK.policies, [entry]) if isinstance(each, Finding)]
        proposal, _ = propose(inventory, entry, found, (), FIXES, PACK.policies, safe_only=False)
        for shape, old, new in _deployment(value, proposal.value):
            created = api.create(old)
            if created.status >= 300:
                continue
            path = f"{_collection(old)}/{old['metadata']['name']}?dryRun=All"
            patch = strategic_patch(old, new, entry.ref.group if shape == "itself" else "apps", old["kind"])
            theirs = api.request("PATCH", path, patch, "application/strategic-merge-patch+json")
            api.delete(old)
            wanted = api.create(new, dry_run=True)
            assert theirs.status < 300, (fix.id, name, theirs.message)
            assert _without_moments(theirs.body)["spec"] == _without_moments(wanted.body)["spec"], (fix.id, name)
            asked += 1
    assert asked > 20


def _collection(value: dict[str, Any]) -> str:
    from tests.cluster.api import collection

    return collection(value)


def _deployment(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield what can be patched: pods cannot be changed once they are there, so they become Deployments."""
    if old["kind"] == "Service":
        yield "itself", old, new
    if old["kind"] == "Pod":
        made = []
        for pod in (old, new):
            labels = {"app": "patched"}
            template = {"metadata": {"labels": labels}, "spec": pod["spec"]}
            metadata = {"name": old["metadata"]["name"], "namespace": NAMESPACE}
            spec = {"selector": {"matchLabels": labels}, "template": template}
            made.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
        yield "Deployment", made[0], made[1]
