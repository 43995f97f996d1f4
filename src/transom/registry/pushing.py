"""Blobs and manifests on their way into a registry (OCI distribution specification 1.1, pushing)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from transom.model.errors import TransomError
from transom.registry.blobs import Descriptor
from transom.registry.client import RegistryClient

CHUNK_BYTES = 16 << 20  # of an upload; some registries ask for 5 MB at least
MAX_RESUMES = 5
BYTES = "application/octet-stream"


def push_blob(client: RegistryClient, descriptor: Descriptor, path: Path) -> bool:
    """Bring a file into the repository; False where it is there already; raises TransomError.

    Chunk by chunk: where one breaks off, the registry is asked how much it has, and the rest is sent.
    """
    if _is_there(client, descriptor.digest):
        return False
    reply = client.ask("POST", "blobs/uploads/", {"Content-Length": "0"})
    reply.drain_conn()
    place = _place(reply.headers.get("Location", ""), "")
    with path.open("rb") as file:
        while descriptor.size - file.tell() > CHUNK_BYTES:
            place = _sent(client, place, file)
        rest = file.read(CHUNK_BYTES + 1)
    done = client.ask("PUT", _with_digest(place, descriptor.digest), {"Content-Type": BYTES}, rest)
    done.drain_conn()
    return True


def push_manifest(client: RegistryClient, tag: str, content: bytes, media_type: str) -> None:
    """Put a manifest under a tag or digest; raises TransomError."""
    client.ask("PUT", f"manifests/{tag}", {"Content-Type": media_type}, content).drain_conn()


def _is_there(client: RegistryClient, digest: str) -> bool:
    try:
        client.ask("HEAD", f"blobs/{digest}", {}).drain_conn()
    except TransomError:  # it is not there, or nobody may look: then what is sent next is told
        return False
    return True


def _sent(client: RegistryClient, place: str, file: BinaryIO) -> str:
    """Send the next chunk and return where to go on; the file stands behind what the registry has."""
    for resume in range(MAX_RESUMES + 1):
        start = file.tell()
        chunk = file.read(CHUNK_BYTES)
        headers = {"Content-Type": BYTES, "Content-Range": f"{start}-{start + len(chunk) - 1}"}
        try:
            reply = client.ask("PATCH", place, headers, chunk)
        except TransomError:
            if resume == MAX_RESUMES:
                raise
            reply = client.ask("GET", place, {})
        reply.drain_conn()
        place = _place(reply.headers.get("Location", ""), place)
        had = reply.headers.get("Range", "")
        file.seek(int(had.rpartition("-")[2]) + 1 if had.rpartition("-")[2].isdecimal() else start + len(chunk))
        if file.tell() > start:
            return place
    raise TransomError("the registry takes no more of a blob", "it says that it has what it had", "try again later")


def _place(location: str, before: str) -> str:
    if not location and not before:
        raise TransomError("the registry takes no blob", "it does not say where to send it", "check the registry")
    return location or before


def _with_digest(place: str, digest: str) -> str:
    parts = urlsplit(place)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("digest", digest)])
    return urlunsplit(parts._replace(query=query))
