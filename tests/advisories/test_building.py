"""What becomes of bad feeds, and of the index that stood before."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from transom.advisories import Index
from transom.advisories.building import build
from transom.advisories.documents import Document
from transom.advisories.feeds import read, told
from transom.model.advisories import Advisory, Refused
from transom.model.errors import TransomError


def refused(path: Path) -> str:
    return "; ".join(each.reason for each in told(str(path)) if isinstance(each, Refused))


def refusals(content: bytes) -> list[str]:
    return [each.reason for each in read(Document("feed", content)) if isinstance(each, Refused)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"", "empty"),
        (b'{"id": "T-1", "affected": [{"pack', "broken JSON"),
        (b'{"id": 5, "modified": ""}', "not as osv is written"),
        (b'{"a": 1}', "JSON of no known format"),
        (b"#model_version:v1\ncve,epss,percentile\n", "of which day"),
        (b"id: &a x\nmodified: *a\n", "YAML with aliases"),
    ],
)
def test_what_is_no_feed_is_refused_with_the_reason(content, reason):
    assert reason in refusals(content)[0]


@pytest.mark.parametrize("events", [[{"fixed": "1.0.0"}], [{"introduced": "2.0.0"}, {"fixed": "1.0.0"}]])
def test_impossible_ranges_are_refused(osv, events):
    assert "begins nowhere" in refusals(json.dumps(osv(events=events)).encode())[0]


def test_an_index_of_nothing_is_not_written_and_the_last_one_stays(index_of, osv, tmp_path):
    index_of(osv(events=[{"introduced": "0"}])).close()
    before = (tmp_path / "index.db").read_bytes()
    with pytest.raises(TransomError, match="name no package"):
        build(read(Document("x", b"<html>")), tmp_path / "index.db")
    assert (tmp_path / "index.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["index.db"]


def test_of_two_versions_of_a_record_the_newer_counts(index_of, osv):
    old = osv(events=[{"introduced": "0"}])
    new = osv(events=[{"introduced": "0"}, {"fixed": "1.0.0"}]) | {"modified": "2024-06-01T00:00:00Z"}
    for order in ((old, new), (new, old)):
        (row,) = index_of(*order).rows("npm", "left")
        assert row.stop == "1.0.0"


def test_a_time_in_the_future_is_not_believed(index_of, osv):
    index = index_of(osv(events=[{"introduced": "0"}]) | {"modified": "2999-01-01T00:00:00Z"})
    assert [feed.modified for feed in index.feeds] == [""]
    assert "in the future" in next(iter(index.refusals))[1]


def test_cyclic_aliases_do_no_harm(index_of, osv):
    events = [{"introduced": "0"}]
    index = index_of(osv("T-1", events=events, aliases=["T-2"]), osv("T-2", events=events, aliases=["T-1", "T-2"]))
    assert {record.bug for _, record in index.every_record()} == {"T-1"}


def test_feeds_are_read_from_folders_archives_and_packed_files(osv, tmp_path):
    content = json.dumps(osv(events=[{"introduced": "0"}])).encode()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "T-1.json").write_bytes(content)
    (tmp_path / "T-1.json.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("T-1.json", content)
    for name in ("folder", "T-1.json.gz", "all.zip"):
        assert [each.id for each in told(str(tmp_path / name)) if isinstance(each, Advisory)] == ["T-1"]


def test_a_bomb_is_refused(tmp_path):
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * (32 << 20)))
    assert "times its size" in refused(tmp_path / "bomb.json.gz")


def test_a_file_cut_short_is_refused(tmp_path):
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(bytes(range(256)) * 100)[:-50])
    assert "cannot be read" in refused(tmp_path / "cut.json.gz")


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\0" * 100])
def test_what_is_no_index_is_told(content, tmp_path: Path):
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(TransomError, match="cannot use the index"):
        Index(tmp_path / "x.db")


def test_yaml_keeps_versions_as_written(index_of):
    text = (
        b"reponame: main\nurlprefix: https://dl-cdn.alpinelinux.org/alpine\ndistroversion: v3.10\npackages:\n"
        b"  - pkg:\n      name: a\n      secfixes:\n        0.10:\n          - CVE-1\n"
    )
    index = index_of(text)
    assert [row.stop for row in index.rows("alpine-3.10", "a")] == ["0.10"]


def test_an_index_that_is_broken_within_is_told_without_a_traceback(index_of, osv, tmp_path):
    index_of(*(osv(f"T-{n}", ("npm", f"left-{n}"), [{"introduced": "0"}]) for n in range(2_000))).close()
    whole = (tmp_path / "index.db").read_bytes()
    (tmp_path / "broken.db").write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(TransomError, match="cannot use the index"):
        list(Index(tmp_path / "broken.db").every_record())


def test_two_documents_of_one_name_are_both_read(tmp_path):
    text = "urlprefix: https://dl-cdn.alpinelinux.org/alpine\nreponame: main\ndistroversion: {}\npackages:\n"
    text += "- pkg:\n    name: a\n    secfixes:\n      1-r0: [CVE-1]\n"
    documents = [Document("main.yaml", text.format(release).encode()) for release in ("v3.18", "v3.19")]
    build((each for document in documents for each in read(document)), tmp_path / "x.db")
    with Index(tmp_path / "x.db") as index:
        assert index.channels == {"alpine-3.18", "alpine-3.19"}
        assert all(index.rows(channel, "a") for channel in index.channels)
