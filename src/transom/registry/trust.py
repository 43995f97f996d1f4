"""Whom to trust as a registry beside those whom the system trusts: `certs.d/HOST`, as Docker, podman and containerd have it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from transom.model.errors import TransomError

if TYPE_CHECKING:
    import ssl

FOLDERS = (
    "/etc/docker/certs.d",
    "/etc/containers/certs.d",
    "/etc/containerd/certs.d",
    "{home}/.docker/certs.d",
    "{home}/.config/containers/certs.d",
)
MAX_FILES = 100  # of one host; most have one
_HOST = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9.:\[\]-]*\Z")


def context_of(host: str, home: str = "") -> ssl.SSLContext | None:
    """Return how to verify a host, and how to prove who asks, None where nothing is told of it; raises TransomError.

    host: with its port, if it has one; `*.crt` are authorities, `*.cert` with a `*.key` of the same name client certificates.
    """
    files = [each for folder in FOLDERS for each in _files(folder.format(home=home or os.path.expanduser("~")), host)]  # noqa: PTH111
    if not files:
        return None
    import ssl

    context = ssl.create_default_context()
    for path in files:
        try:
            if path.endswith(".crt"):
                context.load_verify_locations(path)
            else:
                context.load_cert_chain(path, f"{path.removesuffix('.cert')}.key")
        except (OSError, ssl.SSLError) as error:
            raise TransomError(f"cannot use {path}", error.strerror or str(error), "correct or remove it") from error
    return context


def _files(folder: str, host: str) -> list[str]:
    """Return the certificates of a host in a folder, in a stable order."""
    if not _HOST.match(host):
        return []
    try:
        names = sorted(os.listdir(os.path.join(folder, host)))[:MAX_FILES]  # noqa: PTH118, PTH208
    except OSError:
        return []
    return [os.path.join(folder, host, name) for name in names if name.endswith((".crt", ".cert"))]  # noqa: PTH118
