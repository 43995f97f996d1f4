"""Policies of the CEL admission library (kubescape/cel-admission-library), unmodified, with the verdicts beside them.

Each control has a policy.yaml and a tests.json: a template object, changes to its fields, and whether the API server
must take it. As in that project's own runs, the policy is bound by test-resources/policy-binding.yaml with the default
configuration as its parameters, and objects go to the namespace `default` where they name none.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from transom.kube.documents import read_documents
from transom.kube.kinds import is_built_in, kind_of
from transom.rules.evaluate import Subject, evaluate
from transom.rules.expand import without_nulls
from transom.rules.load import read_pack
from transom.rules.match import Request
from transom.rules.parse import read_binding
from transom.rules.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from transom.rules.policy import Policy

CORPUS = "cel-admission-library"
_INDEX = re.compile(r"\[(\d+)\]")


def run(corpora: Path) -> list[dict[str, Any]]:
    """Score every case of every control; the policies that have no cases must load."""
    root = corpora / CORPUS
    counts: Counter[str] = Counter()
    differences: list[str] = []
    for control in sorted((root / "controls").glob("*/tests.json")):
        policy = _bound(control.with_name("policy.yaml"), root)
        for case in json.loads(control.read_text()):
            found = policy if isinstance(policy, str) else _verdict(policy, case, root)
            agrees = found == case["expected"]
            counts["agree" if agrees else "differ"] += 1
            if not agrees:
                differences.append(f"{control.parent.name} {case['name']}: expected {case['expected']}, found {found}")
    for file in sorted((root / "runtime-policies").glob("*/policy.yaml")):
        pack = read_pack([file])
        counts["differ" if pack.problems else "agree"] += 1
        differences += [f"{file.parent.name}: {problem.reason}" for problem in pack.problems]
    return [
        {
            "corpus": CORPUS,
            "cases": counts.total(),
            "agree": counts["agree"],
            "differ": counts["differ"],
            "unsupported": {},
            "differences": differences,
        }
    ]


def _bound(file: Path, root: Path) -> Policy | str:
    """Return the policy of a control as the library's own runs bind it, or why it does not load."""
    pack = read_pack([file])
    if pack.problems or len(pack.policies) != 1:
        return "; ".join(problem.reason for problem in pack.problems) or "not one policy"
    resources = root / "test-resources"
    (binding,) = map(read_binding, read_sources([resources / "policy-binding.yaml"]))
    (configuration,) = _objects(resources / "default-control-configuration.yaml")
    policy = pack.policies[0]
    return replace(policy, bindings=(replace(binding, policy=policy.id),), params=(configuration,))


def _verdict(policy: Policy, case: Mapping[str, Any], root: Path) -> str:
    (value,) = _objects(root / "test-resources" / case["template"])
    for change in case.get("field_change_list", []):
        field, _, text = change.partition("=")
        _change(value, field, text)
    found = evaluate(policy, _subject(value))
    if found.unknown:
        return f"unknown: {found.unknown}"
    return "fail" if found.failures else "pass"


def _objects(file: Path) -> Iterator[dict[str, Any]]:
    with file.open("rb") as stream:
        for document in read_documents(stream, str(file)):
            yield document.value


def _change(value: Any, field: str, text: str) -> None:
    """Set a field like `spec.containers.[0].image`; what the way there lacks is made a list or a map, as it is used."""
    steps: list[Any] = [int(found[1]) if (found := _INDEX.fullmatch(step)) else step for step in field.split(".")]
    for step, after in pairwise(steps):
        value = _child(value, step, [] if isinstance(after, int) else {})
    try:
        _set(value, steps[-1], json.loads(text))
    except ValueError:
        _set(value, steps[-1], text)


def _child(value: Any, step: Any, default: Any) -> Any:
    missing = step not in value if isinstance(value, dict) else step >= len(value)
    if missing:
        _set(value, step, default)
    return value[step]


def _set(value: Any, step: Any, new: Any) -> None:
    if isinstance(value, list) and step == len(value):
        value.append(new)
    else:
        value[step] = new


def _subject(value: dict[str, Any]) -> Subject:
    kind = kind_of(value["apiVersion"], value["kind"])
    if is_built_in(kind.group, kind.kind):
        value = without_nulls(value)
    metadata = value["metadata"]
    if kind.namespaced:
        metadata.setdefault("namespace", "default")
    labels = metadata.get("labels", {})
    request = Request(kind, metadata["name"], metadata.get("namespace", ""), labels=(labels,), namespace_labels={})
    return Subject(value, request)
