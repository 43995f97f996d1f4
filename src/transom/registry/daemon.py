"""Images of a Docker Engine or of podman, asked over its socket: what `docker save` would write (Engine API 1.24 and later).

The archive is kept in a file without a name as long as it is read, so that nothing is left of it, however the run ends.
"""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Mapping
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast
from urllib.parse import quote, urlsplit

from msgspec import Struct

from transom.model.errors import TransomError
from transom.registry.blobs import Image, Platform
from transom.registry.layouts import read_archive

SILENCE_S = 300.0  # an engine packs a layer before its first byte
MAX_ARCHIVE_BYTES = 64 * 1024**3  # public images have up to 20 GB
MAX_ANSWER_BYTES = 4096  # of an error
CHUNK = 1024 * 1024


class Engine(Struct, frozen=True):
    """One kind of engine. variable: of the environment, that names its address; sockets: where it is else."""

    name: str
    variable: str
    sockets: tuple[str, ...]


DOCKER = Engine("Docker", "DOCKER_HOST", ("/var/run/docker.sock", "{runtime}/docker.sock"))
PODMAN = Engine("podman", "CONTAINER_HOST", ("/run/podman/podman.sock", "{runtime}/podman/podman.sock"))


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SILENCE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def read_daemon(
    engine: Engine,
    name: str,
    platform: Platform | None = None,
    folder: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Image:
    """Return an image as an engine saves it; raises TransomError. folder: where the archive may lie for a while."""
    where = address(engine, environment)
    try:
        with TemporaryFile(dir=folder) as archive:
            _save(engine, _connection(engine, where), name, archive)
            archive.seek(0)
            return read_archive(name, cast("BinaryIO", archive), "", platform)
    except (OSError, http.client.HTTPException) as error:
        why = f"{where}: {getattr(error, 'strerror', None) or error}"
        next_step = f"start it, name its socket in {engine.variable}, or save the image to a file"
        raise TransomError(f"cannot get {name} of {engine.name}", why, next_step) from error


def address(engine: Engine, environment: Mapping[str, str]) -> str:
    """Return where an engine listens: what the environment says, else the first of its sockets that is there."""
    named = environment.get(engine.variable)
    if named:
        return named
    runtime = environment.get("XDG_RUNTIME_DIR", "/run")
    paths = [path.format(runtime=runtime) for path in engine.sockets]
    return "unix://" + next(filter(os.path.exists, paths), paths[0])


def _connection(engine: Engine, where: str) -> http.client.HTTPConnection:
    parts = urlsplit(where)
    if parts.scheme == "unix":
        return _UnixConnection(parts.path)
    if parts.scheme in ("tcp", "http") and parts.hostname:
        return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=SILENCE_S)
    why = f"{where} is of a kind that is not spoken here"
    raise TransomError(
        f"cannot reach {engine.name}", why, "name unix:///PATH or tcp://HOST:PORT, or save the image to a file"
    )


def _save(engine: Engine, connection: http.client.HTTPConnection, name: str, archive: IO[bytes]) -> None:
    """Write the archive of an image; raises TransomError, OSError, HTTPException."""
    try:
        connection.request("GET", f"/images/{quote(name, safe='/:@')}/get", headers={"Host": "localhost"})
        reply = connection.getresponse()
        if reply.status != 200:
            raise _refused(engine, name, reply)
        size = 0
        while piece := reply.read(CHUNK):
            size += len(piece)
            if size > MAX_ARCHIVE_BYTES:
                raise TransomError(f"cannot read {name}", f"it is larger than {MAX_ARCHIVE_BYTES // 2**30} GiB", "")
            archive.write(piece)
        if reply.length:
            raise http.client.HTTPException(f"its answer broke off after {size:,} bytes")
    finally:
        connection.close()


def _refused(engine: Engine, name: str, reply: http.client.HTTPResponse) -> TransomError:
    if reply.status == 404:
        return TransomError(f"{engine.name} has no image {name}", "", "pull it, or name another")
    said = reply.read(MAX_ANSWER_BYTES).decode("utf-8", "replace").strip()
    return TransomError(f"{engine.name} does not save {name}", f"it says {reply.status}: {said[:200]}", "see its log")
