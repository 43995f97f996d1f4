"""SubjectAccessReviews in, the same with their answers out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.kube.authorizer import Authorizer, Policy
from transom.kube.authorizer.defaults import default_policy
from transom.kube.authorizer.reviews import answer, parse_fields

AUTHORIZER = Authorizer(default_policy())
ASKED = {"user": "alice", "resourceAttributes": {"verb": "get", "resource": "pods"}}


def answered(spec: Any, **more: Any) -> tuple[dict[str, Any], bool]:
    value = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec, **more}
    return answer(AUTHORIZER, json.dumps(value).encode())


def test_the_review_comes_back_with_its_answer() -> None:
    spec = {"groups": ["system:authenticated"], "nonResourceAttributes": {"verb": "get", "path": "/healthz"}}
    value, was_one = answered(spec)
    assert was_one and value["spec"] == spec and value["status"]["allowed"] is True
    who = 'Group "system:authenticated"'
    assert value["status"]["reason"].endswith(f'of ClusterRole "system:discovery" to {who}')


def test_groups_are_taken_literally() -> None:
    value, _ = answered({"user": "alice", "nonResourceAttributes": {"verb": "get", "path": "/healthz"}})
    assert value["status"] == {"allowed": False}


def test_masters_may_everything() -> None:
    assert answered({**ASKED, "groups": ["system:masters"]})[0]["status"] == {"allowed": True}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "no JSON"),
        (b"", "no JSON"),
        (b"[]", "no SubjectAccessReview"),
        (b"\xff", "no JSON"),
        (b'{"kind": "Pod", "apiVersion": "v1"}', "no SubjectAccessReview of"),
        (b'{"spec": {"user": "a"}}', "exactly one of"),
        (b'{"spec": {"resourceAttributes": {}}}', "at least one of"),
        (b'{"spec": {"user": "a", "resourceAttributes": {}, "nonResourceAttributes": {}}}', "exactly one of"),
        (b'{"metadata": {"name": "x"}, "spec": {"user": "a", "resourceAttributes": {}}}', "metadata must be empty"),
        (b'{"spec": {"user": 5}}', "Expected `str | null`"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_review_is_answered_with_an_error(line: bytes, reason: str) -> None:
    value, was_one = answer(AUTHORIZER, line)
    assert not was_one
    assert value["status"]["allowed"] is False and reason in value["status"]["evaluationError"]


def test_local_review_asks_in_its_own_namespace() -> None:
    spec = {"user": "a", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "red"}}
    assert answered(spec, kind="LocalSubjectAccessReview", metadata={"namespace": "red"})[1]
    assert not answered(spec, kind="LocalSubjectAccessReview", metadata={"namespace": "blue"})[1]


def test_selectors_that_cannot_be_read_are_told_and_ignored() -> None:
    resource = {"verb": "list", "resource": "pods", "fieldSelector": {"rawSelector": "nonsense"}}
    value, was_one = answered({"user": "a", "resourceAttributes": resource})
    assert was_one and "fieldSelector ignored" in value["status"]["evaluationError"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spec.nodeName=n1", (("spec.nodeName", "=", "n1"),)),
        ("a==b,c!=d", (("a", "=", "b"), ("c", "!=", "d"))),
        (r"a=x\,y", (("a", "=", "x,y"),)),
        ("a=", (("a", "=", ""),)),
        ("a", None),
    ],
)
def test_field_selectors_are_read_as_typed(text: str, expected: Any) -> None:
    assert parse_fields(text) == expected


@given(st.binary(max_size=80))
def test_no_line_makes_the_answer_fail(line: bytes) -> None:
    value, _ = answer(Authorizer(Policy()), line)
    assert value["status"]["allowed"] is False
