"""A registry of one's own, and images to put into it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Files = dict[str, bytes]


def tar_of(files: Files) -> bytes:
    """Return a tar of files; a name that ends in `/` is a folder, a content that begins with `->` a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            if content.startswith(b"->"):
                entry.type, entry.linkname = tarfile.SYMTYPE, content[2:].decode()
                archive.addfile(entry)
            elif name.endswith("/"):
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class Layout:
    """An OCI layout that is being made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.manifests: list[dict[str, Any]] = []

    def blob(self, content: bytes, kind: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    def image(self, *layers: Files, name: str = "latest", architecture: str = "amd64", **config: Any) -> dict[str, Any]:
        """Add an image of some layers and return its descriptor; history: what made each, among its settings."""
        made_by = config.pop("history", [f"step {number}" for number in range(len(layers))])
        plain = [tar_of(files) for files in layers]
        stored = [
            self.blob(gzip.compress(each, 1, mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip") for each in plain
        ]
        whole = {
            "architecture": architecture,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in plain]},
            "history": [{"created_by": each} for each in made_by],
            "config": config,
        }
        made = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(json.dumps(whole).encode(), "application/vnd.oci.image.config.v1+json"),
            "layers": stored,
        }
        descriptor = self.blob(json.dumps(made).encode(), made["mediaType"])
        self.add({**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}})
        return descriptor

    def index(self, *images: dict[str, Any], name: str = "latest") -> dict[str, Any]:
        """Add an index of images and return its descriptor."""
        kind = "application/vnd.oci.image.index.v1+json"
        content = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": images}).encode()
        descriptor = self.blob(content, kind)
        self.manifests = [each for each in self.manifests if each["digest"] not in {i["digest"] for i in images}]
        self.add({**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}})
        return descriptor

    def add(self, descriptor: dict[str, Any]) -> None:
        self.manifests.append(descriptor)
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.manifests}))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that keeps what is pushed to it."""
    program = shutil.which("docker-registry")
    if not program:
        pytest.skip("there is no docker-registry here: apt-get install docker-registry")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with subprocess.Popen([program, "serve", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/v2/")
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(url: str) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the registry does not come up")


@pytest.fixture
def pushed(registry: str, layout: Layout) -> Callable[[str], str]:
    """Push the layout's image and return the reference that it has then."""
    program = shutil.which("skopeo")
    if not program:
        pytest.skip("there is no skopeo here: apt-get install skopeo")

    def push(name: str) -> str:
        target = f"docker://{registry}/{name}"
        source = f"oci:{layout.folder}:latest"
        words = [program, "copy", "--all", "--quiet", "--dest-tls-verify=false", source, target]
        subprocess.run(words, check=True, capture_output=True)
        return f"{registry}/{name}"

    return push
