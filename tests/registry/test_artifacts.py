"""Files kept where images are: pushed to a real registry or a layout, and brought back by their names."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from transom.model.errors import TransomError
from transom.registry import artifacts, client, pushing
from transom.registry.artifacts import PART, layout_of, open_artifact, write_artifact

KIND = "application/vnd.example.v1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSES_S", (0.0, 0.0, 0.0))


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[Path, str]]:
    """Two files, one of several chunks."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "small.json").write_text('{"small": true}')
    (folder / "large.bin").write_bytes(bytes(range(256)) * 10_000)
    return [(folder / "small.json", "application/json"), (folder / "large.bin", "application/octet-stream")]


def brought(name: str, file: str, folder: Path) -> bytes:
    return open_artifact(name, KIND).bring(file, folder / "brought", 1 << 30).read_bytes()


def test_what_is_pushed_in_chunks_is_brought_back(registry, files, tmp_path, monkeypatch):
    monkeypatch.setattr(pushing, "CHUNK_BYTES", 1_000_000)
    name = f"oci://{registry}/things:1"
    assert write_artifact(name, KIND, files) == sum(path.stat().st_size for path, _ in files)
    for path, _ in files:
        assert brought(name, path.name, tmp_path) == path.read_bytes()


def test_what_is_there_already_is_not_sent_again(registry, files):
    write_artifact(f"oci://{registry}/again:1", KIND, files)
    assert write_artifact(f"oci:{registry}/again:2", KIND, files) == 0


@pytest.mark.parametrize("name", ["layout", "layout.tar"])
def test_a_layout_holds_several_by_their_tags(files, tmp_path, name):
    for tag in ("1", "2"):
        write_artifact(f"oci:{tmp_path}/{name}:{tag}", KIND, files[: int(tag)])
    last = f"oci:{tmp_path}/{name}:2"
    assert brought(last, "large.bin", tmp_path) == files[1][0].read_bytes()
    if name == "layout":
        with pytest.raises(TransomError, match="it has no large"):
            brought(f"oci:{tmp_path}/{name}:1", "large.bin", tmp_path)


def test_a_download_goes_on_where_it_broke_off(registry, files, tmp_path, monkeypatch):
    name = f"oci://{registry}/broken:1"
    write_artifact(name, KIND, files)
    content = files[1][0].read_bytes()
    (tmp_path / ("brought" + PART)).write_bytes(content[:1_000_000])
    starts = []
    opened = client.RegistryClient.open
    monkeypatch.setattr(
        client.RegistryClient, "open", lambda self, each, start=0: (starts.append(start), opened(self, each, start))[1]
    )
    assert brought(name, "large.bin", tmp_path) == content
    assert starts[-1] == 1_000_000


def test_what_went_wrong_on_the_way_is_not_taken(registry, files, tmp_path):
    name = f"oci://{registry}/wrong:1"
    write_artifact(name, KIND, files)
    (tmp_path / ("brought" + PART)).write_bytes(b"something else")
    with pytest.raises(TransomError, match="not what its manifest says"):
        brought(name, "large.bin", tmp_path)
    assert brought(name, "large.bin", tmp_path) == files[1][0].read_bytes()


def test_an_artifact_of_another_kind_is_not_used(files, tmp_path):
    write_artifact(f"oci:{tmp_path}/layout:1", "application/vnd.other", files)
    with pytest.raises(TransomError, match=r"it is application/vnd.other, not"):
        open_artifact(f"oci:{tmp_path}/layout:1", KIND)


def test_a_file_that_is_too_large_is_not_brought(files, tmp_path):
    write_artifact(f"oci:{tmp_path}/layout:1", KIND, files)
    with pytest.raises(TransomError, match="larger than"):
        open_artifact(f"oci:{tmp_path}/layout:1", KIND).bring("large.bin", tmp_path / "x", 100)


@pytest.mark.parametrize(
    ("name", "path", "tag"),
    [
        ("oci://registry.example/db:1", "", ""),
        ("oci:registry.example/db:1", "", ""),
        ("oci:./db", "./db", ""),
        ("oci:/srv/db:2", "/srv/db", "2"),
        ("oci:db.tar", "db.tar", ""),
        ("oci:/srv/db.tar:2", "/srv/db.tar", "2"),
    ],
)
def test_a_layout_is_known_from_a_registry_by_its_path(name, path, tag):
    assert layout_of(name) == (path, tag)


class Guarded(BaseHTTPRequestHandler):
    """A registry that lets only those push who have a token for it, and whose first upload breaks off."""

    protocol_version = "HTTP/1.1"
    blobs: dict[str, bytes]
    upload: bytearray
    broken: list[bool]
    scopes: list[str]

    def answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.answer(404)

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            self.scopes.append(self.path)
            self.answer(200, body=json.dumps({"token": "push-token"}).encode())
        else:
            self.answer(204, {"Location": "/v2/a/b/blobs/uploads/1?state=x", "Range": f"0-{len(self.upload) - 1}"})

    def do_POST(self) -> None:
        if self.headers.get("Authorization") != "Bearer push-token":
            realm = f"http://127.0.0.1:{self.server.server_address[1]}/token"
            scope = "repository:a/b:pull,push"
            self.answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="s",scope="{scope}"'})
        else:
            self.upload.clear()
            self.answer(202, {"Location": "/v2/a/b/blobs/uploads/1?state=x"})

    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.broken:
            self.broken.append(True)
            self.upload += body[: len(body) // 2]
            self.answer(416)
            return
        assert self.headers["Content-Range"].startswith(f"{len(self.upload)}-")
        self.upload += body
        self.answer(202, {"Location": "/v2/a/b/blobs/uploads/1?state=x", "Range": f"0-{len(self.upload) - 1}"})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "/uploads/" in self.path:
            self.upload += body
            self.blobs[hashlib.sha256(self.upload).hexdigest()] = bytes(self.upload)
        self.answer(201)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def guarded() -> Iterator[tuple[str, type[Guarded]]]:
    handler = type("Handler", (Guarded,), {"blobs": {}, "upload": bytearray(), "broken": [], "scopes": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_token_to_push_is_asked_for_and_an_upload_goes_on_where_it_broke(guarded, files, monkeypatch):
    address, handler = guarded
    monkeypatch.setattr(pushing, "CHUNK_BYTES", 1_000_000)
    write_artifact(f"oci://{address}/a/b:1", KIND, files)
    large = files[1][0].read_bytes()
    assert handler.blobs[hashlib.sha256(large).hexdigest()] == large
    assert "scope=repository%3Aa%2Fb%3Apull%2Cpush" in handler.scopes[0]
    assert handler.broken


def test_the_empty_config_is_what_its_digest_says():
    assert artifacts.EMPTY.digest == f"sha256:{hashlib.sha256(b'{}').hexdigest()}"


# an index by way of a registry


def feed(folder: Path, records: int) -> str:
    told = [
        {
            "id": f"GHSA-{n}",
            "modified": "2024-01-01T00:00:00Z",
            "affected": [
                {
                    "package": {"ecosystem": "npm", "name": f"left-{n}"},
                    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.0"}]}],
                }
            ],
        }
        for n in range(records)
    ]
    (folder / "feed.json").write_text('{"schema_version": 1}' if not told else json.dumps(told))
    return str(folder / "feed.json")


def test_an_index_goes_through_a_registry_and_its_changes_as_deltas(registry, tmp_path, capsys):
    from transom.cli import main

    theirs, ours, place = str(tmp_path / "theirs.db"), str(tmp_path / "ours.db"), f"oci://{registry}/transom-db:1"
    for records in (2_000, 2_010):
        assert main(["db", "build", feed(tmp_path, records), "-o", theirs]) == 0
        assert main(["db", "export", place, "--db", theirs]) == 0
        capsys.readouterr()
        assert main(["db", "update", place, "--db", ours]) == 0
        assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    assert "deltas taken: 1" in capsys.readouterr().out
    assert main(["db", "update", place, "--db", ours]) == 0
    assert "already" in capsys.readouterr().out


def test_an_index_is_carried_in_a_layout(tmp_path, capsys):
    from transom.cli import main

    theirs, ours, place = str(tmp_path / "theirs.db"), str(tmp_path / "ours.db"), f"oci:{tmp_path}/stick.tar"
    main(["db", "build", feed(tmp_path, 3), "-o", theirs])
    assert main(["db", "export", place, "--db", theirs]) == 0
    assert main(["db", "import", place, "--db", ours]) == 0
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()


def test_a_place_that_offers_no_index_is_told(registry, tmp_path, capsys):
    from transom.cli import main

    assert main(["db", "update", f"oci://{registry}/nothing:1", "--db", str(tmp_path / "x.db")]) == 3
    assert "there is no" in capsys.readouterr().err
    assert not (tmp_path / "x.db").exists()
