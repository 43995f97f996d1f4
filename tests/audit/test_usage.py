"""Usage: which questions were asked, how often, and over which time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from transom.audit import usage
from transom.audit.log import AuditLog
from transom.audit.usage import UsageTable
from transom.model.events import Event

Line = Callable[..., bytes]


def table_of(folder: Path, *lines: bytes) -> UsageTable:
    (folder / "audit.log").write_bytes(b"".join(lines))
    table = UsageTable()
    for event in AuditLog().read([str(folder / "audit.log")]):
        assert isinstance(event, Event)
        table.add(event)
    return table


def test_equal_requests_are_counted_together(tmp_path: Path, line: Line) -> None:
    table = table_of(
        tmp_path,
        line("get", name="a", requestReceivedTimestamp="2026-03-02T00:00:00Z"),
        line("get", name="a", requestReceivedTimestamp="2026-03-01T00:00:00Z"),
        line("get", name="b"),
    )
    first, second = table.uses()
    assert (first.question.name, first.seen.count, second.question.name) == ("a", 2, "b")
    assert first.seen.last_s - first.seen.first_s == 86_400


def test_the_name_of_what_is_created_was_not_asked_for_but_of_a_subresource_it_was(tmp_path: Path, line: Line) -> None:
    target = {"resource": "pods", "namespace": "shop", "name": "a", "subresource": "exec"}
    table = table_of(tmp_path, line("create", name="new"), line("create", objectRef=target), line("list", name="x"))
    assert [(use.question.subresource, use.question.name) for use in table.uses()] == [
        ("", ""),
        ("exec", "a"),
        ("", "x"),
    ]


def test_what_was_denied_is_no_use(tmp_path: Path, line: Line) -> None:
    denied = {"authorization.k8s.io/decision": "forbid"}
    table = table_of(tmp_path, line(annotations=denied), line(annotations={}, responseStatus=None))
    assert list(table.uses()) == []
    assert (table.denied, table.undecided) == (1, 1)


def test_acting_in_anothers_name_is_a_use_of_impersonate(tmp_path: Path, line: Line) -> None:
    bob = {"username": "bob", "groups": ["devs", "system:authenticated"]}
    forbidden = {"authorization.k8s.io/decision": "forbid"}
    table = table_of(tmp_path, line(impersonatedUser=bob, annotations=forbidden))
    asked = [(use.user.name, use.question.verb, use.question.resource, use.question.name) for use in table.uses()]
    web = "system:serviceaccount:shop:web"
    assert asked == [(web, "impersonate", "users", "bob"), (web, "impersonate", "groups", "devs")]


def test_hours_of_silence_are_gaps(tmp_path: Path, line: Line) -> None:
    times = ("2026-03-01T00:00:00Z", "2026-03-01T00:30:00Z", "2026-03-01T12:30:00Z", "2026-03-01T13:00:00Z")
    period = table_of(tmp_path, *(line(requestReceivedTimestamp=time) for time in times)).period()
    assert period is not None
    assert len(period.gaps) == 1
    assert period.watched_s() == pytest.approx(3_600, abs=120)
    assert period.coverage(7_200) == pytest.approx(0.5, abs=0.02)


def test_clocks_that_go_backwards_change_no_count(tmp_path: Path, line: Line) -> None:
    table = table_of(
        tmp_path,
        line(requestReceivedTimestamp="2026-03-05T00:00:00Z"),
        line(requestReceivedTimestamp="2026-03-04T23:59:00Z"),
        line(requestReceivedTimestamp=None, stageTimestamp=None),
    )
    (use,) = table.uses()
    assert use.seen.count == 3


def test_too_many_different_requests_are_told(tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "MAX_SHAPES", 2)
    table = table_of(tmp_path, *(line(name=name) for name in "abcd"))
    assert (len(table), table.overflow) == (2, 2)


def test_identifiers_and_extra_values_of_another_are_asked_for_too(tmp_path: Path, line: Line) -> None:
    bob = {"username": "bob", "uid": "7", "groups": ["system:authenticated"], "extra": {"scopes": ["view"]}}
    asked = {
        (use.question.group, use.question.resource, use.question.subresource, use.question.name)
        for use in table_of(tmp_path, line(impersonatedUser=bob)).uses()
        if use.question.verb == "impersonate"
    }
    assert asked == {
        ("", "users", "", "bob"),
        ("authentication.k8s.io", "uids", "", "7"),
        ("authentication.k8s.io", "userextras", "scopes", "view"),
    }


def test_constrained_impersonation_asks_for_whom_and_for_what(tmp_path: Path, line: Line) -> None:
    made = line(
        impersonatedUser={"username": "bob", "groups": ["system:authenticated"]},
        authenticationMetadata={"impersonationConstraint": "impersonate:user-info"},
    )
    asked = {(use.question.verb, use.question.resource) for use in table_of(tmp_path, made).uses()}
    assert ("impersonate:user-info", "users") in asked
    assert any(verb.startswith("impersonate-on:user-info:") for verb, _ in asked)
    assert not any(verb == "impersonate" for verb, _ in asked)
