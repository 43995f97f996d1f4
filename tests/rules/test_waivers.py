"""Exceptions of transom.yaml: what they accept, and what is told of those that accept nothing."""

from __future__ import annotations

from datetime import date

import pytest

from transom.inventory import Inventory, Origin
from transom.model.findings import Accepted, Finding, Judged
from transom.model.places import Locator
from transom.rules.waivers import Waiver, with_waivers

TODAY = date(2026, 11, 25)
HERE = Locator("transom.yaml", 3, 1)


@pytest.fixture
def results(policy, pod):
    """Judge two pods, the second with two containers, by one policy that none passes."""
    inventory = Inventory()
    inventory.add(pod(name="web", labels={"app": "web"}), Origin("here", "deploy/web.yaml"))
    containers = [{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]
    inventory.add(pod(*containers, name="db", namespace="data"), Origin("here", "deploy/db.yaml"))
    rule = policy("object.spec.containers.all(c, has(c.tty))")

    def run(*waivers: Waiver, today: date = TODAY):
        from transom.rules.judge import judge

        return list(with_waivers(judge(inventory, [rule]), waivers, inventory, today))

    return run


def waiver(**fields) -> Waiver:
    return Waiver(**{"rule": "rule", "reason": "known", "locator": HERE, **fields})


def accepted(found) -> set[str]:
    return {f"{each.finding.ref.name}/{each.finding.container}" for each in found if isinstance(each, Accepted)}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, {"web/app", "db/a", "db/b"}),
        ({"kind": "Pod", "name": "d*"}, {"db/a", "db/b"}),
        ({"namespace": "data", "container": "a"}, {"db/a"}),
        ({"labels": "app in (web)"}, {"web/app"}),
        ({"file": "deploy/w*.yaml"}, {"web/app"}),
        ({"path": "spec.containers[1]"}, {"db/b"}),
        ({"path": "spec.container"}, set()),
        ({"kind": "Deployment"}, set()),
        ({"rule": "other"}, set()),
    ],
)
def test_all_parts_of_the_scope_must_fit(results, fields, wanted):
    assert accepted(results(waiver(**fields))) == wanted


def test_who_accepted_and_until_when_is_told(results):
    (first, *_) = [e for e in results(waiver(owner="sre", expires=date(2027, 1, 1))) if isinstance(e, Accepted)]
    assert (first.reason, first.locator) == ("known (owner sre, until 2027-01-01)", HERE)


def test_the_last_day_still_counts_and_the_next_does_not(results):
    ends = waiver(expires=TODAY)
    assert accepted(results(ends))
    found = results(ends, today=date(2026, 11, 26))
    assert not accepted(found)
    (told,) = [each for each in found if isinstance(each, Finding) and each.rule == "exception-expired"]
    assert (told.place, told.message) == (HERE, "it expired on 2026-11-25")


def test_one_that_accepts_nothing_is_told_where_its_rule_has_judged(results):
    found = [each.rule for each in results(waiver(name="gone"), waiver(rule="other")) if isinstance(each, Finding)]
    assert found.count("exception-unused") == 1


def test_everything_else_passes_through(results):
    plain = results()
    assert [each for each in results(waiver(rule="other")) if not isinstance(each, Accepted)] == plain
    assert any(isinstance(each, Judged) for each in plain)
