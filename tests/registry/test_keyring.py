"""Pull secrets fit the images that the kubelet would pull with them, and no others."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from transom.model.images import parse_image
from transom.registry.credentials import Login
from transom.registry.keyring import CONFIG, CONFIG_JSON, Keyring, keyring_of, logins_for


def auth(user: str, password: str = "p") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def secret(auths: Any, kind: str = CONFIG_JSON) -> dict[str, Any]:
    content = {"auths": auths} if kind == CONFIG_JSON else auths
    field = {CONFIG_JSON: ".dockerconfigjson", CONFIG: ".dockercfg"}[kind]
    return {"type": kind, "data": {field: base64.b64encode(json.dumps(content).encode()).decode()}}


def users(image: str, *keys: str) -> list[str]:
    ring = keyring_of(secret({key: {"username": key, "password": "p"} for key in keys}))
    return [login.user for login in logins_for(parse_image(image), ring)]


@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("example.com", "example.com/shop/web:1"),
        ("https://example.com", "example.com/shop/web:1"),
        ("http://example.com", "example.com/shop/web"),
        ("https://example.com/v1/", "example.com/shop/web"),
        ("example.com/v2/shop", "example.com/shop/web"),
        ("example.com/shop", "example.com/shop/web"),
        ("example.com/sh", "example.com/shop/web"),
        ("example.com:5000", "example.com:5000/web"),
        ("*.example.com", "a.example.com/web"),
        ("a.*.com", "a.example.com/web"),
        ("*.*.*", "a.example.com/web"),
        ("reg*.example.com", "registry.example.com/web"),
        ("[ab].example.com", "b.example.com/web"),
        ("https://index.docker.io/v1/", "nginx"),
        ("index.docker.io", "me/web"),
        ("docker.io", "docker.io/me/web"),
        ("docker.io/me", "me/web"),
    ],
)
def test_a_key_fits_as_the_kubelet_has_it(key: str, image: str) -> None:
    assert users(image, key) == [key]


@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("example.com", "other.com/web"),
        ("example.com", "a.example.com/web"),
        ("*.example.com", "example.com/web"),
        ("*.example.com", "a.b.example.com/web"),
        ("example.com", "example.com:5000/web"),
        ("example.com:5000", "example.com/web"),
        ("example.com/other", "example.com/shop/web"),
        ("example.com/hop", "example.com/shop/web"),
        ("index.docker.io", "example.com/web"),
        ("", "nginx"),
        ("*", "nginx"),
    ],
)
def test_a_key_fits_nothing_else(key: str, image: str) -> None:
    assert users(image, key) == []


def test_the_longer_of_two_that_begin_alike_is_tried_first() -> None:
    found = users("example.com/shop/web", "example.com", "example.com/shop", "*.com")
    assert found == ["example.com/shop", "example.com", "*.com"]


def test_docker_io_is_asked_by_its_own_key_before_that_of_the_index() -> None:
    assert users("nginx", "index.docker.io", "docker.io") == ["docker.io"]


def test_an_old_configuration_is_read_alike() -> None:
    (found,) = logins_for(parse_image("example.com/web"), keyring_of(secret({"example.com": auth("me")}, CONFIG)))
    assert found == Login("me", "p")


@pytest.mark.parametrize("padding", ["", "="])
def test_a_login_without_its_padding_is_read(padding: str) -> None:
    encoded = base64.b64encode(b"me:pass").decode().rstrip("=") + padding * 2
    ring = keyring_of(secret({"example.com": {"auth": encoded}}))
    assert logins_for(parse_image("example.com/web"), ring) == (Login("me", "pass"),)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"type": "Opaque", "data": {".dockerconfigjson": "e30="}},
        {"type": CONFIG_JSON},
        {"type": CONFIG_JSON, "data": {".dockerconfigjson": "!"}},
        {"type": CONFIG_JSON, "data": {".dockerconfigjson": base64.b64encode(b'{"auths": "hunter2"}').decode()}},
        {"type": CONFIG_JSON, "data": {".dockerconfigjson": base64.b64encode(b"\xff").decode()}},
        {"type": CONFIG, "data": {".dockercfg": 3}},
    ],
)
def test_what_is_no_pull_secret_is_told_without_its_content(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it") as told:
        keyring_of(broken)
    assert "hunter2" not in str(told.value)
    assert told.value.__cause__ is None


def test_a_login_that_is_none_is_passed_by() -> None:
    assert keyring_of(secret({"a.com": {"auth": "%%"}, "b.com": {}})) == Keyring()


def test_no_trace_shows_a_password() -> None:
    assert "hunter2" not in repr(keyring_of(secret({"example.com": auth("me", "hunter2")})))
