"""The index on its way: what is taken, and what is refused with ours left as it was."""

from __future__ import annotations

import contextlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
import zstandard
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from transom.advisories import Index, deltas
from transom.advisories.building import build
from transom.advisories.changes import changes
from transom.advisories.documents import Document
from transom.advisories.feeds import read
from transom.advisories.mirrors import PART, Place, fetch
from transom.advisories.shipping import MANIFEST, PACKED, export, take, take_file
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
    assert take(Place(served), ours, keys[1]) is not None
    assert ours.read_bytes() == (tmp_path / "index.db").read_bytes()
    assert take(Place(served), ours, keys[1]) is None
    assert [path.name for path in ours.parent.iterdir()] == ["transom.db"]


def test_a_folder_is_a_mirror_too(mirror, tmp_path):
    take(Place(str(mirror)), tmp_path / "ours.db")
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
        take(Place(str(mirror)), tmp_path / "ours.db", keys[1])
    assert not (tmp_path / "ours.db").exists()


def test_another_index_than_the_manifest_says_is_refused(mirror, tmp_path):
    content = bytearray((mirror / PACKED).read_bytes())
    content[len(content) // 2] ^= 1
    (mirror / PACKED).write_bytes(content)
    with pytest.raises(TransomError, match="not what its manifest says"):
        take(Place(str(mirror)), tmp_path / "ours.db")


def test_a_mirror_that_goes_back_in_time_is_refused(index_of, osv, mirror, tmp_path):
    newer = osv(events=[{"introduced": "0"}]) | {"modified": "2025-01-01T00:00:00Z"}
    index_of(newer, name="ours.db").close()
    before = (tmp_path / "ours.db").read_bytes()
    with pytest.raises(TransomError, match="will not take"):
        take(Place(str(mirror)), tmp_path / "ours.db")
    assert (tmp_path / "ours.db").read_bytes() == before
    assert take(Place(str(mirror)), tmp_path / "ours.db", older=True)


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


@pytest.fixture
def days(osv, tmp_path, keys):
    """Return what exports the index of another day: each changes one record of a thousand and brings one."""

    def export_day(day):
        told = [osv(f"T-{n:04}", ("npm", f"left-{n}"), [{"introduced": "0"}]) for n in range(1_000 + day)]
        for number in range(day):
            told[number * 7] |= {"modified": f"2024-02-{day:02}T00:00:00Z", "summary": f"told anew on day {day}"}
        documents = (Document(f"{n}.json", msgspec.json.encode(each)) for n, each in enumerate(told))
        build((each for document in documents for each in read(document)), tmp_path / "theirs.db")
        return export(tmp_path / "theirs.db", tmp_path / "days", keys[0])

    return export_day


def test_who_has_a_former_index_takes_deltas_to_the_very_same_bytes(days, keys, tmp_path):
    mirror, ours = Place(str(tmp_path / "days")), tmp_path / "ours.db"
    days(0)
    assert take(mirror, ours, keys[1]).deltas == 0
    days(1)
    days(2)
    manifest = days(3)
    taken = take(mirror, ours, keys[1])
    assert taken.deltas == 3
    assert taken.fetched_bytes < manifest.packed_bytes
    assert ours.read_bytes() == (tmp_path / "theirs.db").read_bytes()
    assert take(mirror, ours, keys[1]) is None
    assert not list(tmp_path.glob(".*"))


def test_who_has_another_index_takes_the_whole(days, keys, index_of, osv, tmp_path):
    index_of(osv(events=[{"introduced": "0"}]), name="ours.db").close()
    days(0)
    days(1)
    assert take(Place(str(tmp_path / "days")), tmp_path / "ours.db", keys[1], older=True).deltas == 0
    assert (tmp_path / "ours.db").read_bytes() == (tmp_path / "theirs.db").read_bytes()


@pytest.mark.parametrize("harm", [b"", b"no delta at all", None])
def test_where_a_delta_is_broken_the_whole_is_taken(days, keys, tmp_path, harm):
    days(0)
    take(Place(str(tmp_path / "days")), tmp_path / "ours.db", keys[1])
    manifest = days(1)
    delta = tmp_path / "days" / manifest.deltas[0].file
    if harm is None:
        delta.unlink()
    else:
        delta.write_bytes(harm)
    assert take(Place(str(tmp_path / "days")), tmp_path / "ours.db", keys[1]).deltas == 0
    assert (tmp_path / "ours.db").read_bytes() == (tmp_path / "theirs.db").read_bytes()


def test_deltas_that_together_are_no_gain_are_dropped(days, tmp_path, monkeypatch):
    monkeypatch.setattr("transom.advisories.shipping.MAX_DELTAS", 2)
    for day in range(5):
        manifest = days(day)
    assert len(manifest.deltas) == 2
    assert {each.name for each in (tmp_path / "days").glob("*.delta")} == {each.file for each in manifest.deltas}


def test_a_delta_that_was_changed_in_the_manifest_does_not_fit_its_signature(days, keys, tmp_path):
    days(0)
    days(1)
    manifest = msgspec.json.decode((tmp_path / "days" / MANIFEST).read_bytes())
    changed(tmp_path / "days" / MANIFEST, deltas=[manifest["deltas"][0] | {"sha256": "0" * 64}])
    with pytest.raises(TransomError, match="signature is not by"):
        take(Place(str(tmp_path / "days")), tmp_path / "ours.db", keys[1])


@given(st.binary(max_size=20_000), st.binary(max_size=20_000), st.integers(10, 5_000))
def test_a_delta_leads_to_the_new_bytes_in_any_number_of_segments(former, new, segment):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(deltas, "SEGMENT_BYTES", segment)
        patch.setattr(deltas, "AROUND_BYTES", segment // 2)
        patch.setattr(deltas, "MAX_SEGMENTS", 10_000)
        one, other, delta, made = (Path(folder) / name for name in ("a", "b", "delta", "made"))
        one.write_bytes(former)
        other.write_bytes(new)
        deltas.write_delta(one, other, delta)
        deltas.apply_delta(one, delta, made)
        assert made.read_bytes() == new


@given(st.binary(max_size=300))
def test_random_bytes_are_no_delta_and_no_crash(content):
    with TemporaryDirectory() as folder:
        (Path(folder) / "a").write_bytes(b"former")
        (Path(folder) / "delta").write_bytes(content)
        with contextlib.suppress(TransomError):
            deltas.apply_delta(Path(folder) / "a", Path(folder) / "delta", Path(folder) / "made")


def test_a_delta_that_claims_to_unpack_to_much_is_refused_before_memory_is_taken(tmp_path):
    frame = zstandard.ZstdCompressor().compress(b"x" * 100)
    claimed = frame[:4] + b"\xe0" + (1 << 40).to_bytes(8, "little") + frame[6:]
    (tmp_path / "a").write_bytes(b"former")
    (tmp_path / "delta").write_bytes(msgspec.msgpack.encode(deltas.Patch(8 << 20, 8 << 20, [claimed])))
    with pytest.raises(TransomError, match="unpacks to more than 8 MB"):
        deltas.apply_delta(tmp_path / "a", tmp_path / "delta", tmp_path / "made")


def test_a_mirror_whose_feed_has_lost_its_records_is_refused(index_of, osv, mirror, tmp_path):
    more = [osv(f"T-{n}", ("npm", f"left-{n}"), [{"introduced": "0"}]) for n in range(10)]
    index_of(*more, name="ours.db").close()
    export(tmp_path / "ours.db", tmp_path / "fuller")
    index_of(*more[:3], name="less.db").close()
    export(tmp_path / "less.db", tmp_path / "less")
    take(Place(str(tmp_path / "fuller")), tmp_path / "x.db")
    with pytest.raises(TransomError, match="has 3 records, ours 10"):
        take(Place(str(tmp_path / "less")), tmp_path / "x.db")


@pytest.mark.parametrize("packed", [False, True])
def test_an_index_alone_is_taken_where_it_knows_no_less(index_of, osv, tmp_path, packed):
    more = [osv(f"T-{n}", ("npm", f"left-{n}"), [{"introduced": "0"}]) for n in range(10)]
    index_of(*more, name="theirs.db").close()
    index_of(*more[:3], name="less.db").close()
    for name in ("theirs", "less"):
        content = (tmp_path / f"{name}.db").read_bytes()
        (tmp_path / f"{name}.file").write_bytes(zstandard.compress(content) if packed else content)
    ours = tmp_path / "ours.db"
    assert take_file(tmp_path / "theirs.file", ours) is not None
    assert ours.read_bytes() == (tmp_path / "theirs.db").read_bytes()
    assert take_file(tmp_path / "theirs.file", ours) is None
    with pytest.raises(TransomError, match="has 3 records, ours 10"):
        take_file(tmp_path / "less.file", ours)
    assert take_file(tmp_path / "less.file", ours, older=True) is not None


@pytest.mark.parametrize("content", [b"", b"<html>", b"SQLite format 3\0" + b"\0" * 200, zstandard.compress(b"x")])
def test_a_file_that_is_no_index_leaves_ours_as_it_is(index_of, osv, tmp_path, content):
    index_of(osv(events=[{"introduced": "0"}]), name="ours.db").close()
    before = (tmp_path / "ours.db").read_bytes()
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(TransomError, match="cannot use the index"):
        take_file(tmp_path / "file", tmp_path / "ours.db")
    assert (tmp_path / "ours.db").read_bytes() == before


def test_a_manifest_that_tells_of_another_index_is_refused(mirror, tmp_path):
    changed(mirror / MANIFEST, built="2026-01-01T00:00:00+00:00")
    with pytest.raises(TransomError, match="tells of another index"):
        take(Place(str(mirror)), tmp_path / "ours.db")
    assert not (tmp_path / "ours.db").exists()
