"""Granted beside used: what is surplus, what would be enough, and what replay says of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transom.audit.usage import UsageTable
from transom.kube.authorizer import Authorizer, Binding, BoundSubject, Policy, PolicyRule, Role, covers
from transom.least.rbac import Account, accounts, manifests, proposal, replay
from transom.least.roles import LEVELS, Level
from transom.model.events import Action, Actor, Event
from transom.model.findings import Skipped
from transom.model.refs import Ref

WEB = BoundSubject("ServiceAccount", "web", "shop")
DAY_S = 86_400.0
READER = PolicyRule(("get", "list"), ("",), ("pods", "secrets"))


def policy(rules: Sequence[PolicyRule], namespace: str = "shop", subjects: tuple[BoundSubject, ...] = (WEB,)) -> Policy:
    role = Role("", "r", tuple(rules))
    return Policy({role.key: role}, [Binding(namespace, "b", "ClusterRole", "r", subjects)])


def event(
    verb: str, resource: str, name: str = "", namespace: str = "shop", day: float = 1.0, **fields: object
) -> Event:
    groups = ("system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated")
    made = {
        "id": "",
        "time_s": day * DAY_S,
        "actor": Actor(WEB.user, groups),
        "action": Action(verb, "", resource),
        "object": Ref(namespace=namespace, name=name),
        "outcome": "allowed",
    }
    return Event(**(made | fields))  # type: ignore[arg-type]


def table(*events: Event) -> UsageTable:
    made = UsageTable()
    beats = [event("get", "/", day=minute / 48, actor=Actor("system:apiserver")) for minute in range(48, 48 * 12)]
    for each in (*beats, *events):  # an API server is never silent for an hour
        made.add(each)
    return made


def compared(
    present: Policy, used: UsageTable, level: Level = "tight", days: float = 7
) -> tuple[list[Account], list[Skipped]]:
    found = list(accounts(Authorizer(present), used, days * DAY_S, level))
    return [e for e in found if isinstance(e, Account)], [e for e in found if isinstance(e, Skipped)]


def test_what_nobody_asked_for_is_surplus() -> None:
    (account,), _ = compared(policy([READER]), table(event("get", "pods", "a")))
    (surplus,) = account.surplus
    assert {(atom.verbs[0], atom.resources[0]) for atom in surplus.unused} == {
        ("list", "pods"),
        ("get", "secrets"),
        ("list", "secrets"),
    }
    assert not surplus.whole


def test_a_use_counts_for_its_own_subject_only() -> None:
    other = BoundSubject("ServiceAccount", "other", "shop")
    found, _ = compared(policy([READER], subjects=(WEB, other)), table(event("get", "pods", "a")))
    assert {account.subject.name: account.unused for account in found} == {"web": 3, "other": 4}


def test_a_groups_grant_is_used_by_its_members() -> None:
    group = BoundSubject("Group", "devs")
    member = Actor("ann", ("devs", "system:authenticated"))
    used = table(event("get", "pods", "a", actor=member))
    (account,), _ = compared(policy([READER], subjects=(group,)), used)
    assert account.unused == 3


def test_who_was_hardly_watched_is_skipped_and_not_unused() -> None:
    found, (skipped,) = compared(policy([READER]), table(event("get", "pods")), days=30)
    assert found == []
    assert "11.0 of 30.0 days" in skipped.reason


def test_a_request_that_failed_later_was_a_use() -> None:
    (account,), _ = compared(policy([READER]), table(event("get", "pods", "a", code=404)))
    assert account.unused == 3


def test_the_tight_role_names_what_was_named() -> None:
    used = table(event("get", "secrets", "db"), event("list", "pods"))
    (account,), _ = compared(policy([READER]), used)
    (scope,) = account.scopes
    assert scope.namespace == "shop"
    assert set(scope.rules) == {
        PolicyRule(("list",), ("",), ("pods",)),
        PolicyRule(("get",), ("",), ("secrets",), ("db",)),
    }


def test_generated_names_are_not_named() -> None:
    (account,), _ = compared(policy([READER]), table(event("get", "pods", "web-7d4b9c6f5d-x2x8k")))
    assert account.scopes[0].rules == (PolicyRule(("get",), ("",), ("pods",)),)


def test_the_steady_role_reads_as_a_whole_as_far_as_granted() -> None:
    used = table(event("get", "pods", "a"), event("get", "secrets", "db"))
    (account,), _ = compared(policy([READER]), used, "steady")
    assert set(account.scopes[0].rules) == {
        PolicyRule(("get", "list"), ("",), ("pods",)),  # watch was not granted
        PolicyRule(("get", "list"), ("",), ("secrets",), ("db",)),
    }


def test_names_that_the_grant_tells_stay() -> None:
    named = PolicyRule(("get",), ("",), ("pods",), ("a", "web-7d4b9c6f5d-x2x8k"))
    used = table(event("get", "pods", "web-7d4b9c6f5d-x2x8k"))
    for level in LEVELS:
        (account,), _ = compared(policy([named]), used, level)
        assert account.scopes[0].rules == (PolicyRule(("get",), ("",), ("pods",), ("web-7d4b9c6f5d-x2x8k",)),)


def test_a_cluster_wide_grant_used_in_one_namespace_becomes_a_role_there() -> None:
    (account,), _ = compared(policy([READER], namespace=""), table(event("get", "pods", "a")))
    assert [scope.namespace for scope in account.scopes] == ["shop"]


def test_the_proposal_keeps_others_in_their_binding_and_names_what_goes() -> None:
    ann = BoundSubject("User", "ann")
    present = policy([PolicyRule(("get",), ("",), ("pods",))], subjects=(WEB, ann))
    used = table(*(event("get", "pods", "a", actor=Actor("ann", ("system:authenticated",))) for _ in range(2)))
    found, _ = compared(present, used)
    made = proposal(present, [account for account in found if account.subject == WEB])
    assert [binding.subjects for binding in made.kept] == [(ann,)]
    assert made.removed == ()
    gone = proposal(policy([READER]), compared(policy([READER]), table())[0])
    assert [binding.name for binding in gone.removed] == ["b"]
    assert gone.roles == ()


def test_replay_tells_what_would_be_denied() -> None:
    present = policy([READER])
    used = table(event("get", "pods", "a"))
    made = proposal(present, compared(present, used)[0])
    later = table(event("get", "pods", "a"), event("list", "secrets"), event("delete", "nodes", namespace=""))
    proof = replay(Authorizer(present), made, later)
    assert [str(use.permission) for use in proof.denied] == ["list secrets in shop"]
    assert "delete nodes" in [str(use.permission) for use in proof.unexplained]
    assert not proof.proven


def test_what_is_written_is_what_was_meant() -> None:
    from transom.kube.authorizer import read_policy

    present = policy([READER], namespace="")
    used = table(event("get", "pods", "a"), event("get", "secrets", "db", namespace="other"))
    made = proposal(present, compared(present, used)[0])
    read, refused = read_policy(manifests(made))
    assert refused == []
    assert set(read.roles) == {role.key for role in made.roles}
    assert {role.rules for role in read.roles.values()} == {role.rules for role in made.roles}


WORDS = st.sampled_from
RULES = st.builds(
    PolicyRule,
    st.lists(WORDS(["get", "list", "watch", "create", "delete", "*"]), min_size=1, max_size=3).map(tuple),
    st.just(("",)),
    st.lists(WORDS(["pods", "secrets", "configmaps", "*"]), min_size=1, max_size=2).map(tuple),
    st.lists(WORDS(["a", "b", "web-7d4b9c6f5d-x2x8k"]), max_size=2).map(tuple),
)
EVENTS = st.builds(
    event,
    WORDS(["get", "list", "watch", "create", "delete"]),
    WORDS(["pods", "secrets", "configmaps"]),
    WORDS(["", "a", "b", "web-7d4b9c6f5d-x2x8k"]),
    WORDS(["shop", "other", "third", "fourth", ""]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=4), WORDS(["", "shop"]), st.lists(EVENTS, max_size=15), WORDS(LEVELS))
@pytest.mark.filterwarnings("ignore")
def test_a_proposal_denies_nothing_recorded_and_allows_nothing_new(
    rules: list[PolicyRule], namespace: str, events: list[Event], level: Level
) -> None:
    present = policy(rules, namespace)
    used = table(*events)
    found, _ = compared(present, used, level)
    made = proposal(present, found)
    assert made.beyond == ()
    assert replay(Authorizer(present), made, used).denied == ()
    for account in found:
        held = [grant.rule for grant in account.grants]
        assert all(covers(held, scope.rules) for scope in account.scopes)


@pytest.mark.parametrize(
    ("granted", "unused"),
    [
        (PolicyRule(("*",), ("",), ("pods",)), {("list", "pods"), ("delete", "pods"), ("create", "pods")}),
        (PolicyRule(("get",), ("",), ("*",)), {("get", "*")}),
        (PolicyRule(("*",), ("*",), ("*",)), {("*", "*")}),
    ],
)
def test_a_star_is_wider_than_what_was_used_of_it(granted: PolicyRule, unused: set[tuple[str, str]]) -> None:
    (account,), _ = compared(policy([granted]), table(event("get", "pods", "a")))
    (surplus,) = account.surplus
    assert unused <= {(atom.verbs[0], atom.resources[0]) for atom in surplus.unused}
    assert not surplus.whole
    assert account.scopes[0].rules == (PolicyRule(("get",), ("",), ("pods",), ("a",)),)


def test_what_everybody_may_do_is_nobodys_own_need() -> None:
    everybody = Binding("", "all", "ClusterRole", "all", (BoundSubject("Group", "system:authenticated"),))
    own = policy([PolicyRule(("get",), non_resource_urls=("/version",)), READER], namespace="")
    role = Role("", "all", (PolicyRule(("get",), non_resource_urls=("/version",)),))
    present = Policy({**own.roles, role.key: role}, [*own.bindings, everybody])
    used = table(event("get", "", action=Action("get", path="/version"), object=Ref()))
    (account,), _ = compared(present, used)
    assert account.scopes == ()
    made = proposal(present, [account])
    assert replay(Authorizer(present), made, used).proven


def test_who_came_later_was_watched_since_then() -> None:
    found = list(accounts(Authorizer(policy([READER])), table(), 7 * DAY_S, "tight", since_s={WEB: 10 * DAY_S}))
    assert all(isinstance(each, Skipped) for each in found)


def test_a_proposal_over_an_earlier_one_does_not_delete_what_it_writes() -> None:
    present = policy([READER])
    first = proposal(present, compared(present, table(event("get", "pods", "a"), event("get", "secrets", "b")))[0])
    applied = first.policy(present)
    used = table(event("get", "pods", "a"))
    second = proposal(applied, compared(applied, used)[0])
    assert second.bindings
    assert not second.removed
    assert len(second.policy(applied).bindings) == 1
