"""The client against a real API server: what it serves, its pages, its watches, and its death."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from tests.cluster.api import Api
from tests.cluster.binary import binaries_or_skip
from transom.kube.client import (
    Access,
    Client,
    GoneError,
    Listing,
    Resource,
    UnauthorizedError,
    connect,
    discover,
    list_all,
    lists,
    watch,
)
from transom.kube.client.decoding import METADATA_LIST, OBJECTS, SECRETS, Shape
from transom.kube.client.kubeconfig import User, find_target
from transom.kube.client.lists import pages
from transom.kube.scratch import ControlPlane, Wishes

MAPS = Resource("", "v1", "ConfigMap", "configmaps", True)


@pytest.fixture
def client(control_plane: ControlPlane) -> Iterator[Client]:
    with connect(Access(kubeconfig=str(control_plane.kubeconfig()))) as made:
        yield made


def config_map(namespace: str, name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def fill(api: Api, namespace: str, count: int) -> None:
    api.namespace(namespace)
    for index in range(count):
        assert api.create(config_map(namespace, f"m{index}")).status == 201


def named(listing: Listing) -> list[str]:
    return [each["metadata"]["name"] for each in listing.objects if each["metadata"]["name"].startswith("m")]


def test_the_server_tells_its_version_and_what_it_serves(client: Client) -> None:
    assert client.version().git_version.startswith("v1.")
    served = discover(client)
    deployment = served.find("apps", "Deployment")
    assert deployment is not None
    assert (deployment.path("shop"), deployment.namespaced) == ("/apis/apps/v1/namespaces/shop/deployments", True)
    assert {"list", "watch"} <= set(deployment.verbs)
    assert not served.stale


def test_a_list_of_many_pages_is_whole(client: Client, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, "client-pages", 7)
    monkeypatch.setattr(lists, "LIMITS", (2, 2, 0))
    listing = list_all(client, MAPS, "client-pages")
    assert named(listing) == [f"m{index}" for index in range(7)]
    assert listing.error is None


@pytest.fixture(scope="module")
def forgetful() -> Iterator[ControlPlane]:
    """A server without a cache of its own: what etcd forgets is gone."""
    with ControlPlane(binaries_or_skip(), Wishes(flags={"kube-apiserver": {"watch-cache": "false"}})) as plane:
        yield plane


def client_of(plane: ControlPlane) -> Client:
    return connect(Access(kubeconfig=str(plane.kubeconfig())))


def compact(plane: ControlPlane) -> None:
    """Make etcd forget every revision but the last."""

    def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", plane.etcd_port, timeout=10)
        connection.request("POST", path, json.dumps(body))
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    revision = ask("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
    ask("/v3/kv/compaction", {"revision": revision, "physical": True})


def test_a_continue_token_that_expires_begins_the_list_again(
    forgetful: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Api(forgetful)
    fill(api, "expired", 6)
    monkeypatch.setattr(lists, "LIMITS", (2, 2, 0))
    seen: list[str] = []

    def decode(parts: Any, resource: Resource) -> dict[str, Any]:
        value = OBJECTS.make(parts, resource)
        seen.append(value["metadata"]["name"])
        if len(seen) == 2:  # the first page is being read
            assert api.create(config_map("expired", "m6")).status == 201
            compact(forgetful)
        return value

    with client_of(forgetful) as client:
        listing = list_all(client, MAPS, "expired", shape=Shape(OBJECTS.item, decode))
    api.close()
    assert named(listing) == [f"m{index}" for index in range(7)]
    assert listing.error is None
    assert len(seen) > 7  # it did begin again


def test_the_token_of_a_page_is_gone_once_its_revision_is(forgetful: ControlPlane) -> None:
    api = Api(forgetful)
    fill(api, "gone", 4)
    with client_of(forgetful) as client:
        reading = pages(client, MAPS.path("gone"), 2)
        next(reading)
        api.create(config_map("gone", "m4"))
        compact(forgetful)
        with pytest.raises(GoneError):
            list(reading)
    api.close()


def test_a_watch_from_a_forgotten_version_is_told_as_gone(forgetful: ControlPlane) -> None:
    api = Api(forgetful)
    fill(api, "forgotten", 2)
    api.close()
    compact(forgetful)
    with client_of(forgetful) as client, pytest.raises(GoneError):
        list(watch(client, MAPS, "1", silence_s=5))


def test_a_watch_tells_what_happens_after_a_list(client: Client, api: Api) -> None:
    fill(api, "client-watch", 1)
    version = list_all(client, MAPS, "client-watch").resource_version
    api.create(config_map("client-watch", "n", a="1"))
    api.request("PUT", "/api/v1/namespaces/client-watch/configmaps/n", config_map("client-watch", "n", a="2"))
    api.delete(config_map("client-watch", "n"))
    stream = watch(client, MAPS, version, "client-watch")
    found = [next(stream) for _ in range(3)]
    stream.close()
    assert [each.change for each in found] == ["ADDED", "MODIFIED", "DELETED"]
    assert found[1].object["data"] == {"a": "2"}
    assert found[0].object["kind"] == "ConfigMap"


def test_secrets_are_listed_without_their_values(client: Client, api: Api) -> None:
    api.namespace("client-secrets")
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "db", "namespace": "client-secrets"},
        "stringData": {"password": "hunter2", "user": "u"},
    }
    assert api.create(secret).status == 201
    body = b"".join(
        page.items[0] for page in pages(client, "/api/v1/namespaces/client-secrets/secrets", accept=METADATA_LIST)
    )
    assert b"hunter2" not in body
    assert b"aHVudGVyMg" not in body
    resource = Resource("", "v1", "Secret", "secrets", True)
    listing = list_all(client, resource, "client-secrets", shape=SECRETS, accept=METADATA_LIST)
    assert listing.objects[0]["data"] == {"password": "", "user": ""}


def test_impersonation_is_what_the_server_says_it_is(control_plane: ControlPlane) -> None:
    access = Access(kubeconfig=str(control_plane.kubeconfig()), as_user="jane", as_groups=("dev",))
    with connect(access) as client:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = json.loads(client.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review))
    info = answer["status"]["userInfo"]
    assert (info["username"], info["groups"][0]) == ("jane", "dev")


def test_a_token_that_the_server_does_not_know_is_told(control_plane: ControlPlane) -> None:
    target = find_target(Access(kubeconfig=str(control_plane.kubeconfig())))
    with pytest.raises(UnauthorizedError), Client(replace(target, user=User(token="wrong"))) as client:
        list(pages(client, MAPS.path()))


def test_a_server_that_dies_within_a_list_leaves_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with ControlPlane(binaries_or_skip()) as plane:
        api = Api(plane)
        fill(api, "dying", 5)
        monkeypatch.setattr(lists, "LIMITS", (2, 2, 0))
        target = find_target(Access(kubeconfig=str(plane.kubeconfig())))

        def decode(parts: Any, resource: Resource) -> dict[str, Any]:
            if "kube-apiserver" in plane.processes:
                plane.kill("kube-apiserver")
            return OBJECTS.make(parts, resource)

        with Client(target, sleep=lambda _: None) as client:
            listing = list_all(client, MAPS, "dying", shape=Shape(OBJECTS.item, decode))
        api.close()
    assert len(listing.objects) == 2
    assert listing.error is not None
    assert listing.error.next_step
