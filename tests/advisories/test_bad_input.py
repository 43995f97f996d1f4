"""Whatever feeds and mirrors do wrong: refused or partial with the reason, the last good index stays, and no scan looks clean."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import zstandard

from transom.advisories import Index, match, outdated
from transom.advisories.building import build
from transom.advisories.documents import Document
from transom.advisories.feeds import read, told
from transom.advisories.mirrors import Place
from transom.advisories.shipping import MANIFEST, export, take
from transom.cli import main, scanners
from transom.model.advisories import Advisory, Exploited, Likelihood, Refused
from transom.model.errors import TransomError
from transom.model.findings import Skipped
from transom.model.packages import Package
from transom.model.vulnerabilities import MAX_AGE_DAYS


def refusals(path: Path) -> list[str]:
    return [each.reason for each in told(str(path)) if isinstance(each, Refused)]


@pytest.fixture
def records(osv):
    """Return records of an OSV feed."""
    return [osv(f"T-{n}", ("npm", f"left-{n}"), [{"introduced": "0"}]) for n in range(40)]


def built(path: Path, index: Path, *more: str) -> int:
    return main(["db", "build", str(path), "-o", str(index), *more])


# cut short


@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_a_zip_that_was_cut_short_tells_nothing(records, tmp_path, share):
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for each in records:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
    whole = (tmp_path / "all.zip").read_bytes()
    (tmp_path / "all.zip").write_bytes(whole[: int(len(whole) * share)])
    assert "cannot be read" in refusals(tmp_path / "all.zip")[0]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_document_that_was_cut_short_is_refused(records, tmp_path, pack):
    packed = pack(json.dumps(records).encode())
    (tmp_path / "all.json.packed.gz").write_bytes(packed[: len(packed) // 2])
    assert refusals(tmp_path / "all.json.packed.gz")
    assert not [each for each in told(str(tmp_path / "all.json.packed.gz")) if isinstance(each, Advisory)]


def test_a_feed_that_lost_most_of_its_records_does_not_replace_the_index(records, tmp_path, capsys):
    (tmp_path / "feed.json").write_text(json.dumps(records))
    assert built(tmp_path / "feed.json", tmp_path / "x.db") == 0
    before = (tmp_path / "x.db").read_bytes()
    (tmp_path / "feed.json").write_text(json.dumps(records[:20]))
    assert built(tmp_path / "feed.json", tmp_path / "x.db") == 3
    assert "its osv has 20 records, ours 40" in capsys.readouterr().err
    assert (tmp_path / "x.db").read_bytes() == before
    assert built(tmp_path / "feed.json", tmp_path / "x.db", "--older") == 0


def test_a_feed_that_became_a_web_page_does_not_replace_the_index(records, tmp_path, capsys):
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "osv.json").write_text(json.dumps(records))
    kev = {"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2024-1", "dateAdded": "2024-01-02"}]}
    (feeds / "kev.json").write_text(json.dumps(kev))
    assert built(feeds, tmp_path / "x.db") == 0
    before = (tmp_path / "x.db").read_bytes()
    (feeds / "kev.json").write_text("<!DOCTYPE html><html>Sign in</html>")
    assert built(feeds, tmp_path / "x.db") == 3
    assert "it has no kev, which ours has" in capsys.readouterr().err
    assert (tmp_path / "x.db").read_bytes() == before


def test_a_folder_without_a_document_is_told(tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "README").write_text("nothing")
    assert refusals(tmp_path / "folder") == ["holds no document that a feed could be"]
    assert built(tmp_path / "folder", tmp_path / "x.db") == 3


# wrong schema


@pytest.mark.parametrize(
    "content",
    [
        {"id": 5, "modified": "x", "affected": []},
        {"id": "T", "modified": "x", "affected": "all"},
        {"id": "T", "modified": "x", "affected": [{"package": []}]},
        {"id": "T", "modified": "x", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "ranges": {"a": 1}}]},
        {"packages": [{"pkg": 5}], "reponame": "main", "urlprefix": "alpinelinux.org", "distroversion": "v3.18"},
        {"document": {}, "vulnerabilities": []},
        {"catalogVersion": "1", "vulnerabilities": "none"},
        {"format": "NVD_CVE", "vulnerabilities": [{"cve": 5}]},
        {"@context": "x", "statements": [5]},
        {"result": [{"name": 5}]},
        {"a": {"CVE-1": {"releases": []}}},
    ],
)
def test_a_document_of_another_schema_is_refused_with_the_place(content):
    seen = list(read(Document("x.json", json.dumps(content).encode())))
    assert [type(each) for each in seen] == [Refused]
    assert seen[0].reason


def test_one_record_of_another_schema_does_no_harm_to_the_rest(records):
    content = json.dumps([*records[:2], {"id": 5, "affected": []}, *records[2:4]]).encode()
    seen = list(read(Document("all.json", content)))
    assert len([each for each in seen if isinstance(each, Advisory)]) == 4
    assert len([each for each in seen if isinstance(each, Refused)]) == 1


# impossible ranges


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([{"fixed": "1.0.0"}], "begins nowhere"),
        ([{"introduced": "2.0.0"}, {"fixed": "1.0.0"}], "begins nowhere"),
        ([{"introduced": "1.0.0"}, {"fixed": "1.0.0"}], "holds no version"),
        ([{"introduced": "one"}], "cannot be read"),
        ([{"introduced": "0"}, {"fixed": "1" * 5_000}], "cannot be read"),
    ],
)
def test_ranges_that_no_version_can_be_in_are_refused_and_told_by_the_index(index_of, osv, records, events, reason):
    index = index_of(records[0], osv("T-9", ("npm", "right"), events))
    assert not index.rows("npm", "right")
    assert any(reason in each for _, each, _, _ in index.refusals)


def test_a_range_that_says_that_all_versions_are_fixed_matches_none(index_of):
    index = index_of({"a": {"CVE-1": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "0"}}}}})
    package = Package("deb", "a", "1.0-1", source_name="a", source_version="1.0-1", distro="debian-12")
    assert not list(match((package,), "debian-12", index))


# aliases


def test_cycles_and_chains_of_aliases_join_no_two_cves(index_of, osv):
    events = [{"introduced": "0"}]
    ring = [osv(f"GHSA-{n}", ("npm", f"a{n}"), events, aliases=[f"GHSA-{(n + 1) % 50}"]) for n in range(50)]
    ring[10]["aliases"].append("CVE-2024-0001")
    ring[30]["aliases"].append("CVE-2024-0002")
    index = index_of(*ring)
    bugs = {record.id: record.bug for _, record in index.every_record()}
    assert bugs["GHSA-10"] == "CVE-2024-0001"
    assert bugs["GHSA-30"] == "CVE-2024-0002"
    assert bugs["GHSA-20"] == "GHSA-20"


def test_a_record_of_too_many_names_is_refused(index_of, osv, records):
    index = index_of(
        records[0], osv("T-9", events=[{"introduced": "0"}], aliases=[f"CVE-2024-{n}" for n in range(2_000)])
    )
    assert any("names more than" in each for _, each, _, _ in index.refusals)


# future dates


def test_no_feed_is_believed_to_be_of_the_future(tmp_path, records):
    future = [
        Advisory("T", "osv", (), modified="2999-01-01T00:00:00Z"),
        Exploited("CVE-2024-1", "2999-01-01"),
        Likelihood("CVE-2024-1", 0.5, 0.5, "2999-01-01"),
    ]
    real = list(read(Document("x.json", json.dumps(records).encode())))
    build([*real, *future], tmp_path / "x.db")
    with Index(tmp_path / "x.db") as index:
        assert all(each.modified < "2999" for each in index.feeds)
        assert {feed for feed, reason, _, _ in index.refusals if "in the future" in reason} == {"osv", "kev", "epss"}


def test_a_mirror_that_says_it_is_of_the_future_is_refused(index_of, records, tmp_path):
    index_of(*records).close()
    export(tmp_path / "index.db", tmp_path / "mirror")
    manifest = msgspec.json.decode((tmp_path / "mirror" / MANIFEST).read_bytes())
    (tmp_path / "mirror" / MANIFEST).write_bytes(msgspec.json.encode(manifest | {"built": "2999-01-01T00:00:00+00:00"}))
    with pytest.raises(TransomError, match="of the future"):
        take(Place(str(tmp_path / "mirror")), tmp_path / "ours.db")


# records of 100 MB


def test_a_record_of_100_mb_is_refused_and_the_rest_is_used(records, tmp_path, osv):
    huge = osv("T-HUGE", ("npm", "right"), [{"introduced": "0"}], details="x" * (100 << 20))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("T-HUGE.json", json.dumps(huge))
        for each in records[:3]:
            archive.writestr(f"{each['id']}.json", json.dumps(each))
    seen = list(told(str(tmp_path / "all.zip")))
    assert [each.id for each in seen if isinstance(each, Advisory)] == ["T-0", "T-1", "T-2"]
    assert [each.reason for each in seen if isinstance(each, Refused)] == ["a record of more than 32 MB"]


def test_a_record_of_100_mb_within_a_list_is_refused_and_the_rest_is_used(records, osv):
    huge = osv("T-HUGE", ("npm", "right"), [{"introduced": "0"}], details="x" * (100 << 20))
    seen = list(read(Document("all.json", json.dumps([records[0], huge, records[1]]).encode())))
    assert [each.id for each in seen if isinstance(each, Advisory)] == ["T-0", "T-1"]
    assert [each.reason for each in seen if isinstance(each, Refused)] == ["a record of more than 32 MB"]


# HTML


@pytest.mark.parametrize("name", ["osv.json", "kev.json", "epss.csv", "list", "secdb.yaml", "oval.xml"])
@pytest.mark.parametrize("page", [b"<!doctype html><html></html>", b"\n\n  <html lang=en>", b"<!-- x --><html></html>"])
def test_a_web_page_is_no_feed_whatever_it_is_called(name, page):
    seen = list(read(Document(name, page)))
    assert [type(each) for each in seen] == [Refused]
    assert "web page" in seen[0].reason


# nothing looks clean


def packages():
    return [Package("npm", "left-0", "1.0.0"), Package("deb", "a", "1.0-1", distro="debian-12")]


def test_an_index_without_a_record_makes_nothing_look_clean(index_of, records, tmp_path):
    index_of(*records).close()
    with sqlite3.connect(tmp_path / "index.db") as database:
        for table in ("ranges", "packages", "channels", "ids", "feeds"):
            database.execute(f"DELETE FROM {table}")
    database.close()
    with Index(tmp_path / "index.db") as index:
        skipped = [each for each in match(packages(), "debian-12", index) if isinstance(each, Skipped)]
        assert len(skipped) == 2
        assert [each.reason for each in outdated(index)] == ["the index names no source: nothing is known by it"]


def test_a_scan_by_a_stale_index_is_incomplete(records, tmp_path, capsys):
    (tmp_path / "feed.json").write_text(json.dumps(records))
    told_then = (each for each in told(str(tmp_path / "feed.json")))
    build(told_then, tmp_path / "x.db", datetime(2024, 1, 2, tzinfo=UTC))
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [
        {"type": "library", "name": "right", "version": "1.0.0", "purl": "pkg:npm/right@1.0.0"}
    ]}  # fmt: skip
    (tmp_path / "sbom.json").write_text(json.dumps(bill))
    assert main(["vulns", str(tmp_path / "sbom.json"), "--db", str(tmp_path / "x.db")]) == 3
    assert "what became known since is not looked for" in " ".join(capsys.readouterr().out.split())
    aged = ["vulns", str(tmp_path / "sbom.json"), "--db", str(tmp_path / "x.db"), "--max-db-age", "36500"]
    assert main(aged) == 0


def test_the_command_line_and_the_index_agree_how_old_a_source_may_be():
    assert scanners.MAX_AGE_DAYS == MAX_AGE_DAYS


def test_a_scan_without_an_index_says_what_to_do(tmp_path, capsys):
    (tmp_path / "sbom.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}')
    assert main(["vulns", str(tmp_path / "sbom.json"), "--db", str(tmp_path / "none.db")]) in (2, 3)
    assert "transom db" in capsys.readouterr().err
