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
