"""Kubeconfig files mean what they mean to kubectl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from transom.kube.client.kubeconfig import Access, Target, find_target
from transom.model.errors import TransomError, UsageError


def config(server: str = "https://a", current: str = "here", **user: Any) -> dict[str, Any]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "current-context": current,
    }


def written(path: Path, value: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def target_of(*files: str, **flags: Any) -> Target:
    return find_target(Access(**flags), {"KUBECONFIG": ":".join(files), "HOME": "/nonexistent"})


def test_the_current_context_is_meant_where_none_is_named(tmp_path: Path) -> None:
    target = target_of(written(tmp_path / "a", config(token="t")))
    assert (target.context, target.cluster.server, target.user.token, target.namespace) == (
        "here",
        "https://a",
        "t",
        "shop",
    )


def test_the_home_folder_has_the_default_file(tmp_path: Path) -> None:
    written(tmp_path / ".kube/config", config())
    assert find_target(Access(), {"HOME": str(tmp_path)}).cluster.server == "https://a"


def test_the_first_file_that_names_a_thing_wins_whole(tmp_path: Path) -> None:
    first = written(tmp_path / "a", {"users": [{"name": "u", "user": {"token": "first"}}], "current-context": "here"})
    second = written(tmp_path / "b", config("https://b", "elsewhere", username="x", password="y"))
    target = target_of(first, second)
    assert (target.cluster.server, target.user.token, target.user.username) == ("https://b", "first", "")


def test_files_of_the_list_that_are_missing_do_not_matter(tmp_path: Path) -> None:
    assert target_of("", str(tmp_path / "none"), written(tmp_path / "a", config())).context == "here"


def test_paths_are_those_beside_the_file_that_names_them(tmp_path: Path) -> None:
    value = config(
        **{
            "client-certificate": "certs/u.crt",
            "client-key": "/abs/u.key",
            "tokenFile": "token",
            "exec": {"command": "./login", "apiVersion": "client.authentication.k8s.io/v1"},
        }
    )
    value["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    target = target_of(written(tmp_path / "x/config", value))
    user = target.user
    assert target.cluster.certificate_authority == str(tmp_path / "x/ca.crt")
    assert user.client_certificate == str(tmp_path / "x/certs/u.crt")
    assert user.client_key == "/abs/u.key"
    assert user.token_file == str(tmp_path / "x/token")
    assert user.exec is not None
    assert user.exec.command == str(tmp_path / "x/login")


def test_a_plug_in_without_a_slash_is_looked_up_in_path(tmp_path: Path) -> None:
    value = config(exec={"command": "aws", "args": ["eks"], "apiVersion": "client.authentication.k8s.io/v1beta1"})
    plugin = target_of(written(tmp_path / "a", value)).user.exec
    assert plugin is not None
    assert plugin.command == "aws"


def test_flags_outrank_files(tmp_path: Path) -> None:
    value = config(**{"as": "low", "as-groups": ["g"]})
    value["clusters"][0]["cluster"]["certificate-authority-data"] = "xxxx"
    file = written(tmp_path / "a", value)
    target = find_target(Access("here", file, "high", ("ops",), 0, True), {})
    assert (target.user.as_user, target.user.as_groups) == ("high", ["ops"])
    assert target.cluster.insecure_skip_tls_verify
    assert target.cluster.certificate_authority_data == ""


def test_empty_fields_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    text = """
clusters: [{name: c, cluster: {server: https://a, certificate-authority: null}}]
users: [{name: u, user: null}]
contexts: [{name: here, context: {cluster: c, user: u, namespace: null}}]
current-context: here
preferences: {}
"""
    with pytest.raises(UsageError, match="there is no user 'u'"):
        target_of(written(tmp_path / "a", text))
    assert target_of(written(tmp_path / "b", text.replace("user: null", "user: {}"))).namespace == "default"


def test_a_context_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        target_of(written(tmp_path / "a", config()), context="prod")
    assert "no context 'prod'" in raised.value.what
    assert raised.value.next_step == "choose from here"


def test_no_kubeconfig_at_all_is_told_with_what_to_do() -> None:
    with pytest.raises(TransomError) as raised:
        find_target(Access(), {"HOME": "/nonexistent"})
    assert "no kubeconfig was found" in raised.value.why
    assert "--kubeconfig" in raised.value.next_step


@pytest.mark.parametrize(
    "text", ["\x00\x01", "clusters: {", "clusters: 7", "- a\n- b", "clusters: [{cluster: {}}]", "users: [{name: [1]}]"]
)
def test_a_file_that_is_no_kubeconfig_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(TransomError):
        target_of(written(tmp_path / "a", text))


def test_a_named_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no kubeconfig"):
        find_target(Access(kubeconfig=str(tmp_path / "none")), {})


def test_groups_without_a_user_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--as-group needs"):
        target_of(written(tmp_path / "a", config()), as_groups=("ops",))


def test_a_pod_finds_its_own_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.kube.client.kubeconfig.SERVICE_ACCOUNT", tmp_path)
    written(tmp_path / "token", "t")
    written(tmp_path / "namespace", "shop\n")
    environment = {"HOME": "/nonexistent", "KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    target = find_target(Access(), environment)
    assert target.cluster.server == "https://[fd00::1]:6443"
    assert target.user.token_file == str(tmp_path / "token")
    assert target.namespace == "shop"
