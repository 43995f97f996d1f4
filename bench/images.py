"""Images to inspect: a root of Debian with Python, Node and Java in it, and a layer of very many small files."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

DEBIAN = "bookworm"
JAVA = (
    "openjdk-17-jre-headless,libspring-core-java,libspring-web-java,libtomcat9-java,libjackson2-databind-java,"
    "liblog4j2-java,libguava-java,libcommons-lang3-java"
)
MORE = "git,curl,nginx,redis-server,ruby-rack,nodejs"
NPM = ("express", "next", "webpack", "eslint", "lodash", "typescript", "jest", "react-scripts")
SMALL_FILES = 300_000

Identity = tuple[str, str, str]
KINDS = {
    "python": "pypi",
    "go-module": "golang",
    "java-archive": "maven",
    "rust-crate": "cargo",
    "php-composer": "composer",
    "R-package": "cran",
    "dotnet": "nuget",
    "binary": "generic",
}
"""What the peer calls kinds of packages, where it is not the purl's type."""


class Agreement(msgspec.Struct, frozen=True):
    """How two lists of packages agree: F1 over kind, name and version, and what only one of them has."""

    f1: float
    only_ours: tuple[Identity, ...]
    only_theirs: tuple[Identity, ...]


def why_not() -> str:
    """Return why the image cannot be built here, "" where it can."""
    for program in ("debootstrap", "npm"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return "" if os.geteuid() == 0 else "debootstrap needs root"


def large(build: Path, environment: Path) -> Path:
    """Return the layout of the large image, which holds a copy of a Python environment; built once."""
    layout = build / "bench-image"
    if not (layout / "index.json").exists():
        print("building the bench image once, some minutes …", file=sys.stderr)
        root = build / "bench-root"
        shutil.rmtree(root, ignore_errors=True)
        include = f"--include={JAVA},{MORE}"
        subprocess.run(
            ["debootstrap", "--variant=minbase", include, DEBIAN, root], check=True, stdout=subprocess.DEVNULL
        )
        shutil.copytree(environment, root / "opt" / "venv", symlinks=True)
        (root / "srv" / "app").mkdir(parents=True)
        install = ["npm", "install", "--silent", "--ignore-scripts", "--prefix", root / "srv" / "app", *NPM]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
        write_layout(layout, _packed(root))
        shutil.rmtree(root)
    return layout


def many(build: Path) -> Path:
    """Return the layout of an image of one layer with very many small files; built once."""
    layout = build / "bench-many"
    if not (layout / "index.json").exists():
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for number in range(SMALL_FILES):
                entry = tarfile.TarInfo(f"data/{number // 1000:03}/{number:06}.txt")
                content = str(number).encode()
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        write_layout(layout, buffer.getvalue())
    return layout


def _packed(root: Path) -> bytes:
    tar = ["tar", "--one-file-system", "--exclude=./proc/*", "--exclude=./sys/*", "-C", str(root), "-cf", "-", "."]
    return subprocess.run(tar, check=True, capture_output=True).stdout


def write_layout(layout: Path, layer: bytes) -> None:
    """Write an OCI layout of one image with one layer (OCI image layout specification)."""
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def put(content: bytes, kind: str) -> dict[str, object]:
        digest = sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    diff_id = f"sha256:{sha256(layer).hexdigest()}"
    packed = put(gzip.compress(layer, 6), "layer.v1.tar+gzip")
    system = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    config = put(json.dumps(system).encode(), "config.v1+json")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [packed]}
    index = {"schemaVersion": 2, "manifests": [put(json.dumps(manifest).encode(), "manifest.v1+json")]}
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps(index))


def listing(layout: Path, secrets: bool = False) -> list[Identity]:
    """Return what our inspection finds in an image, without a cache; secrets: whether every file is looked through, too."""
    from transom.images.cache import LayerCache
    from transom.images.inspection import inspect
    from transom.registry.layouts import read_layout

    looking = None
    if secrets:
        from transom.rules.leaks import searcher

        looking = searcher()
    found = inspect(read_layout(str(layout)), LayerCache(None, searcher=looking)).packages
    return [(each.kind, f"{each.namespace}/{each.name}", each.version) for each in found]


def agreement(ours: Iterable[Sequence[str]], theirs: bytes) -> Agreement:
    """Compare our list with the peer's JSON; what has no version is no package that anything could be known of."""
    mine = {_ours(*each) for each in ours}
    found = {_theirs(each) for each in json.loads(theirs)["artifacts"]}
    mine, found = {each for each in mine if each[2]}, {each for each in found if each[2] not in ("", "UNKNOWN")}
    both = len(mine & found)
    return Agreement(2 * both / (len(mine) + len(found)), tuple(sorted(mine - found)), tuple(sorted(found - mine)))


def _ours(kind: str, name: str, version: str) -> Identity:
    plain = name.rpartition("/")[2] if kind in ("maven", "deb") else name.lstrip("/")
    return kind, plain, version


def _theirs(artifact: dict[str, str]) -> Identity:
    """Return the peer's package in our terms: names as indexes compare them, versions without the word go."""
    kind = KINDS.get(artifact["type"], artifact["type"])
    name, version = artifact["name"], artifact["version"]
    if kind == "pypi":
        name = name.lower().replace("_", "-").replace(".", "-")
    elif name == "stdlib":
        version = version.removeprefix("go")
    return kind, name, version


if __name__ == "__main__":
    sys.stdout.write(json.dumps(listing(Path(sys.argv[1]), "secrets" in sys.argv[2:])))
