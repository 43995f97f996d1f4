"""Container images without a registry: one layer of a few files, in the archive that `docker load` and `ctr` read.

Followed: the Docker image specification 1.2, combined image JSON and file system change set.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What Linux calls a machine, and what images call it."""


def archive(
    tags: Sequence[str], files: Mapping[str, bytes | str], command: Sequence[str], environment: Sequence[str] = ()
) -> bytes:
    """Return an image as one archive.

    tags: its names; files: path and content of each executable, a text makes a symbolic link to that path; command:
    what it runs (ENTRYPOINT); environment: NAME=VALUE.
    """
    layer = _layer(files)
    configuration = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": list(command), "Env": ["PATH=/bin", *environment]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created_by": "transom"}],
    }
    config = json.dumps(configuration).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": list(tags), "Layers": ["layer.tar"]}]
    contents = {name: config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
    return _tar((_member(path, content), content) for path, content in contents.items())


def write_archive(path: Path, content: bytes) -> Path:
    """Write an archive and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _layer(files: Mapping[str, bytes | str]) -> bytes:
    folders = sorted({str(parent) for path in files for parent in Path(path).parents} - {"."})
    members: list[tuple[tarfile.TarInfo, bytes]] = [(_folder(path), b"") for path in folders]
    for path, content in files.items():
        if isinstance(content, str):
            members.append((_link(path, content), b""))
        else:
            members.append((_member(path, content, 0o755), content))
    return _tar(members)


def _tar(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _member(path: str, content: bytes, mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(path)
    made.size, made.mode = len(content), mode
    return made


def _folder(path: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(path)
    made.type, made.mode = tarfile.DIRTYPE, 0o755
    return made


def _link(path: str, target: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(path)
    made.type, made.linkname = tarfile.SYMTYPE, target
    return made
