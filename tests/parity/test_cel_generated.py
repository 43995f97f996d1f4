"""Thousands of generated expressions, and those of public policies: the server compiles what we compile."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.api import Answer, Api, ask_all
from tests.parity.cel_expressions import expressions
from tests.parity.figures import record
from transom.kube.scratch import ControlPlane
from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.errors import CelError, CelSyntaxError, CelTypeError
from transom.lang.cel.program import compile_expression
from transom.lang.cel.types import DYN

GENERATED = 4_000
BATCH = 40  # expressions in one policy: the server names each that it refuses
ENVIRONMENT = kubernetes_environment(typed_variables={"v": DYN})
FIELD = re.compile(r"spec\.variables\[(\d+)\]\.expression")
FOLDING = "program instantiation failed"
BUDGET = re.compile(r"budget|estimated.*cost|cost limit", re.IGNORECASE)
EXPRESSION = re.compile(r"(?:expression|messageExpression|valueExpression)$")


def public(corpora: Path) -> list[str]:
    """Return the expressions of all public policies."""
    found: dict[str, None] = {}
    for folder in ("cel-admission-library", "kyverno-policies"):
        for file in sorted((corpora / folder).rglob("*.yaml")):
            if "expression" in (text := file.read_text(errors="replace")):
                found.update(dict.fromkeys(_expressions(text)))
    return list(found)


def _expressions(text: str) -> list[str]:
    try:
        documents = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return []
    return [each for document in documents for each in _below(document)]


def _below(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [each for key, each in value.items() if EXPRESSION.search(str(key)) and isinstance(each, str)]
        return own + [found for each in value.values() for found in _below(each)]
    return [found for each in value for found in _below(each)] if isinstance(value, list) else []


def test_the_server_compiles_what_is_generated(control_plane: ControlPlane) -> None:
    sources = expressions(ENVIRONMENT, GENERATED)
    refused, differences, folded = _compared(control_plane, sources)
    accepted = len(sources) - len(refused)
    for each in differences[:25]:
        print(each)
    record(
        "CEL: generated expressions",
        len(sources),
        len(sources) - len(differences) - folded,
        {"constants that fail: the server evaluates them when it compiles, we when they are asked for": folded},
    )
    assert differences == []
    assert accepted > 500
    assert len(refused) > 500
    assert not [each for each in refused.values() if BUDGET.search(each)]  # no policy is refused for its estimated cost


def test_the_server_compiles_what_public_policies_say(control_plane: ControlPlane, corpora: Path) -> None:
    sources = public(corpora)
    _, differences, folded = _compared(control_plane, sources)
    record("CEL: expressions of public policies", len(sources), len(sources) - len(differences))
    assert differences == []
    assert folded == 0
    assert len(sources) > 250


def _compared(plane: ControlPlane, sources: Sequence[str]) -> tuple[dict[str, str], list[tuple[str, str]], int]:
    """Return what the server refuses and why, where we differ, and how many fail when constants are folded."""
    batches = [sources[start : start + BATCH] for start in range(0, len(sources), BATCH)]
    answers = ask_all(plane, [partial(Api.create, thing=_policy(batch), dry_run=True) for batch in batches])
    refused, folded = {}, 0
    for batch, answer in zip(batches, answers, strict=True):
        refused.update({batch[index]: why for index, why in _refusals(answer).items()})
    differences = []
    for source in sources:
        why = refused.get(source, "")
        if FOLDING in why and _fails(source):
            folded += 1
        elif bool(why) is _compiles(source):
            differences.append((source, why[:300]))
    return refused, differences, folded


def _refusals(answer: Answer) -> dict[int, str]:
    """Return the places of the expressions that were refused, behind the variable v, and why."""
    causes = (answer.body.get("details") or {}).get("causes", [])
    assert answer.status == 201 or causes, answer.message
    found = {}
    for cause in causes:
        place = FIELD.match(cause["field"])
        assert place, cause
        found[int(place[1]) - 1] = cause["message"]
    return found


def _compiles(source: str) -> bool:
    try:
        compile_expression(source, ENVIRONMENT)
    except (CelSyntaxError, CelTypeError):
        return False
    return True


def _fails(source: str) -> bool:
    try:
        compile_expression(source, ENVIRONMENT)({})
    except CelError:
        return True
    return False


def _policy(sources: Sequence[str]) -> dict[str, Any]:
    """Return a policy whose variables are these expressions, of any type."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    variables = [{"name": "v", "expression": "dyn(object.spec.containers)"}]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "generated"},
        "spec": {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConstraints": {"resourceRules": [rule]},
            "variables": [*variables, *({"name": f"e{n}", "expression": each} for n, each in enumerate(sources))],
            "validations": [{"expression": "true"}],
        },
    }
