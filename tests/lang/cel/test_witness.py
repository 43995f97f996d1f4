# ruff: noqa: E501 - an expression stands on one line
"""Why an expression had its outcome: which elements, which reads, which places."""

from __future__ import annotations

from typing import Any

import pytest

from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.explain import explain, explain_items
from transom.lang.cel.parser import parse
from transom.lang.cel.program import LazyVariables, Program, compile_expression
from transom.lang.cel.types import BOOL, DYN, ListType
from transom.lang.cel.witness import Witness, index_paths, places
from transom.model.places import path_text

POD: dict[str, Any] = {
    "metadata": {"name": "web", "labels": {"app": "web"}, "annotations": {"a/b": "1", "evil": "x"}},
    "spec": {
        "hostNetwork": True,
        "containers": [
            {"name": "good", "image": "r/x:1", "securityContext": {"privileged": False, "capabilities": {"drop": ["ALL"]}}},
            {"name": "bad", "image": "x:latest", "securityContext": {"privileged": True, "capabilities": {"add": ["CHOWN", "SYS_ADMIN"]}}},
            {"name": "bare", "image": "r/y:2", "ports": [{"containerPort": 80}, {"containerPort": 81, "hostPort": 81}]},
        ],
        "initContainers": [{"name": "setup", "image": "y:latest", "securityContext": {"privileged": True}}],
        "volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {"path": "/"}}],
    },
}  # fmt: skip
CONTAINERS = "object.spec.containers + object.spec.?initContainers.orValue([])"
HOST_VOLUMES = "object.spec.?volumes.orValue([]).filter(v, has(v.hostPath))"
VARIABLES = {
    "containers": CONTAINERS,
    "volumes": HOST_VOLUMES,
    "images": "object.spec.containers.map(c, c.image)",
    "context": "object.spec.containers[1].?securityContext",
    "privileged": "object.spec.containers.exists(c, c.?securityContext.?privileged.orValue(false))",
}


def programs() -> dict[str, Program]:
    return {
        name: Program.compile(source, parse(source), ("object", "variables"), DYN) for name, source in VARIABLES.items()
    }


def activation(data: Any = POD) -> dict[str, Any]:
    found: dict[str, Any] = {"object": data, "params": {"allowed": ["CHOWN"]}}
    found["variables"] = LazyVariables(programs(), found)
    return found


def shown(found: list[Witness], data: Any = POD) -> list[str]:
    index = index_paths(data)
    first = [places(each, {"object": data}, {"object": index})[:1] for each in found]
    return [path_text(each[0][1]) if each else "-" for each in first]


def identity(found: list[Witness]) -> list[Any]:
    return [
        (
            [id(e) if isinstance(e, dict | list) else e for e in each.elements],
            [(root if isinstance(root, str) else id(root), path) for root, path in each.reads],
        )
        for each in found
    ]


CASES = [
    ("object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))", ["spec.containers[1].securityContext.privileged"]),
    ("object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || c.securityContext.privileged == false)", ["spec.containers[1].securityContext.privileged"]),
    ("object.spec.containers.all(c, has(c.securityContext) && c.securityContext.privileged == false)", ["spec.containers[1].securityContext.privileged", "spec.containers[2].securityContext"]),
    (f"({CONTAINERS}).all(c, !c.image.endsWith(':latest'))", ["spec.containers[1].image", "spec.initContainers[0].image"]),
    ("variables.containers.all(c, !c.image.endsWith(':latest'))", ["spec.containers[1].image", "spec.initContainers[0].image"]),
    ("object.spec.containers.all(c, c.?securityContext.?capabilities.?add.orValue([]).all(k, k in ['CHOWN']))", ["spec.containers[1].securityContext.capabilities.add[1]"]),
    ("object.spec.containers.all(c, c.?ports.orValue([]).all(p, !has(p.hostPort)))", ["spec.containers[2].ports[1].hostPort"]),
    ("object.metadata.annotations.all(k, !k.startsWith('evil'))", ["metadata.annotations.evil"]),
    ("object.spec.hostNetwork == false", ["spec.hostNetwork"]),
    ("!object.spec.?hostNetwork.orValue(false)", ["spec.hostNetwork"]),
    ("!has(object.spec.hostPID) && !has(object.spec.hostNetwork)", ["spec.hostNetwork"]),
    (f"{HOST_VOLUMES}.size() == 0", ["spec.volumes[1].hostPath"]),
    (f"size({HOST_VOLUMES}) < 1", ["spec.volumes[1].hostPath"]),
    (f"{HOST_VOLUMES} == []", ["spec.volumes[1].hostPath"]),
    ("variables.volumes.size() == 0", ["spec.volumes[1].hostPath"]),
    ("variables.volumes == []", ["spec.volumes[1].hostPath"]),
    ("object.spec.volumes.size() == 0", ["spec.volumes[0]", "spec.volumes[1]"]),
    ("!(object.spec.volumes.size() > 0)", ["spec.volumes[0]", "spec.volumes[1]"]),
    ("object.spec.?tolerations.orValue([]).exists(t, t.key == 'x')", ["spec.tolerations"]),
    ("!object.spec.volumes.exists(v, has(v.hostPath))", ["spec.volumes[1].hostPath"]),
    ("!variables.privileged", ["spec.containers[1].securityContext.privileged"]),
    ("variables.context.privileged.orValue(true) == false", ["spec.containers[1].securityContext.privileged"]),
    ("variables.images.all(i, !i.endsWith(':latest'))", ["spec.containers[1].image"]),
    ("object.spec.containers.map(c, c.image).all(i, i.startsWith('r/'))", ["spec.containers[1].image"]),
    ("object.spec.hostNetwork ? object.metadata.name == 'x' : true", ["metadata.name"]),
    ("has(object.spec.hostNetwork) ? false : true", ["spec.hostNetwork"]),
    ("object.metadata.labels['app'] in ['api']", ["metadata.labels.app"]),
    ("object.spec.containers.all(c, c.?securityContext.?capabilities.?add.orValue([]).all(k, k in params.allowed))", ["spec.containers[1].securityContext.capabilities.add[1]"]),
    ("object.spec.containers.all(i, c, i != 1)", ["spec.containers[1]"]),
    ("object.metadata.labels.all(k, v, v != 'web')", ["metadata.labels.app"]),
    ("cel.bind(sc, object.spec.containers[1].securityContext, sc.privileged == false)", ["spec.containers[1].securityContext.privileged"]),
    ("object.spec.containers.exists_one(c, c.image.startsWith('r/'))", ["spec.containers[0].image", "spec.containers[2].image"]),
    ("object.spec.containers.filter(c, c.name == 'bad').all(c, !c.securityContext.privileged)", ["spec.containers[1].securityContext.privileged"]),
    ("object.spec.containers.all(c, c.name == 'bad' ? !c.securityContext.privileged : true)", ["spec.containers[1].securityContext.privileged"]),
]  # fmt: skip


@pytest.mark.parametrize(("source", "expected"), CASES, ids=[source for source, _ in CASES])
def test_the_place_of_a_false_expression_is_what_made_it_false(source: str, expected: list[str]) -> None:
    program = Program.compile(source, parse(source), ("object", "variables", "params"), DYN)
    names = activation()
    assert program(names) is False
    assert shown(program.witnesses(names, False)) == expected


@pytest.mark.parametrize("source", [source for source, _ in CASES])
def test_generated_explanations_are_the_walkers(source: str) -> None:
    program = Program.compile(source, parse(source), ("object", "variables", "params"), DYN)
    names = activation()
    assert identity(program.witnesses(names, False)) == identity(explain(program.node, names, False))


def test_most_explanations_are_generated() -> None:
    generated = 0
    for source, _ in CASES:
        program = Program.compile(source, parse(source), ("object", "variables", "params"), DYN)
        try:
            program._explained(activation(), False)
            generated += 1
        except Exception:
            continue
    assert generated >= 24


@pytest.mark.parametrize("source", [HOST_VOLUMES, "object.spec.volumes", CONTAINERS])
def test_each_item_of_a_list_has_its_reason(source: str) -> None:
    program = Program.compile(source, parse(source), ("object",), ListType())
    found = program.item_witnesses(activation())
    assert identity(found) == identity(explain_items(program.node, activation()))
    assert len(found) == len(program(activation()))


def test_a_true_expression_names_every_element_that_holds() -> None:
    program = compile_expression("object.spec.volumes.exists(v, has(v.hostPath))", kubernetes_environment(), BOOL)
    assert shown(program.witnesses({"object": POD}, True)) == ["spec.volumes[1].hostPath"]


def test_both_false_operands_of_a_conjunction_are_witnesses() -> None:
    program = compile_expression(
        "object.spec.hostNetwork == false && object.metadata.name == 'x'", kubernetes_environment()
    )
    assert shown(program.witnesses({"object": POD}, False)) == ["spec.hostNetwork", "metadata.name"]


def test_elements_are_the_objects_of_the_input() -> None:
    program = compile_expression("object.spec.containers.all(c, c.name != 'bad')", kubernetes_environment())
    (witness,) = program.witnesses({"object": POD}, False)
    assert witness.elements[0] is POD["spec"]["containers"][1]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("object.spec.nodeName == 'x'", ["spec.nodeName"]),
        ("object.spec.containers.all(c, c.resources.limits.cpu == '1')", ["spec.containers[0].resources.limits.cpu"]),
        ("object.spec.hostNetwork && object.spec.missing > 1", ["spec.missing"]),
    ],
)
def test_the_place_of_an_error_is_the_read_that_failed(source: str, expected: list[str]) -> None:
    program = compile_expression(source, kubernetes_environment())
    with pytest.raises(EvaluationError):
        program({"object": POD})
    assert shown(program.witnesses({"object": POD}, False))[:1] == expected


def test_explaining_never_raises() -> None:
    program = compile_expression("object.spec.containers.all(c, c.x)", kubernetes_environment())
    for data in (None, {}, {"spec": None}, {"spec": {"containers": "text"}}, {"spec": {"containers": [None, 1]}}):
        assert program.witnesses({"object": data}, False)


def test_what_exists_deepest_comes_first() -> None:
    witness = Witness(reads=(("object", ("spec", "missing")), ("object", ("spec",)), ("object", ("metadata", "name"))))
    found = places(witness, {"object": POD}, {"object": index_paths(POD)})
    assert [path for _, path in found] == [("metadata", "name"), ("spec",), ("spec", "missing")]


def test_an_element_without_reads_is_its_own_place() -> None:
    container = POD["spec"]["containers"][2]
    found = places(Witness(elements=(container,)), {"object": POD}, {"object": index_paths(POD)})
    assert found == [("object", ("spec", "containers", 2))]


def test_explaining_nested_conditions_stays_small() -> None:
    source = "object.a"
    for _ in range(60):
        source = f"({source} ? false : true)"
    program = Program.compile(source, parse(source), ("object",), DYN)
    assert program({"object": {"a": False}}) is False
    assert [each.reads for each in program.witnesses({"object": {"a": False}}, False)] == [(("object", ("a",)),)]


def test_explaining_has_a_limit_of_its_own() -> None:
    source = "object.all(x, object.all(y, x + y >= 0))"
    program = Program.compile(source, parse(source), ("object",), DYN)
    assert program.witnesses({"object": list(range(900))}, False) == [Witness()]
