"""Choosing rules by their ids."""

from __future__ import annotations

import pytest

from transom.model.errors import UsageError
from transom.rules.select import select


@pytest.fixture
def three(pack, policy_object):
    return pack(*(policy_object("true", name=name) for name in ("one", "two", "three")))


@pytest.mark.parametrize(
    ("only", "without", "kept"),
    [
        ((), (), ["one", "two", "three"]),
        (("two",), (), ["two"]),
        ((), ("two",), ["one", "three"]),
        (("one", "two"), ("two",), ["one"]),
    ],
)
def test_rules_are_chosen_by_id(three, only, without, kept):
    assert [policy.id for policy in select(three, only, without).policies] == kept


@pytest.mark.parametrize(("only", "without"), [(("thre",), ()), ((), ("thre",))])
def test_an_unknown_id_is_a_usage_error_that_names_close_ones(three, only, without):
    with pytest.raises(UsageError, match="did you mean three"):
        select(three, only, without)


def test_an_id_unlike_any_points_to_the_list(three):
    with pytest.raises(UsageError, match="transom rules list"):
        select(three, ["zzzz"])
