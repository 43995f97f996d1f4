"""Our rules under the parameters of their examples: each example's own copy of its rule, in a namespace of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct
from msgspec.structs import replace

from tests.cluster.api import Answer, Api, ask_all
from tests.parity.figures import record
from tests.parity.manifests import placed
from tests.parity.warnings import server_warnings
from transom.inventory import Inventory, Origin
from transom.kube.scratch import ControlPlane
from transom.model.findings import Finding
from transom.rules.export import SYSTEM_NAMESPACE, export, is_exported
from transom.rules.judge import judge
from transom.rules.load import BUILTIN_FOLDER, builtin_pack
from transom.rules.policy import Policy

OF_REQUESTS = {"oldObject", "operation", "userInfo", "namespace"}
SETTLED_S = 60.0


class Case(Struct, frozen=True):
    """One example that brings parameters: the copy of its rule, and the object."""

    policy: Policy
    namespace: str
    value: dict[str, Any]
    good: bool


def _cases() -> Iterator[Case]:
    policies = {policy.id: policy for policy in builtin_pack().policies if is_exported(policy)}
    for file in sorted(Path(BUILTIN_FOLDER).glob("*/*.test.yaml")):
        policy = policies.get(file.name.removesuffix(".test.yaml"))
        examples = yaml.safe_load(file.read_text())
        for kind in ("good", "bad"):
            for number, example in enumerate(examples.get(kind, ())):
                if policy and "params" in example and not OF_REQUESTS & set(example):
                    yield _case(policy, example, f"{policy.id}--{kind}-{number}", kind == "good")


def _case(policy: Policy, example: dict[str, Any], name: str, good: bool) -> Case:
    params = {**example["params"], "metadata": {"name": name, "namespace": SYSTEM_NAMESPACE}}
    copy = replace(policy, face=replace(policy.face, id=name), params=(params,), bindings=())
    namespace = f"parity-{name}"[:63].rstrip("-")
    return Case(copy, namespace, placed(example["object"], namespace), good)


@pytest.fixture(scope="module")
def cases(api: Api) -> Iterator[list[Case]]:
    """Every case, its rule, parameters and namespace in the server."""
    found, made = list(_cases()), []
    for case in found:
        api.namespace(case.namespace)
        for each in export([case.policy], ("Warn",)):
            if each["kind"].endswith("Binding"):
                selector = {"matchLabels": {"kubernetes.io/metadata.name": case.namespace}}
                each["spec"]["matchResources"] = {"namespaceSelector": selector}
            answer = api.create(each, validation="Strict")
            assert answer.status in (201, 409), (each["metadata"]["name"], answer.message)
            made.append(each)
    yield found
    for each in made:
        api.delete(each)


def test_the_server_judges_by_parameters_as_we_do(cases: list[Case], control_plane: ControlPlane) -> None:
    end = time.monotonic() + SETTLED_S
    differences = [("not asked yet",)]
    while differences and time.monotonic() < end:  # the server takes up policies in the background
        time.sleep(1)
        answers = ask_all(control_plane, [partial(Api.create, thing=case.value, dry_run=True) for case in cases])
        pairs = [pair for pair in zip(cases, answers, strict=True) if pair[1].status < 300]
        differences = [each for case, answer in pairs if (each := _difference(case, answer))]
    record("built-in rules: examples with parameters", len(pairs), len(pairs) - len(differences))
    assert differences == []
    assert len(pairs) >= 20


def _difference(case: Case, answer: Answer) -> tuple[Any, ...]:
    """Return where the server and we do not say the same, or not what the example promises."""
    name = case.policy.id
    beginning = f"Validation failed for ValidatingAdmissionPolicy '{name}' with binding '{name}-binding': "
    theirs = {text.removeprefix(beginning) for text in server_warnings(answer) if text.startswith(beginning)}
    inventory = Inventory()
    entry = inventory.add(answer.body, Origin("test"))
    ours = {each.message for each in judge(inventory, [case.policy], [entry]) if isinstance(each, Finding)}
    return () if ours == theirs and bool(theirs) is not case.good else (name, sorted(ours), sorted(theirs))
