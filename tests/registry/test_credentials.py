"""Logins: Docker's config file, and credential helpers."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from transom.model.errors import TransomError
from transom.registry.credentials import NOBODY, Login, login_for


def told(folder: Path, config: Any, registry: str = "registry.example") -> Login:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return login_for(registry, {"DOCKER_CONFIG": str(folder)})


def test_a_login_is_read(tmp_path: Path) -> None:
    auth = base64.b64encode(b"ann:p:w").decode()
    assert told(tmp_path, {"auths": {"registry.example": {"auth": auth}}}) == Login("ann", "p:w")
    assert told(tmp_path, {"auths": {"https://index.docker.io/v1/": {"auth": auth}}}, "docker.io") == Login(
        "ann", "p:w"
    )
    assert told(tmp_path, {"auths": {"registry.example": {"identitytoken": "t"}}}) == Login(token="t")


def test_nobody_asks_where_nothing_is_told(tmp_path: Path) -> None:
    assert login_for("registry.example", {"DOCKER_CONFIG": str(tmp_path)}) == NOBODY
    assert told(tmp_path, {"auths": {"other.example": {"auth": "x"}}}) == NOBODY


@pytest.mark.parametrize("config", ["{", '{"auths": 1}', {"auths": {"registry.example": {"auth": "%"}}}])
def test_a_config_that_cannot_be_read_is_told(tmp_path: Path, config: Any) -> None:
    with pytest.raises(TransomError):
        told(tmp_path, config)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('echo \'{"Username": "ann", "Secret": "pw"}\'', Login("ann", "pw")),
        ('echo \'{"Username": "<token>", "Secret": "t"}\'', Login(token="t")),
        ("echo credentials not found; exit 1", NOBODY),
    ],
)
def test_a_helper_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, expected: Login) -> None:
    program = tmp_path / "docker-credential-mine"
    program.write_text(f"#!/bin/sh\ncat > {tmp_path}/asked\n{answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert told(tmp_path, {"credHelpers": {"registry.example": "mine"}}) == expected
    assert (tmp_path / "asked").read_text() == "registry.example"


@pytest.mark.parametrize("helper", ["gone", "../../bin/sh", "a b"])
def test_a_helper_that_cannot_be_asked_is_told(tmp_path: Path, helper: str) -> None:
    with pytest.raises(TransomError):
        told(tmp_path, {"credsStore": helper})


@pytest.mark.parametrize("known", ["https://index.docker.io/v1/", "docker.io"])
def test_a_helper_is_asked_for_dockers_own_registry_by_the_names_that_it_may_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    program = tmp_path / "docker-credential-mine"
    answer = json.dumps({"Username": "ann", "Secret": "pw"})
    program.write_text(
        f"#!/bin/sh\n[ \"$(cat)\" = {known} ] && echo '{answer}' || {{ echo credentials not found; exit 1; }}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert told(tmp_path, {"credsStore": "mine", "auths": {known: {}}}, "docker.io") == Login("ann", "pw")


def auth(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:p".encode()).decode()}


@pytest.mark.parametrize(
    ("repository", "user"),
    [("shop/web", "web"), ("shop/other", "shop"), ("shopping", "all"), ("x", "all"), ("", "all")],
)
def test_a_login_for_a_part_of_a_registry_is_for_that_part(tmp_path: Path, repository: str, user: str) -> None:
    keys = {"r.example": "all", "r.example/shop": "shop", "r.example/shop/web": "web"}
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {key: auth(name) for key, name in keys.items()}}))
    environment = {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"), "HOME": "/nowhere"}
    assert login_for("r.example", environment, repository).user == user


def test_what_podman_keeps_is_read_where_docker_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers" / "auth.json").write_text(json.dumps({"auths": {"r.example": auth("ann")}}))
    for variable in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        assert login_for("r.example", {variable: str(tmp_path), "HOME": "/nowhere"}).user == "ann"


@pytest.mark.parametrize("key", ["https://r.example/v2/", "http://r.example", "r.example/v1"])
def test_a_key_with_a_scheme_or_a_version_is_for_all_of_a_registry(tmp_path: Path, key: str) -> None:
    assert told(tmp_path, {"auths": {key: auth("ann")}}, "r.example").user == "ann"


def test_an_entry_that_a_helper_left_empty_is_nobody(tmp_path: Path) -> None:
    assert told(tmp_path, {"auths": {"r.example": {}}}, "r.example") == NOBODY
