"""Logs as streams: files, folders, gzip, what is cut, and each request once."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

from transom.audit.log import AuditLog
from transom.model.events import Event
from transom.model.findings import Skipped

Line = Callable[..., bytes]


def read(*paths: Path) -> tuple[list[Event], list[Skipped]]:
    found = list(AuditLog(cluster="prod").read([str(path) for path in paths]))
    return [e for e in found if isinstance(e, Event)], [e for e in found if isinstance(e, Skipped)]


def test_an_event_tells_who_did_what_to_which_thing(tmp_path: Path, line: Line) -> None:
    (tmp_path / "a.log").write_bytes(line("get", "pods", "web-1", sourceIPs=["10.0.0.1"], userAgent="x"))
    (event,), _ = read(tmp_path / "a.log")
    assert event.actor.name == "system:serviceaccount:shop:web"
    assert (event.action.verb, event.action.resource) == ("get", "pods")
    assert str(event.object) == "k8s:prod@Pod/shop/web-1"
    assert (event.outcome, event.code, event.reason) == ("allowed", 200, "because")
    assert event.time_s == 1772359200.123456
    assert event.addresses == ("10.0.0.1",)


def test_rotated_and_gzipped_logs_of_a_folder_are_read_oldest_first(tmp_path: Path, line: Line) -> None:
    (tmp_path / "audit.log").write_bytes(line("list"))
    (tmp_path / "audit-old.log.gz").write_bytes(gzip.compress(line("get") + line("watch")))
    os.utime(tmp_path / "audit-old.log.gz", (1, 1))
    events, skipped = read(tmp_path)
    assert [event.action.verb for event in events] == ["get", "watch", "list"]
    assert skipped == []


def test_half_a_line_is_told_and_the_rest_counts(tmp_path: Path, line: Line) -> None:
    (tmp_path / "a.log").write_bytes(line() + line()[:100])
    events, (skipped,) = read(tmp_path / "a.log")
    assert len(events) == 1
    assert "cut off" in skipped.reason


def test_a_gzip_that_breaks_off_is_told_and_the_rest_counts(tmp_path: Path, line: Line) -> None:
    whole = gzip.compress(b"".join(line(name=f"{os.urandom(40).hex()}") for _ in range(2_000)))
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    events, skipped = read(tmp_path / "a.gz")
    assert 0 < len(events) < 2_000
    assert any("breaks off" in each.reason for each in skipped)


def test_a_file_of_something_else_is_told_in_few_words(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("hello\n" * 1_000)
    events, skipped = read(tmp_path / "a.log")
    assert events == []
    assert len(skipped) == 4
    assert "1,000" in skipped[-1].reason


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, (skipped,) = read(tmp_path / "gone.log")
    assert "No such file" in skipped.reason


def test_a_request_is_told_once_whatever_its_stages(tmp_path: Path, line: Line) -> None:
    (tmp_path / "a.log").write_bytes(
        line(stage="RequestReceived", auditID="w", verb="watch")
        + line(stage="ResponseStarted", auditID="w", verb="watch")
        + line(stage="ResponseComplete", auditID="w", verb="watch")
        + line(stage="RequestReceived", auditID="g")
        + line(stage="ResponseComplete", auditID="g")
    )
    events, _ = read(tmp_path / "a.log")
    assert [(event.id, event.action.verb) for event in events] == [("w", "watch"), ("g", "get")]


def test_the_decision_counts_and_not_the_status(tmp_path: Path, line: Line) -> None:
    (tmp_path / "a.log").write_bytes(
        line(responseStatus={"code": 404})
        + line(responseStatus={"code": 403})  # allowed, then refused by admission
        + line(annotations={"authorization.k8s.io/decision": "forbid"}, responseStatus={"code": 403})
        + line(annotations={}, responseStatus={"code": 409})
        + line(annotations={}, responseStatus={"code": 403})
        + line(annotations={}, responseStatus=None)
    )
    events, _ = read(tmp_path / "a.log")
    assert [event.outcome for event in events] == ["allowed", "allowed", "denied", "allowed", "denied", "unknown"]


def test_who_acts_in_anothers_name_is_told(tmp_path: Path, line: Line) -> None:
    (tmp_path / "a.log").write_bytes(line(impersonatedUser={"username": "bob", "groups": ["devs"]}))
    (event,), _ = read(tmp_path / "a.log")
    assert (event.actor.name, event.actor.groups) == ("bob", ("devs",))
    assert event.actor.by is not None
    assert event.actor.by.name == "system:serviceaccount:shop:web"


def test_a_url_is_told_without_its_query(tmp_path: Path, line: Line) -> None:
    (tmp_path / "a.log").write_bytes(line(objectRef=None, requestURI="/healthz/ping?verbose=1"))
    (event,), _ = read(tmp_path / "a.log")
    assert event.action.path == "/healthz/ping"
