"""Requests: who asks, how often, and what a person is told when it does not work."""

from __future__ import annotations

import pytest

from tests.kube.client.script import Script, Scripted, status
from transom.kube.client import ApiError, UnauthorizedError, UnreachableError
from transom.kube.client.client import LONGEST_PAUSE_S
from transom.kube.client.credentials import Credential, Credentials
from transom.kube.client.kubeconfig import User

GOOD = Scripted(200, {"gitVersion": "v1.36.3"})


def test_a_token_goes_with_each_request() -> None:
    script = Script([GOOD])
    script.client(User(token="t0ken")).version()
    assert script.header(0, "Authorization") == ["Bearer t0ken"]


def test_impersonation_names_user_groups_and_extras() -> None:
    script = Script([GOOD])
    user = User(as_user="jane", as_groups=["dev", "ops"], as_uid="7", as_user_extra={"scopes/x": ["read"]})
    script.client(user).version()
    assert script.header(0, "Impersonate-User") == ["jane"]
    assert script.header(0, "Impersonate-Group") == ["dev", "ops"]
    assert script.header(0, "Impersonate-Uid") == ["7"]
    assert script.header(0, "Impersonate-Extra-scopes%2Fx") == ["read"]


def test_a_token_with_a_line_break_is_refused_before_it_travels() -> None:
    with pytest.raises(Exception, match="characters that no token has"):
        Script([GOOD]).client(User(token="a\r\nImpersonate-User: root")).version()


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    pauses: list[float] = []
    busy = Scripted(429, b"", {"retry-after": "3"})
    Script([busy, busy, GOOD]).client(pauses=pauses).version()
    assert pauses == [3.0, 3.0]


def test_no_server_makes_us_wait_for_long() -> None:
    pauses: list[float] = []
    Script([Scripted(503, b"", {"retry-after": "99999"}), GOOD]).client(pauses=pauses).version()
    assert pauses == [LONGEST_PAUSE_S]


def test_a_server_that_stays_busy_is_an_error() -> None:
    with pytest.raises(ApiError) as raised:
        Script(lambda _: Scripted(429, b"slow down")).client().version()
    assert raised.value.status == 429
    assert raised.value.why == "slow down"


def test_a_connection_that_was_reset_is_tried_again() -> None:
    reset = UnreachableError("cannot reach the API server", "connection reset by peer", "")
    assert Script([reset, reset, GOOD]).client().version().git_version == "v1.36.3"


def test_a_question_that_creates_something_is_not_asked_twice() -> None:
    script = Script([UnreachableError("cannot reach the API server", "reset", ""), GOOD])
    with pytest.raises(UnreachableError):
        script.client().post("/api/v1/namespaces", {})
    assert len(script.asked) == 1


def test_a_token_that_expires_in_between_is_renewed_once() -> None:
    tokens = iter(["old", "new"])
    credentials = Credentials(lambda: Credential(f"Bearer {next(tokens)}"))
    script = Script([status(401, "Unauthorized", "Unauthorized"), GOOD])
    script.client(credentials=credentials).version()
    assert script.header(1, "Authorization") == ["Bearer new"]


def test_a_user_that_the_server_does_not_know_is_told_so_at_once() -> None:
    script = Script(lambda _: status(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(UnauthorizedError) as raised:
        script.client(User(token="t")).version()
    assert len(script.asked) == 1
    assert "log in again" in raised.value.next_step


def test_renewed_credentials_that_are_refused_too_end_the_matter() -> None:
    tokens = iter("abcdefgh")
    script = Script(lambda _: status(401, "Unauthorized", "Unauthorized"))
    with pytest.raises(UnauthorizedError):
        script.client(credentials=Credentials(lambda: Credential(f"Bearer {next(tokens)}"))).version()
    assert len(script.asked) == 2


def test_another_certificate_means_another_connection() -> None:
    made = iter([Credential(certificate=b"1", key=b"k"), Credential(certificate=b"2", key=b"k")])
    script = Script([status(401, "Unauthorized", "Unauthorized"), GOOD])
    script.client(credentials=Credentials(lambda: next(made))).version()
    assert [each.certificate for each in script.identities] == [b"1", b"2"]


def test_a_page_of_html_is_not_shown_as_the_reason() -> None:
    with pytest.raises(ApiError) as raised:
        Script([Scripted(404, b"<html><body>nginx</body></html>")]).client().version()
    assert raised.value.why == "HTTP status 404"
