"""The index on its way: what is taken, and what is refused with ours left as it was."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from transom.advisories import Index
from transom.advisories.changes import changes
from transom.advisories.mirrors import PART, fetch
from transom.advisories.shipping import MANIFEST, PACKED, export, take
from transom.model.errors import TransomError


@pytest.fixture
def keys(tmp_path):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    key = Ed25519PrivateKey.generate()
    encoding = serialization.Encoding.PEM
    private.write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture
def mirror(index_of, osv, tmp_path, keys):
    index_of(osv(events=[{"introduced": "0"}])).close()
    export(tmp_path / "index.db", tmp_path / "mirror", keys[0])
    return tmp_path / "mirror"


@pytest.fixture
def served(mirror):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(mirror)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_a_mirror_serves_is_taken_once(served, keys, tmp_path):
    ours = tmp_path / "ours" / "transom.db"
    assert take(served, ours, keys[1]) is not None
    assert ours.read_bytes() == (tmp_path / "index.db").read_bytes()
    assert take(served, ours, keys[1]) is None
    assert [path.name for path in ours.parent.iterdir()] == ["transom.db"]


def test_a_folder_is_a_mirror_too(mirror, tmp_path):
    take(str(mirror), tmp_path / "ours.db")
    with Index(tmp_path / "ours.db") as index:
        assert index.channels == {"npm"}


def changed(path, **fields):
    manifest = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode(manifest | fields))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"built": "2999-01-01T00:00:00+00:00"}, "signature is not by"),
        ({"signature": ""}, "not signed"),
        ({"signature": "!"}, "signature is not by"),
        ({"packed": "../../etc/passwd"}, "names a file elsewhere"),
    ],
)
def test_a_manifest_that_was_changed_is_refused(mirror, keys, tmp_path, fields, why):
    changed(mirror / MANIFEST, **fields)
    with pytest.raises(TransomError, match=why):
        take(str(mirror), tmp_path / "ours.db", keys[1])
    assert not (tmp_path / "ours.db").exists()


def test_another_index_than_the_manifest_says_is_refused(mirror, tmp_path):
    content = bytearray((mirror / PACKED).read_bytes())
    content[len(content) // 2] ^= 1
    (mirror / PACKED).write_bytes(content)
    with pytest.raises(TransomError, match="not what its manifest says"):
        take(str(mirror), tmp_path / "ours.db")


def test_a_mirror_that_goes_back_in_time_is_refused(index_of, osv, mirror, tmp_path):
    newer = osv(events=[{"introduced": "0"}]) | {"modified": "2025-01-01T00:00:00Z"}
    index_of(newer, name="ours.db").close()
    before = (tmp_path / "ours.db").read_bytes()
    with pytest.raises(TransomError, match="will not take"):
        take(str(mirror), tmp_path / "ours.db")
    assert (tmp_path / "ours.db").read_bytes() == before
    assert take(str(mirror), tmp_path / "ours.db", older=True)


def test_a_download_goes_on_where_it_broke_off(mirror, tmp_path, monkeypatch):
    content = (mirror / PACKED).read_bytes()
    asked = []

    class Ranges(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            asked.append(self.headers["Range"])
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start:])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / ("got" + PART)).write_bytes(content[:100])
    got = fetch(f"http://127.0.0.1:{server.server_port}/x", tmp_path / "got")
    server.shutdown()
    server.server_close()
    assert got.read_bytes() == content
    assert asked == ["bytes=100-"]


def test_plain_http_is_for_this_machine_only(tmp_path):
    with pytest.raises(TransomError, match="anybody on the way"):
        fetch("http://mirror.example/transom.db.json", tmp_path / "x")


def test_a_diff_names_records_that_came_went_and_changed(index_of, osv):
    events = [{"introduced": "0"}]
    before = index_of(osv("T-1", events=events), osv("T-2", events=events), osv("T-3", events=events), name="a.db")
    fixed = [*events, {"fixed": "1.0.0"}]
    after = index_of(osv("T-2", events=fixed), osv("T-3", events=events), osv("T-4", events=events), name="b.db")
    told = [(each.what, each.record) for each in changes(before, after)]
    assert told == [("gone", "T-1"), ("changed", "T-2"), ("new", "T-4")]
    assert not list(changes(before, before))
