"""Gatekeeper's suites, read as they are."""

from __future__ import annotations

import json

import pytest

from transom.rules.examples import run_examples

TEMPLATE = {
    "apiVersion": "templates.gatekeeper.sh/v1",
    "kind": "ConstraintTemplate",
    "metadata": {"name": "named"},
    "spec": {
        "crd": {"spec": {"names": {"kind": "Named"}}},
        "targets": [
            {
                "target": "admission.k8s.gatekeeper.sh",
                "code": [
                    {
                        "engine": "K8sNativeValidation",
                        "source": {
                            "validations": [{"expression": "object.metadata.name == 'web'", "message": "no web"}]
                        },
                    }
                ],
            }
        ],
    },
}
CONSTRAINT = {
    "apiVersion": "constraints.gatekeeper.sh/v1beta1",
    "kind": "Named",
    "metadata": {"name": "web"},
    "spec": {},
}


@pytest.fixture
def outcome(tmp_path, pod):
    """Run a suite of one case on a pod of some name."""

    def run(name="web", **case):
        suite = {
            "apiVersion": "test.gatekeeper.sh/v1alpha1",
            "kind": "Suite",
            "tests": [
                {
                    "name": "named",
                    "template": "template.yaml",
                    "constraint": "constraint.yaml",
                    "cases": [{"name": "case", "object": "pod.yaml", **case}],
                }
            ],
        }
        files = {"template": TEMPLATE, "constraint": CONSTRAINT, "pod": pod(name=name), "suite": suite}
        for file, value in files.items():
            (tmp_path / f"{file}.yaml").write_text(json.dumps(value, indent=1))
        (found,) = run_examples([str(tmp_path)])
        return found.state

    return run


@pytest.mark.parametrize(
    ("name", "assertion", "state"),
    [
        ("web", {"violations": "no"}, "passed"),
        ("web", {"violations": "yes"}, "failed"),
        ("web", {}, "failed"),
        ("bad", {}, "passed"),
        ("bad", {"violations": 1, "message": "^no w"}, "passed"),
        ("bad", {"violations": 2}, "failed"),
        ("bad", {"violations": "yes", "message": "other"}, "failed"),
    ],
)
def test_an_assertion_counts_violations(outcome, name, assertion, state):
    assert outcome(name, assertions=[assertion]) == state


def test_a_case_without_assertions_promises_no_violation(outcome):
    assert outcome("web") == "passed"
    assert outcome("bad") == "failed"


def test_a_skipped_case_is_counted(outcome):
    assert outcome("bad", skip=True) == "unsupported"


def test_an_object_that_is_not_there_fails(outcome):
    assert outcome(object="none.yaml") == "failed"
