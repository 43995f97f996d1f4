"""What images of strangers do to whoever reads them: a clear result, what could be read, and nothing else.

Each case is put to the command as a person would; the parts have tests of their own beside them.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.images.layers.making import DATABASE, entry, hardlink, status, symlink, tar
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
MEMORY_BYTES = 1536 * 1024 * 1024  # of addresses, most of them libraries; a quiet scan has 0.6
PLAIN = tar([entry(DATABASE, status("base-files")), entry("etc/os-release", b'ID=debian\nVERSION_ID="12"\n')])


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def put(
    layout: Layout,  # noqa: F811
    stored: bytes,
    diff_id: str,
    kind: str = GZIP,
    config: Any = None,
    **descriptor: Any,
) -> None:
    """Add an image of one good layer and of one that is given."""
    good = gzip.compress(PLAIN, mtime=0)
    whole = config or {"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [digest(PLAIN), diff_id]}}
    layers = [layout.blob(good, GZIP), {**layout.blob(stored, kind), **descriptor}]
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": layout.blob(json.dumps(whole).encode(), CONFIG)}
    layout.add(layout.blob(json.dumps({**manifest, "layers": layers}).encode(), MANIFEST))


def sbom(layout: Layout, tmp_path: Path, *words: str) -> tuple[int, str, str]:  # noqa: F811
    """Run the command with little memory; returns its exit code, and what it said."""
    limited = f"import resource, sys; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}));"
    script = f"{limited} from transom.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, "sbom", f"oci:{layout.folder}", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    return done.returncode, done.stdout, done.stderr


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, link
    return made.tobuf(tarfile.GNU_FORMAT)


def archives_within_archives() -> bytes:
    content = b""
    for _ in range(9):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(10):
                archive.writestr(f"lib/{number}.jar", content or bytes(1_000_000))
        content = buffer.getvalue()
    return content


def packed(plain: bytes) -> tuple[bytes, str]:
    return gzip.compress(plain, 1), digest(plain)


NOISE = os.urandom(50_000)
REFUSED: dict[str, tuple[Callable[[], tuple[bytes, str]], str]] = {
    "truncated": (
        lambda: (packed(tar([entry("a", NOISE)]))[0][:-20_000], digest(tar([entry("a", NOISE)]))),
        "ends within",
    ),
    "corrupt": (lambda: (packed(PLAIN)[0][:40] + b"\xff" * 40 + packed(PLAIN)[0][80:], digest(b"x")), "breaks off"),
    "no tar": (lambda: packed(b"no tar at all" * 100), "breaks off"),
    "another packing": (lambda: (b"BZh91AY&SY" + bytes(100), digest(b"x")), "packed by bzip2"),
    "wrong diff-ID": (lambda: (packed(PLAIN)[0], f"sha256:{'0' * 64}"), "its diff-ID is"),
    "a diff-ID that is a path": (lambda: (packed(PLAIN)[0], "../../../../tmp/x"), "its diff-ID is"),
    "archives within archives": (
        lambda: packed(tar([entry("app/a.jar", archives_within_archives())])),
        "archives lie within archives deeper than",
    ),
    "a huge file of interest": (
        lambda: packed(header("app/node_modules/a/package.json", 200 << 20) + bytes(200 << 20) + bytes(1024)),
        "larger than 8 MiB",
    ),
    "a link to what is outside": (
        lambda: packed(tar([hardlink("etc/passwd", "../../../../../../etc/passwd")])),
        "by another name, which was not read",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_told_and_the_rest_is_kept(layout: Layout, tmp_path: Path, case: str) -> None:  # noqa: F811
    make, said = REFUSED[case]
    put(layout, *make())
    code, out, err = sbom(layout, tmp_path)
    assert (code, "base-files" in out) == (3, True), err
    assert said in err
    assert "Traceback" not in err


HARMLESS: dict[str, Callable[[], bytes]] = {
    "many entries": lambda: b"".join(header(f"d{each % 100}/f{each}") for each in range(300_000)) + bytes(1024),
    "zeros": lambda: header("zeros", 1 << 30) + bytes(1 << 30) + bytes(1024),
    "paths that lead out": lambda: tar(
        [entry("../../../../tmp/out", b"x"), entry("/tmp/out", b"x"), entry("a/../../b")]
    ),
    "links in circles": lambda: tar([symlink("a", "b"), symlink("b", "a"), symlink("usr", "usr"), entry("a/x", b"x")]),
    "devices": lambda: (
        header("dev/sda", 0, tarfile.BLKTYPE) + header("mem", 9, tarfile.CHRTYPE) + header("p", 0, tarfile.FIFOTYPE)
    ),
    "no names": lambda: tar([entry(".", b""), entry("..", b""), entry("/", b"")]),
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_does_nothing_is_read_within_limits(layout: Layout, tmp_path: Path, case: str) -> None:  # noqa: F811
    plain = HARMLESS[case]()
    put(layout, *packed(plain))
    code, out, err = sbom(layout, tmp_path)
    assert (code, "base-files" in out) == (0, True), err
    written = {each.parent for each in tmp_path.rglob("*") if each.is_file() and layout.folder not in each.parents}
    assert written <= {tmp_path / "cache" / "transom" / "layers"}


def test_a_foreign_layer_is_told_and_its_address_is_not_asked(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    kind = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    put(layout, b"gone", digest(b"x"), kind, urls=["http://127.0.0.1:1/layer"])
    (layout.folder / "blobs" / "sha256" / hashlib.sha256(b"gone").hexdigest()).unlink()
    code, out, err = sbom(layout, tmp_path)
    assert (code, "base-files" in out) == (3, True)
    assert "kept elsewhere" in err


def test_a_layer_of_an_unknown_type_is_read_for_what_it_is(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    put(layout, *packed(tar([entry("etc/a", b"x")])), "application/vnd.example.unknown")
    code, out, err = sbom(layout, tmp_path)
    assert (code, "base-files" in out) == (0, True), err


@pytest.mark.parametrize("config", [[], {"rootfs": 3}, {"rootfs": {"diff_ids": ["a"] * 5}}, {"history": "x"}])
def test_a_config_that_is_none_is_told(layout: Layout, tmp_path: Path, config: Any) -> None:  # noqa: F811
    put(layout, *packed(PLAIN), config=config or ["x"])
    code, _, err = sbom(layout, tmp_path)
    assert code != 0
    assert "cannot read" in err
    assert "Traceback" not in err


def test_two_runs_at_once_and_a_killed_one_leave_a_cache_that_holds(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    plain = HARMLESS["many entries"]()
    put(layout, *packed(plain))
    words = [sys.executable, "-m", "transom", "sbom", f"oci:{layout.folder}"]
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for after_s in (0.3, 0.8, 1.3):
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env) as killed:
            time.sleep(after_s)
            killed.send_signal(signal.SIGKILL)
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) for _ in range(2)]
    said = [each.communicate(timeout=120)[0] for each in both]
    assert said[0] == said[1]
    assert "base-files" in said[0]
    assert sbom(layout, tmp_path)[:2] == (0, said[0])
