"""The cost limit of an expression bites the server and us between the same sizes of an object."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.parity.figures import record
from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.errors import CostExceeded
from transom.lang.cel.program import compile_expression

EXPRESSIONS = (
    "object.data.all(a, object.data.all(b, object.data.all(c, a != '' && b != '' && c != '')))",
    "lists.range(100).all(i, object.data.all(a, object.data.all(b, true)))",
    "object.data.all(a, object.data.all(b, object.data.all(c, [a, b, c].join(',') != '')))",
)
CHEAP, DEAR = 28, 72
"""Keys of an object: with fewer no expression reaches the limit, with more each does."""
NAMESPACE = "parity-cost"
EXCEEDED = "cost limit exceeded"


@pytest.fixture(scope="module")
def installed(api: Api) -> Iterator[None]:
    """A policy for each expression, warning only."""
    api.namespace(NAMESPACE)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    constraints = {
        "resourceRules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
    }
    made = []
    for number, expression in enumerate(EXPRESSIONS):
        spec = {"matchConstraints": constraints, "validations": [{"expression": expression}]}
        bound = {"policyName": f"cost-{number}", "validationActions": ["Warn"]}
        made += [_config("ValidatingAdmissionPolicy", number, spec)]
        made += [_config("ValidatingAdmissionPolicyBinding", number, bound)]
    for each in made:
        assert api.create(each).status == 201
    yield
    for each in made:
        api.delete(each)


def _config(kind: str, number: int, spec: dict[str, Any]) -> dict[str, Any]:
    group = "admissionregistration.k8s.io/v1"
    return {"apiVersion": group, "kind": kind, "metadata": {"name": f"cost-{number}"}, "spec": spec}


def _sized(keys: int) -> dict[str, Any]:
    metadata = {"name": "sized", "namespace": NAMESPACE}
    data = {f"k{number}": "1" for number in range(keys)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def test_expressions_become_too_dear_at_the_same_sizes(installed: None, api: Api) -> None:
    end = time.monotonic() + 60
    while (dear := _too_dear(api, DEAR)) != len(EXPRESSIONS) and time.monotonic() < end:
        time.sleep(1)
    cheap = _too_dear(api, CHEAP)
    ours = [_exceeds(expression, keys) for expression in EXPRESSIONS for keys in (CHEAP, DEAR)]
    record("CEL: costs around the limit", len(ours), sum(found is (at % 2 == 1) for at, found in enumerate(ours)))
    assert (cheap, dear) == (0, len(EXPRESSIONS))
    assert ours == [False, True] * len(EXPRESSIONS)


def _too_dear(api: Api, keys: int) -> int:
    warnings = api.create(_sized(keys), dry_run=True).warnings
    return sum(EXCEEDED in text for text in warnings)


def _exceeds(expression: str, keys: int) -> bool:
    program = compile_expression(expression, kubernetes_environment())
    try:
        program({"object": _sized(keys)})
    except CostExceeded:
        return True
    return False
