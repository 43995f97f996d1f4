"""The real transport against servers that misbehave: each fault is told with its cause and the next step."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.kube.client.hostile import Behaviour, Exchange, serving
from transom.kube.client import Client, Resource, UnreachableError, list_all, watch
from transom.kube.client.kubeconfig import Cluster, Target, User
from transom.kube.scratch.certificates import Authority, Pair

PODS = Resource("", "v1", "Pod", "pods", True)
ITEM = {"metadata": {"name": "a"}}


def version(exchange: Exchange) -> None:
    exchange.answer({"gitVersion": "v1.36.3"})


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def client_of(cluster: Cluster, user: User | None = None, timeout_s: float = 0.0) -> Client:
    return Client(Target("test", cluster, user or User()), request_timeout_s=timeout_s, sleep=lambda _: None)


@contextmanager
def cluster(behave: Behaviour, pair: Pair, authority: Authority, **settings: object) -> Iterator[Cluster]:
    with serving(behave, pair) as (address, _):
        yield Cluster(address, certificate_authority_data=text(authority.pem), **settings)  # type: ignore[arg-type]


AUTHORITY = Authority("test")
SERVER = AUTHORITY.server("api", ("127.0.0.1",))


def test_a_server_with_a_certificate_of_the_clusters_authority_is_trusted() -> None:
    with cluster(version, SERVER, AUTHORITY) as here, client_of(here) as client:
        assert client.version().git_version == "v1.36.3"


def test_a_server_of_another_authority_is_not_trusted_and_not_asked_twice() -> None:
    with cluster(version, SERVER, Authority("other")) as here, pytest.raises(UnreachableError) as raised:
        client_of(here).version()
    assert "certificate is not trusted" in raised.value.why
    assert "certificate-authority" in raised.value.next_step


def test_an_expired_certificate_is_told_as_expired() -> None:
    old = AUTHORITY.server("api", ("127.0.0.1",), timedelta(seconds=-1))
    with cluster(version, old, AUTHORITY) as here, pytest.raises(UnreachableError) as raised:
        client_of(here).version()
    assert "certificate has expired" in raised.value.why
    assert raised.value.next_step == "renew the API server's certificate"


def test_a_certificate_of_another_name_is_told_with_the_setting_that_helps() -> None:
    other = AUTHORITY.server("api", ("api.example",))
    with cluster(version, other, AUTHORITY) as here, pytest.raises(UnreachableError) as raised:
        client_of(here).version()
    assert "tls-server-name" in raised.value.next_step
    with cluster(version, other, AUTHORITY, tls_server_name="api.example") as here:
        assert client_of(here).version().git_version == "v1.36.3"


def test_verification_is_left_out_only_where_that_is_asked_for() -> None:
    with serving(version, SERVER) as (address, _):
        assert client_of(Cluster(address, insecure_skip_tls_verify=True)).version().git_version == "v1.36.3"


def test_a_server_that_speaks_no_tls_is_told() -> None:
    with serving(version) as (address, _), pytest.raises(UnreachableError) as raised:
        client_of(Cluster(address.replace("http:", "https:"))).version()
    assert "TLS" in raised.value.next_step


def test_a_port_where_nobody_listens_is_told() -> None:
    with pytest.raises(UnreachableError) as raised:
        client_of(Cluster("https://127.0.0.1:1")).version()
    assert raised.value.why == "Connection refused"


def test_a_name_that_does_not_resolve_is_told() -> None:
    with pytest.raises(UnreachableError) as raised:
        client_of(Cluster("https://nowhere.invalid")).version()
    assert "check that the server" in raised.value.next_step


def test_a_connection_that_is_reset_within_a_page_is_asked_again() -> None:
    turn = iter(range(10))

    def behave(exchange: Exchange) -> None:
        if next(turn) == 0:
            exchange.begin(1_000)
            exchange.wfile.write(b'{"items":[')
            exchange.reset()
        else:
            exchange.answer({"items": [ITEM]})

    with serving(behave) as (address, _):
        listing = list_all(client_of(Cluster(address)), PODS)
    assert (len(listing.objects), listing.error) == (1, None)


def test_a_body_that_ends_early_is_never_taken_for_whole() -> None:
    def behave(exchange: Exchange) -> None:
        exchange.begin(1_000)
        exchange.wfile.write(b'{"items":[]}')
        exchange.close_connection = True

    with serving(behave) as (address, _):
        listing = list_all(client_of(Cluster(address)), PODS)
    assert isinstance(listing.error, UnreachableError)


def test_a_server_that_never_answers_is_given_up() -> None:
    release = threading.Event()
    with serving(lambda _: release.wait(20) and None) as (address, _), pytest.raises(UnreachableError) as raised:
        try:
            client_of(Cluster(address), timeout_s=0.05).version()
        finally:
            release.set()
    assert "timed out" in raised.value.why


def test_a_body_that_drips_is_given_up_at_the_deadline() -> None:
    release = threading.Event()

    def behave(exchange: Exchange) -> None:
        exchange.begin(10_000)
        for _ in range(1_000):
            exchange.wfile.write(b" ")
            if release.wait(0.01):
                break

    with serving(behave) as (address, _), pytest.raises(UnreachableError) as raised:
        try:
            client_of(Cluster(address), timeout_s=0.1).version()
        finally:
            release.set()
    assert "took too long" in raised.value.why


def test_a_watch_that_falls_silent_is_noticed() -> None:
    release = threading.Event()

    def behave(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.end_headers()
        exchange.wfile.write(b'{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n')
        release.wait(20)

    with serving(behave) as (address, _):
        stream = watch(client_of(Cluster(address)), PODS, "5", silence_s=0.1)
        try:
            assert next(stream).change == "ADDED"
            with pytest.raises(UnreachableError):
                next(stream)
        finally:
            release.set()


def test_a_server_below_a_path_is_reached_there() -> None:
    with serving(version) as (address, asked):
        client_of(Cluster(f"{address}/k8s/clusters/c-1")).version()
    assert asked == ["/k8s/clusters/c-1/version"]


def test_a_redirect_is_not_followed_with_credentials() -> None:
    def behave(exchange: Exchange) -> None:
        exchange.answer(b"", 302, Location="http://127.0.0.1:1/steal")

    with serving(behave) as (address, _), pytest.raises(Exception, match="HTTP status 302"):
        client_of(Cluster(address), User(token="t")).version()


def test_a_proxy_of_the_kubeconfig_is_used() -> None:
    with serving(version) as (address, asked):
        here = Cluster("http://cluster.example:8080", proxy_url=address)
        assert client_of(here).version().git_version == "v1.36.3"
    assert asked == ["http://cluster.example:8080/version"]


def test_a_client_certificate_that_is_none_is_told() -> None:
    with (
        cluster(version, SERVER, AUTHORITY) as here,
        pytest.raises(Exception, match="cannot use the client certificate"),
    ):
        client_of(here, User(client_certificate_data=text(b"x"), client_key_data=text(b"y"))).version()
