"""One watch: its events, and each way in which it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.kube.client.script import Script, Scripted
from transom.kube.client import Event, GoneError, Resource, UnreachableError, UnreadableError, watch

PODS = Resource("", "v1", "Pod", "pods", True)


def line(change: str, name: str, version: str) -> bytes:
    return (
        json.dumps({"type": change, "object": {"metadata": {"name": name, "resourceVersion": version}}}).encode()
        + b"\n"
    )


def events(*chunks: bytes, error: Exception | None = None) -> list[Event]:
    return list(watch(Script([Scripted(200, list(chunks), error=error)]).client(), PODS, "5"))


def test_events_come_with_the_version_to_go_on_from() -> None:
    found = events(line("ADDED", "a", "6") + line("DELETED", "a", "7") + line("BOOKMARK", "", "9"))
    assert [(each.change, each.resource_version) for each in found] == [
        ("ADDED", "6"),
        ("DELETED", "7"),
        ("BOOKMARK", "9"),
    ]
    assert found[0].object["kind"] == "Pod"
    assert found[2].object == {}


def test_events_may_be_torn_between_reads() -> None:
    text = line("ADDED", "a", "6") + line("MODIFIED", "a", "7")
    assert len(events(*[text[index : index + 1] for index in range(len(text))])) == 2


def test_a_watch_asks_for_bookmarks_and_for_an_end() -> None:
    script = Script([Scripted(200, b"")])
    list(watch(script.client(), PODS, "5", namespace="shop"))
    asked = script.asked[0]
    assert asked.path.startswith("/api/v1/namespaces/shop/pods?")
    for part in ("watch=1", "allowWatchBookmarks=true", "resourceVersion=5", "timeoutSeconds="):
        assert part in asked.path
    assert asked.silence_s > 60


def test_a_version_no_longer_kept_is_told_as_gone() -> None:
    gone: dict[str, Any] = {
        "type": "ERROR",
        "object": {"kind": "Status", "code": 410, "message": "too old resource version"},
    }
    with pytest.raises(GoneError):
        events(json.dumps(gone).encode() + b"\n")


def test_silence_is_told_after_what_came_before_it() -> None:
    script = Script([Scripted(200, [line("ADDED", "a", "6")], error=UnreachableError("broke off", "timed out", ""))])
    stream = watch(script.client(), PODS, "5")
    assert next(stream).change == "ADDED"
    with pytest.raises(UnreachableError):
        next(stream)


def test_a_stream_that_ends_within_an_event_is_broken() -> None:
    with pytest.raises(UnreachableError):
        events(line("ADDED", "a", "6")[:-10])


@pytest.mark.parametrize("text", [b"rubbish\n", b'{"type":"NEW","object":{}}\n', b'{"type":"ADDED","object":7}\n'])
def test_what_is_no_event_is_told(text: bytes) -> None:
    with pytest.raises(UnreadableError):
        events(text)


def test_closing_the_generator_gives_the_connection_back() -> None:
    answer = Scripted(200, [line("ADDED", "a", "6"), line("ADDED", "b", "7")])
    stream = watch(Script([answer]).client(), PODS, "5")
    next(stream)
    stream.close()
    assert answer.closed
