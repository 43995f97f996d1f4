"""Lists: whole where that can be, and told what is missing where it cannot."""

from __future__ import annotations

import pytest

from tests.kube.client.script import Script, Scripted, page, status
from transom.kube.client import ForbiddenError, GoneError, Listing, Resource, UnreachableError, list_all
from transom.kube.client.lists import PAGE
from transom.kube.client.transport import Request

PODS = Resource("", "v1", "Pod", "pods", True)


def names(listing: Listing) -> list[str]:
    return [each["metadata"]["name"] for each in listing.objects]


def broken() -> UnreachableError:
    return UnreachableError("cannot reach the API server", "connection reset", "try again")


def test_pages_are_read_to_the_last_one() -> None:
    script = Script([page(["a", "b"], "t1"), page(["c"], "t2"), page(["d"])])
    listing = list_all(script.client(), PODS)
    assert names(listing) == ["a", "b", "c", "d"]
    assert (listing.error, listing.resource_version) == (None, "7")
    assert [request.path for request in script.asked] == [
        f"/api/v1/pods?limit={PAGE}",
        f"/api/v1/pods?limit={PAGE}&continue=t1",
        f"/api/v1/pods?limit={PAGE}&continue=t2",
    ]


def test_a_namespace_is_listed_by_itself() -> None:
    script = Script([page([])])
    list_all(script.client(), PODS, "shop")
    assert script.asked[0].path.startswith("/api/v1/namespaces/shop/pods?")


def test_objects_of_a_list_say_what_they_are() -> None:
    listing = list_all(Script([page(["a"])]).client(), PODS)
    assert (listing.objects[0]["apiVersion"], listing.objects[0]["kind"]) == ("v1", "Pod")


def test_an_expired_token_begins_the_list_again_and_nothing_is_twice() -> None:
    script = Script([page(["a"], "t1"), status(410, "Expired", "the token is too old"), page(["a"], "t2"), page(["b"])])
    listing = list_all(script.client(), PODS)
    assert names(listing) == ["a", "b"]
    assert listing.error is None


def test_a_list_that_expires_again_and_again_is_asked_for_in_one_piece() -> None:
    expired = [page(["a"], "t1"), status(410, "Expired", "too old")]
    script = Script([*expired, *expired, page(["a", "b"])])
    listing = list_all(script.client(), PODS)
    assert names(listing) == ["a", "b"]
    assert script.asked[-1].path == "/api/v1/pods"


def test_a_list_that_never_stays_is_told_as_expired() -> None:
    listing = list_all(Script(lambda _: status(410, "Expired", "too old")).client(), PODS)
    assert isinstance(listing.error, GoneError)


def test_what_was_read_before_the_server_died_is_kept() -> None:
    script = Script([page(["a", "b"], "t1"), *[broken() for _ in range(4)]])
    listing = list_all(script.client(), PODS)
    assert names(listing) == ["a", "b"]
    assert isinstance(listing.error, UnreachableError)
    assert listing.resource_version == ""


def test_a_page_that_breaks_off_is_asked_for_again() -> None:
    torn = Scripted(200, [b'{"items":[{"meta'], error=broken())
    listing = list_all(Script([page(["a"], "t1"), torn, page(["b"])]).client(), PODS)
    assert names(listing) == ["a", "b"]
    assert listing.error is None


def test_a_refusal_names_the_permission_in_the_servers_own_words() -> None:
    told = 'pods is forbidden: User "eve" cannot list resource "pods" in API group "" at the cluster scope'
    listing = list_all(Script([status(403, "Forbidden", told)]).client(), PODS)
    assert isinstance(listing.error, ForbiddenError)
    assert 'User "eve" cannot list resource "pods"' in listing.error.why
    assert "transom permissions" in listing.error.next_step


def test_pages_too_large_to_hold_are_asked_for_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.kube.client.client.MAX_ANSWER_BYTES", 1_000)

    def answer(request: Request) -> Scripted:
        return Scripted(200, b" " * 2_000) if f"limit={PAGE}" in request.path else page(["a"])

    listing = list_all(Script(answer).client(), PODS)
    assert names(listing) == ["a"]


def test_one_object_larger_than_can_be_held_is_an_error_not_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.kube.client.client.MAX_ANSWER_BYTES", 1_000)
    listing = list_all(Script(lambda _: Scripted(200, b" " * 2_000)).client(), PODS)
    assert listing.error is not None
    assert "larger than 64 MiB" in listing.error.why


@pytest.mark.parametrize("body", [b"<html>login</html>", b"\xff\xfe", b"[" * 10_000, b'{"items": 7}'])
def test_an_answer_that_is_no_list_is_told(body: bytes) -> None:
    listing = list_all(Script([Scripted(200, body)]).client(), PODS)
    assert listing.error is not None
    assert "no JSON of Kubernetes" in listing.error.why


def test_an_object_that_cannot_be_decoded_costs_no_other() -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    body = (
        b'{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"spec":%s},{"metadata":{"name":"\\ud800"}}]}'
        % deep
    )
    listing = list_all(Script([Scripted(200, body)]).client(), PODS)
    assert names(listing) == ["a"] or listing.error is not None
    assert listing.unreadable or listing.error
