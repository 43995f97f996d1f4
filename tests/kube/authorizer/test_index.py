"""The compiled authorizer answers as the literal one, and says through what."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kube.authorizer import random_policies
from tests.kube.authorizer.reference import LiteralAuthorizer, rule_allows
from transom.kube.authorizer import Authorizer, Policy, PolicyRule, Question, User, read_policy


def policy_of(seed: int) -> Policy:
    made, refused = read_policy(random_policies.policy(Random(seed)))
    assert not refused
    return made.aggregated()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_index_answers_as_the_literal_authorizer(seed: int) -> None:
    random = Random(seed)
    policy = policy_of(seed)
    compiled, literal = Authorizer(policy), LiteralAuthorizer(policy)
    for _ in range(100):
        user, question = random_policies.user(random), random_policies.question(random)
        assert compiled.allows(user, question) is literal.allows(user, question), (user, question)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_explanation_is_a_grant_that_the_user_holds_and_that_allows_it(seed: int) -> None:
    random = Random(seed)
    authorizer = Authorizer(policy_of(seed))
    for _ in range(50):
        user, question = random_policies.user(random), random_policies.question(random)
        grant = authorizer.explain(user, question)
        assert (grant is not None) is authorizer.rbac_allows(user, question)
        if grant is not None:
            assert rule_allows(grant.rule, question)
            assert grant in list(authorizer.grants(user, question.namespace))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_who_can_names_exactly_those_who_may(seed: int) -> None:
    random = Random(seed)
    authorizer = Authorizer(policy_of(seed))
    for _ in range(20):
        question = random_policies.question(random)
        if not question.name:
            continue  # then it also tells rules for some names
        told = {grant.subject for grant in authorizer.who_can(question)}
        for subject in authorizer.subjects():
            user = User("", (subject.name,)) if subject.kind == "Group" else User(subject.user)
            others = {each for each in told if each.kind != "Group" and each.user == subject.user and subject.user}
            assert authorizer.rbac_allows(user, question) is (subject in told or bool(others)), (subject, question)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_rules_are_those_that_the_literal_authorizer_visits(seed: int) -> None:
    random = Random(seed)
    policy = policy_of(seed)
    compiled, literal = Authorizer(policy), LiteralAuthorizer(policy)
    for namespace in (*random_policies.NAMESPACES, ""):
        user = random_policies.user(random)
        assert compiled.rules_for(user, namespace) == list(literal.rules(user, namespace))


def test_remembered_shapes_are_bounded(monkeypatch: object) -> None:
    from transom.kube.authorizer import index

    policy, _ = read_policy(random_policies.policy(Random(1)))
    authorizer = Authorizer(policy)
    most = index.MAX_SHAPES
    index.MAX_SHAPES = 10
    try:
        for number in range(50):
            authorizer.allows(User("alice"), Question("get", resource=f"r{number}"))
        assert len(authorizer._index._shapes) <= 10
    finally:
        index.MAX_SHAPES = most


def test_master_is_never_refused() -> None:
    assert Authorizer(Policy()).allows(User("x", ("system:masters",)), Question("nuke", resource="everything"))


def test_rule_prints_as_it_is_written() -> None:
    import msgspec

    rule = PolicyRule(("get",), ("",), ("pods",))
    assert msgspec.to_builtins(rule) == {"verbs": ("get",), "apiGroups": ("",), "resources": ("pods",)}
