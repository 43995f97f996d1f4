"""ValidatingAdmissionPolicies of the public library, as they are: what the server says of every object is what we say."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Api, ask_all
from tests.conformance.cel_admission_library import _change, _objects
from tests.parity.figures import record
from tests.parity.manifests import placed, public_objects
from tests.parity.warnings import server_warnings, told_warnings, warned_alike
from transom.inventory import Inventory, Origin
from transom.kube.scratch import ControlPlane
from transom.rules.admits import Requester, admits

LIBRARY = "cel-admission-library"
NAMESPACE = "parity-library"
GROUP = "admissionregistration.k8s.io"
ADMIN = Requester("scratch-admin", ("system:masters", "system:authenticated"))
SETTLED_S = 60.0
CONFIGURATIONS = "/apis/kubescape.io/v1/controlconfigurations"  # which are in no namespace


@pytest.fixture(scope="module")
def cluster(api: Api, corpora: Path) -> Iterator[Inventory]:
    """The library's policies and their parameters in the server, and the same as an inventory."""
    root = corpora / LIBRARY
    api.namespace(NAMESPACE)
    made = list(_objects(root / "configuration" / "policy-configuration-definition.yaml"))
    for definition in made:
        assert api.create(definition).status == 201
    configuration = list(_objects(root / "test-resources" / "default-control-configuration.yaml"))
    _create_soon(api, configuration)
    policies = list(_policies(root))
    for each in policies:
        answer = api.create(each)
        assert answer.status in (201, 409), (each["metadata"]["name"], answer.message)
    held = [*configuration, *policies]
    found = Inventory()
    for each in (*held, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}):
        found.add(each, Origin("server"))
    time.sleep(5)
    _wait_until_settled(api)
    yield found
    for each in reversed([*made, *policies]):
        api.delete(each)


def _create_soon(api: Api, things: list[dict[str, Any]]) -> None:
    """Create objects of a kind that the server is only learning of."""
    end = time.monotonic() + 30
    for each in things:
        while (answer := api.request("POST", CONFIGURATIONS, each)).status == 404:
            assert time.monotonic() < end
            time.sleep(0.2)
        assert answer.status == 201, answer.message


def _policies(root: Path) -> Iterator[dict[str, Any]]:
    """Yield every policy, and a binding that only warns, in the test's namespace and for what is in none."""
    files = sorted((*(root / "controls").glob("*/policy.yaml"), *(root / "runtime-policies").glob("*/policy.yaml")))
    for file in files:
        for policy in _objects(file):
            if policy.get("kind") != "ValidatingAdmissionPolicy":
                continue
            spec = {"policyName": policy["metadata"]["name"], "validationActions": ["Warn"]}
            selector = {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
            spec["matchResources"] = {"namespaceSelector": selector}
            if policy["spec"].get("paramKind"):
                spec["paramRef"] = {"name": "placeholder", "parameterNotFoundAction": "Deny"}
            yield {**policy, "apiVersion": f"{GROUP}/v1"}
            yield {
                "apiVersion": f"{GROUP}/v1",
                "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": policy["metadata"]["name"]},
                "spec": spec,
            }


def _wait_until_settled(api: Api) -> None:
    """Return when the server warns of the same three times running."""
    container = {"name": "a", "image": "nginx", "securityContext": {"privileged": True}}
    worst = placed({"apiVersion": "v1", "kind": "Pod", "spec": {"hostPID": True, "containers": [container]}}, NAMESPACE)
    before: list[str] = []
    same, end = 0, time.monotonic() + SETTLED_S
    while same < 3:
        assert time.monotonic() < end, "the server did not take up the policies"
        time.sleep(1)
        now = sorted(api.create(worst, dry_run=True).warnings)
        same = same + 1 if now and now == before else 0
        before = now


def _cases(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the library's own test objects, changed as its tests say."""
    for tests in sorted((root / "controls").glob("*/tests.json")):
        for case in json.loads(tests.read_text()):
            (value,) = _objects(root / "test-resources" / case["template"])
            for change in case.get("field_change_list", []):
                field, _, text = change.partition("=")
                _change(value, field, text)
            yield placed(value, NAMESPACE)


def test_the_server_warns_of_what_we_warn_of(cluster: Inventory, control_plane: ControlPlane, corpora: Path) -> None:
    things = [*_cases(corpora / LIBRARY), *public_objects(corpora, NAMESPACE)]
    answers = ask_all(control_plane, [partial(Api.create, thing=thing, dry_run=True) for thing in things])
    left, warned, differences, asked = Counter[str](), 0, [], 0
    for thing, answer in zip(things, answers, strict=True):
        if answer.status >= 300:
            left["invalid by itself"] += 1
            continue
        asked += 1
        told = admits(thing, ADMIN, cluster, "server")
        warned += bool(told.warnings)
        if not warned_alike(told, answer):
            name = (thing["kind"], thing["metadata"].get("name"))
            differences.append((name, told_warnings(told) ^ server_warnings(answer)))
    policies = len(cluster.of_kind(GROUP, "ValidatingAdmissionPolicy"))
    record(f"public policies: objects, each under {policies} policies", asked, asked - len(differences), None, **left)
    assert differences[:4] == []
    assert policies > 30
    assert asked > 700
    assert warned > 400
