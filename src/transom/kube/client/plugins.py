"""Credential plug-ins: programs that print an ExecCredential (client.authentication.k8s.io/v1 and v1beta1)."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime

import msgspec
from msgspec import Struct, json

from transom.kube.client.credentials import NEVER, Credential, bearer
from transom.kube.client.kubeconfig import Cluster, ExecPlugin
from transom.model.errors import TransomError

GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
EXTENSION = "client.authentication.k8s.io/exec"  # the cluster's own settings for plug-ins
PLUGIN_S = 300.0  # it may wait for a person who logs in
MAX_OUTPUT_BYTES = 1024 * 1024  # a certificate, its key and a token have about 10 kB
MAX_SHOWN_CHARS = 300


class _Status(Struct, frozen=True, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class _ExecCredential(Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    status: _Status | None = None


def run_plugin(plugin: ExecPlugin, cluster: Cluster) -> Credential:
    """Return what a plug-in prints; raises TransomError where it is missing, fails, or prints something else."""
    what = f"cannot log in with {plugin.command or 'the exec plug-in'}"
    if plugin.api_version not in VERSIONS or not plugin.command:
        why = f"its apiVersion is {plugin.api_version or 'missing'}" if plugin.command else "it names no command"
        raise TransomError(what, why, f"correct the kubeconfig; known are {' and '.join(VERSIONS)}")
    printed = _printed(what, plugin, _exec_info(plugin, cluster))
    try:
        answer = json.decode(printed, type=_ExecCredential)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError(what, "it prints no ExecCredential", _by_hand(plugin)) from error
    return _credential(what, plugin, answer)


def _by_hand(plugin: ExecPlugin) -> str:
    return f"run it by hand: {' '.join((plugin.command, *(plugin.args or ())))}"


def _printed(what: str, plugin: ExecPlugin, exec_info: str) -> bytes:
    environment = {**os.environ, **{each.name: each.value for each in plugin.env or ()}}
    environment["KUBERNETES_EXEC_INFO"] = exec_info
    interactive = _is_interactive()
    try:
        done = subprocess.run(  # noqa: S603 - the kubeconfig's owner chose it, as with kubectl
            [plugin.command, *(plugin.args or ())],
            env=environment,
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if interactive else subprocess.PIPE,
            timeout=PLUGIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TransomError(what, f"it did not end within {PLUGIN_S:.0f} s", _by_hand(plugin)) from error
    except OSError as error:
        hint = " ".join(plugin.install_hint.split()) or "install it, or correct exec.command in the kubeconfig"
        raise TransomError(what, error.strerror or str(error), hint) from error
    if done.returncode:
        words = (done.stderr or b"").decode("utf-8", "replace").split()
        said = " ".join(words)[-MAX_SHOWN_CHARS:]
        raise TransomError(what, f"it ended with {done.returncode}{': ' if said else ''}{said}", _by_hand(plugin))
    if len(done.stdout) > MAX_OUTPUT_BYTES:
        raise TransomError(what, "it prints more than 1 MiB", _by_hand(plugin))
    return done.stdout


def _is_interactive() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _exec_info(plugin: ExecPlugin, cluster: Cluster) -> str:
    spec: dict[str, object] = {"interactive": _is_interactive()}
    if plugin.provide_cluster_info:
        spec["cluster"] = _cluster_info(cluster)
    return json.encode({"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}).decode()


def _cluster_info(cluster: Cluster) -> dict[str, object]:
    told: dict[str, object] = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
        "certificate-authority-data": cluster.certificate_authority_data,
        "proxy-url": cluster.proxy_url,
        "disable-compression": cluster.disable_compression,
    }
    config = [each.get("extension") for each in cluster.extensions or () if each.get("name") == EXTENSION]
    return {**{key: value for key, value in told.items() if value}, **({"config": config[0]} if config else {})}


def _credential(what: str, plugin: ExecPlugin, answer: _ExecCredential) -> Credential:
    status = answer.status
    if answer.kind != "ExecCredential" or answer.api_version != plugin.api_version:
        why = f"it prints a {answer.kind} of {answer.api_version}, not an ExecCredential of {plugin.api_version}"
        raise TransomError(what, why, "set the apiVersion in the kubeconfig to the plug-in's")
    certificate = (status and status.client_certificate_data) or ""
    key = (status and status.client_key_data) or ""
    if status is None or not (status.token or certificate) or bool(certificate) != bool(key):
        raise TransomError(what, "what it prints has neither a token nor a certificate with its key", _by_hand(plugin))
    return Credential(
        authorization=bearer(status.token) if status.token else "",
        certificate=certificate.encode(),
        key=key.encode(),
        expires_at=status.expiration_timestamp.timestamp() if status.expiration_timestamp else NEVER,
    )
