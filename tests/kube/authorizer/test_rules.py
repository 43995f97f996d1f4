"""What one rule allows, and what rules cover of others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kube.authorizer.reference import rule_allows
from transom.kube.authorizer import PolicyRule, Question, allows_rule, covers, uncovered
from transom.kube.authorizer.rules import FULL_AUTHORITY

ALLOWED = [
    ("the same resource", "get", "", "pods", "pods", "", "", True),
    ("another verb", "get", "", "pods", "pods", "", "", True),
    ("a subresource is not its resource", "get", "", "pods", "pods", "exec", "", False),
    ("a resource is not its subresource", "get", "", "pods/exec", "pods", "", "", False),
    ("the subresource itself", "get", "", "pods/exec", "pods", "exec", "", True),
    ("that subresource of any resource", "get", "", "*/exec", "pods", "exec", "", True),
    ("another subresource of any", "get", "", "*/log", "pods", "exec", "", False),
    ("any resource, subresources too", "get", "", "*", "pods", "exec", "", True),
    ("pods/* means nothing more", "get", "", "pods/*", "pods", "exec", "", False),
    ("*/* means nothing more", "get", "", "*/*", "pods", "exec", "", False),
    ("*/ with no subresource", "get", "", "*/", "pods", "", "", False),
    ("any group", "get", "*", "pods", "pods", "", "", True),
    ("another group", "get", "apps", "pods", "pods", "", "", False),
    ("any verb", "*", "", "pods", "pods", "", "", True),
    ("verbs are case-sensitive", "GET", "", "pods", "pods", "", "", False),
    ("a name of no rule's names", "get", "", "pods", "pods", "", "x", True),
]


@pytest.mark.parametrize(("case", "verb", "group", "named", "resource", "subresource", "name", "expected"), ALLOWED)
def test_rule_allows_resources(
    case: str, verb: str, group: str, named: str, resource: str, subresource: str, name: str, expected: bool
) -> None:
    rule, question = PolicyRule((verb,), (group,), (named,)), Question("get", "", resource, subresource, "", name)
    assert allows_rule(rule, question) is expected, case
    assert rule_allows(rule, question) is expected, case


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        ((), "", True),
        ((), "a", True),
        (("a",), "a", True),
        (("a",), "b", False),
        (("a",), "", False),
        (("*",), "a", False),
    ],
)
def test_names_are_literal_and_a_request_without_name_has_none_of_them(
    names: tuple[str, ...], asked: str, expected: bool
) -> None:
    rule = PolicyRule(("list",), ("",), ("pods",), names)
    assert allows_rule(rule, Question("list", resource="pods", name=asked)) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/foo/*", "/foo/bar", True),
        ("/foo/*", "/foo", False),
        ("/foo*", "/foo", True),
        ("/foo**", "/foobar", True),
        ("*", "/anything", True),
        ("/foo", "/foo/", False),
        ("/foo*bar", "/fooxbar", False),
    ],
)
def test_urls_match_whole_or_by_what_stands_before_a_trailing_star(pattern: str, path: str, expected: bool) -> None:
    rule = PolicyRule(("get",), non_resource_urls=(pattern,))
    assert allows_rule(rule, Question("get", path=path)) is expected


def test_urls_and_resources_are_apart() -> None:
    everything = PolicyRule(("*",), ("*",), ("*",))
    assert not allows_rule(everything, Question("get", path="/healthz"))
    assert not allows_rule(PolicyRule(("*",), non_resource_urls=("*",)), Question("get", resource="pods"))


COVERED = [
    ("itself", (("get",), ("",), ("pods",)), (("get",), ("",), ("pods",)), True),
    ("fewer verbs", (("get", "list"), ("",), ("pods",)), (("get",), ("",), ("pods",)), True),
    ("more verbs", (("get",), ("",), ("pods",)), (("get", "list"), ("",), ("pods",)), False),
    (
        "any verb by all that there are",
        (("get", "list", "create"), ("",), ("pods",)),
        (("*",), ("",), ("pods",)),
        False,
    ),
    ("a name by no names", (("get",), ("",), ("pods",)), (("get",), ("",), ("pods",), ("a",)), True),
    ("no names by a name", (("get",), ("",), ("pods",), ("a",)), (("get",), ("",), ("pods",)), False),
    ("one of the names", (("get",), ("",), ("pods",), ("a", "b")), (("get",), ("",), ("pods",), ("b",)), True),
    ("a subresource by */", (("get",), ("",), ("*/exec",)), (("get",), ("",), ("pods/exec",)), True),
    ("a resource by */", (("get",), ("",), ("*/exec",)), (("get",), ("",), ("pods",)), False),
    ("all by all", (("*",), ("*",), ("*",)), (("get",), ("apps",), ("deployments/scale",), ("a",)), True),
]


@pytest.mark.parametrize(("case", "owned", "wanted", "expected"), COVERED)
def test_covers(
    case: str, owned: tuple[tuple[str, ...], ...], wanted: tuple[tuple[str, ...], ...], expected: bool
) -> None:
    assert covers([PolicyRule(*owned)], [PolicyRule(*wanted)]) is expected, case


def test_each_atom_may_be_covered_by_another_rule() -> None:
    owned = [PolicyRule(("get",), ("",), ("pods",)), PolicyRule(("list",), ("",), ("pods",))]
    assert covers(owned, [PolicyRule(("get", "list"), ("",), ("pods",))])
    assert uncovered(owned, [PolicyRule(("get", "watch"), ("",), ("pods",))]) == [
        PolicyRule(("watch",), ("",), ("pods",))
    ]


def test_administrator_covers_everything_and_is_covered_by_no_less() -> None:
    assert covers(FULL_AUTHORITY, [PolicyRule(("get",), non_resource_urls=("/x",))])
    assert not covers(FULL_AUTHORITY[:1], FULL_AUTHORITY)


_WORDS = st.lists(st.sampled_from(("get", "list", "*")), min_size=1, max_size=2).map(tuple)
_PARTS = st.lists(st.sampled_from(("pods", "pods/exec", "*/exec", "*", "nodes")), min_size=1, max_size=2).map(tuple)
_NAMES = st.lists(st.sampled_from(("a", "b")), max_size=2).map(tuple)
_RULES = st.lists(st.builds(PolicyRule, _WORDS, st.just(("",)), _PARTS, _NAMES), max_size=3)


@given(_RULES, _RULES)
def test_who_covers_rules_may_whatever_they_allow(owned: list[PolicyRule], wanted: list[PolicyRule]) -> None:
    if not covers(owned, wanted):
        return
    for verb in ("get", "list", "other"):
        for resource, subresource in (("pods", ""), ("pods", "exec"), ("nodes", ""), ("jobs", "exec"), ("jobs", "")):
            for name in ("", "a", "c"):
                question = Question(verb, "", resource, subresource, "", name)
                if any(allows_rule(rule, question) for rule in wanted):
                    assert any(allows_rule(rule, question) for rule in owned)
