"""Images of an engine are asked over its socket; here a small server stands in for one."""

from __future__ import annotations

import shutil
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from transom.images.cache import LayerCache
from transom.images.inspection import inspect
from transom.model.errors import TransomError
from transom.registry import daemon
from transom.registry.blobs import Image
from transom.registry.daemon import DOCKER, PODMAN, read_daemon

Answer = tuple[int, bytes, dict[str, str]]


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    asked: list[str]
    answer: Answer


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        status, content, headers = self.server.answer
        self.server.asked.append(self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Server]:
    server = Server(str(tmp_path / "e.sock"), Handler)
    server.asked = []
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def ask(engine: Server) -> Callable[..., Image]:
    def asked(name: str = "web:1", **more: str) -> Image:
        return read_daemon(DOCKER, name, None, None, {"DOCKER_HOST": f"unix://{engine.server_address}", **more})

    return asked


def saved(layout: Layout, tmp_path: Path, form: str) -> bytes:  # noqa: F811
    if not shutil.which("skopeo"):
        pytest.skip("there is no skopeo here: apt-get install skopeo")
    layout.image({"etc/os-release": b"ID=debian\n"})
    words = ["skopeo", "copy", "-q", f"oci:{layout.folder}:latest", f"{form}:{tmp_path}/a.tar:web:1"]
    subprocess.run(words, check=True, capture_output=True)
    return (tmp_path / "a.tar").read_bytes()


@pytest.mark.parametrize("form", ["docker-archive", "oci-archive"])
def test_an_image_is_read_as_the_engine_saves_it(
    engine: Server,
    ask: Callable[..., Image],
    layout: Layout,  # noqa: F811
    tmp_path: Path,
    form: str,
) -> None:
    engine.answer = (200, saved(layout, tmp_path, form), {"Content-Type": "application/x-tar"})
    found = inspect(ask("example.com/shop/web:1"), LayerCache(None))
    assert found.distro.id == "debian"
    assert engine.asked == ["/images/example.com/shop/web:1/get"]


def test_an_image_that_is_not_there_is_told(engine: Server, ask: Callable[..., Image]) -> None:
    engine.answer = (404, b'{"message": "no such image"}', {})
    with pytest.raises(TransomError, match="Docker has no image web:1"):
        ask()


def test_a_refusal_is_told_with_what_the_engine_says(engine: Server, ask: Callable[..., Image]) -> None:
    engine.answer = (500, b'{"message": "disk full"}', {})
    with pytest.raises(TransomError, match=r"500.*disk full"):
        ask()


def test_an_archive_that_breaks_off_is_told(engine: Server, ask: Callable[..., Image]) -> None:
    engine.answer = (200, b"x" * 100, {"Content-Length": "1000"})
    with pytest.raises(TransomError, match="cannot get web:1"):
        ask()


def test_rubbish_is_told(engine: Server, ask: Callable[..., Image]) -> None:
    engine.answer = (200, b"x" * 2000, {})
    with pytest.raises(TransomError, match="cannot read web:1"):
        ask()


def test_an_archive_without_end_is_refused(
    engine: Server, ask: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.answer = (200, b"x" * 2000, {})
    monkeypatch.setattr(daemon, "MAX_ARCHIVE_BYTES", 1000)
    with pytest.raises(TransomError, match="larger"):
        ask()


@pytest.mark.parametrize("address", ["unix:///nowhere.sock", "ssh://somewhere", "tcp://127.0.0.1:1"])
def test_no_engine_is_told(address: str) -> None:
    with pytest.raises(TransomError, match=r"CONTAINER_HOST|tcp://HOST"):
        read_daemon(PODMAN, "web:1", None, None, {"CONTAINER_HOST": address})
