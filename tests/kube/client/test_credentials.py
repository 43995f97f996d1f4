"""Credentials: where they come from, when they are obtained again, and what a broken plug-in is told as."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from transom.kube.client.credentials import Credential, Credentials, credentials_of
from transom.kube.client.kubeconfig import AuthProvider, Cluster, ExecPlugin, Target, User, Variable
from transom.model.errors import TransomError

V1 = "client.authentication.k8s.io/v1"


def credential_of(user: User, cluster: Cluster | None = None) -> Credential:
    return credentials_of(Target("test", cluster or Cluster("https://a"), user)).get()


def plugin(code: str, **settings: Any) -> User:
    return User(exec=ExecPlugin(command=sys.executable, api_version=V1, args=["-c", code], **settings))


def printing(**status: Any) -> str:
    return f"print({json.dumps(json.dumps({'apiVersion': V1, 'kind': 'ExecCredential', 'status': status}))})"


def test_a_name_and_password_go_as_basic() -> None:
    value = credential_of(User(username="u", password="p")).authorization
    assert value == "Basic " + base64.b64encode(b"u:p").decode()


def test_a_token_file_outranks_a_token_and_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    credentials = credentials_of(Target("t", Cluster(), User(token="x", token_file=str(tmp_path / "token"))))
    first = credentials.get()
    (tmp_path / "token").write_text("two\n")
    assert first.authorization == "Bearer one"
    again = credentials.renewed(first)
    assert again is not None
    assert again.authorization == "Bearer two"


def test_a_token_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransomError, match="No such file"):
        credential_of(User(token_file=str(tmp_path / "none")))


def test_a_credential_is_obtained_again_before_it_expires() -> None:
    clock = [0.0]
    made = iter([Credential("a", expires_at=100), Credential("b", expires_at=200)])
    credentials = Credentials(lambda: next(made), lambda: clock[0])
    assert credentials.get().authorization == "a"
    clock[0] = 95.0
    assert credentials.get().authorization == "b"


def test_many_that_were_refused_renew_once() -> None:
    made = iter([Credential("a"), Credential("b"), Credential("c")])
    credentials = Credentials(lambda: next(made))
    old = credentials.get()
    assert [credentials.renewed(old), credentials.renewed(old)] == [Credential("b"), Credential("b")]


def test_a_plug_in_prints_a_token_and_its_expiry() -> None:
    found = credential_of(plugin(printing(token="t", expirationTimestamp="2030-01-01T00:00:00Z")))
    assert found.authorization == "Bearer t"
    assert 1.8e9 < found.expires_at < 2e9


def test_a_plug_in_prints_a_certificate() -> None:
    found = credential_of(plugin(printing(clientCertificateData="CERT", clientKeyData="KEY")))
    assert (found.certificate, found.key) == (b"CERT", b"KEY")


def test_a_plug_in_runs_once_until_what_it_printed_expires(tmp_path: Path) -> None:
    count = f"open({str(tmp_path / 'runs')!r}, 'a').write('x');"
    credentials = credentials_of(Target("t", Cluster(), plugin(count + printing(token="t"))))
    credentials.get()
    credentials.get()
    assert (tmp_path / "runs").read_text() == "x"


def test_a_plug_in_is_told_of_its_cluster_where_it_asks(tmp_path: Path) -> None:
    code = "import os; open(os.environ['OUT'], 'w').write(os.environ['KUBERNETES_EXEC_INFO']);" + printing(token="t")
    user = plugin(code, env=[Variable("OUT", str(tmp_path / "info"))], provide_cluster_info=True)
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    credential_of(user, Cluster("https://a", extensions=[extension]))
    spec = json.loads((tmp_path / "info").read_text())["spec"]
    assert spec["cluster"] == {"server": "https://a", "config": {"audience": "x"}}
    assert spec["interactive"] is False


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("print('rubbish')", "it prints no ExecCredential"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')", "it prints no ExecCredential"),
        ("print('{}')", "it prints no ExecCredential"),
        (printing(), "neither a token nor a certificate"),
        (printing(clientCertificateData="CERT"), "neither a token nor a certificate"),
        ("import sys; sys.exit('no session')", "it ended with 1: no session"),
        (printing(token="t").replace("/v1", "/v1alpha1"), "not an ExecCredential of"),
        ("print('x' * 2000000)", "more than 1 MiB"),
    ],
)
def test_a_plug_in_that_does_not_do_its_work_is_told(code: str, told: str) -> None:
    with pytest.raises(TransomError) as raised:
        credential_of(plugin(code))
    assert told in raised.value.why
    assert raised.value.next_step


def test_a_plug_in_that_is_missing_is_told_with_its_own_hint() -> None:
    user = User(exec=ExecPlugin("no-such-plugin", V1, install_hint="install it\nfrom the app store"))
    with pytest.raises(TransomError) as raised:
        credential_of(user)
    assert raised.value.next_step == "install it from the app store"


def test_a_plug_in_of_another_version_is_told() -> None:
    with pytest.raises(TransomError, match="v1alpha1"):
        credential_of(User(exec=ExecPlugin("x", "client.authentication.k8s.io/v1alpha1")))


def claims(expires_at: float) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"exp": expires_at}).encode()).decode().rstrip("=")
    return f"e30.{body}.sig"


def test_the_token_that_kubectl_keeps_for_openid_connect_is_taken_while_it_is_good() -> None:
    token = claims(time.time() + 600)
    assert (
        credential_of(User(auth_provider=AuthProvider("oidc", {"id-token": token}))).authorization == f"Bearer {token}"
    )


@pytest.mark.parametrize(
    "provider",
    [AuthProvider("oidc", {"id-token": claims(1)}), AuthProvider("oidc"), AuthProvider("gcp", {"access-token": "x"})],
)
def test_a_login_that_only_kubectl_can_renew_is_told(provider: AuthProvider) -> None:
    with pytest.raises(TransomError) as raised:
        credential_of(User(auth_provider=provider))
    assert raised.value.next_step


def test_half_a_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "u.crt").write_text("x")
    with pytest.raises(TransomError, match="no client key"):
        credential_of(User(client_certificate=str(tmp_path / "u.crt")))
